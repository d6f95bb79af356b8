"""Word → blocks."""

import docx
import pytest
from office_files import raw_docx, saved
from test_index_loaders import blocks_of, check_blocks

from index import DocumentError
from index.loaders import load

MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def made() -> bytes:
    document = docx.Document()
    document.add_heading("總標題", 0)
    document.add_heading("第一章", 1)
    document.add_paragraph("內容一。\t續")
    document.add_heading("第一節", 2)
    document.add_paragraph("項目", style="List Bullet")
    table = document.add_table(4, 3)
    rows = ["地區 產量 年份", "烏海 5 2023", "包頭 7 2022", "包頭 8 2021"]
    for row, words in zip(table.rows, rows, strict=True):
        for cell, word in zip(row.cells, words.split(), strict=True):
            cell.text = word
    table.cell(3, 0).text = ""
    table.cell(2, 0).merge(table.cell(3, 0))
    document.sections[0].header.paragraphs[0].text = "頁眉"
    return saved(document.save)


def test_blocks() -> None:
    decoded = load("a.docx", made())
    assert blocks_of(decoded) == [
        ("總標題", 0),
        ("第一章", 1),
        ("內容一。\t續", None),
        ("第一節", 2),
        ("項目", None),
        ("地區：烏海 | 產量：5 | 年份：2023", None),
        ("地區：包頭 | 產量：7 | 年份：2022", None),
        ("地區：包頭 | 產量：8 | 年份：2021", None),
    ]
    check_blocks(decoded)
    assert [(one.what, one.count) for one in decoded.skipped] == [
        ("running headers and footers", 1)
    ]


def test_what_others_lose_is_text_and_what_was_deleted_is_not() -> None:
    body = (
        "<w:p><w:r><w:t>甲</w:t></w:r><w:ins><w:r><w:t>插入</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>刪去</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>移走</w:t></w:r></w:moveFrom></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>控件</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        f"<w:p><w:r><w:t>前</w:t></w:r><mc:AlternateContent {MC}>"
        "<mc:Choice><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent>"
        "</mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p>"
        "</w:txbxContent></mc:Fallback></mc:AlternateContent><w:r><w:t>後</w:t></w:r></w:p>"
    )
    decoded = load("a.docx", raw_docx(body))
    assert [text for text, _ in blocks_of(decoded)] == ["甲插入", "控件", "前後", "文本框"]
    assert [(one.what, one.count) for one in decoded.skipped] == [
        ("deletions under change tracking", 1)
    ]


def test_a_frame_of_one_column_is_text() -> None:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    body = "<w:tbl>" + "".join(f"<w:tr>{cell.format(w)}</w:tr>" for w in "甲乙") + "</w:tbl>"
    assert [text for text, _ in blocks_of(load("a.docx", raw_docx(body)))] == ["甲", "乙"]


def test_entities_are_not_expanded() -> None:
    bomb = (
        '<!DOCTYPE w [<!ENTITY a "x"><!ENTITY b "' + "&a;" * 1000 + '">]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>甲&b;</w:t></w:r></w:p></w:body></w:document>"
    )
    assert load("a.docx", _with_main(bomb)).text == "甲"


def _with_main(main: str) -> bytes:
    from office_files import TYPES, zipped

    return zipped({"[Content_Types].xml": TYPES, "word/document.xml": main})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (raw_docx("<w:p>"), "no valid XML"),
        (raw_docx("<w:p/>"), "holds no text"),
        (made()[: len(made()) // 2], "damaged ZIP"),
    ],
)
def test_a_damaged_file_is_a_clear_error(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=rf"^a\.docx.*{reason}"):
        load("a.docx", content)
