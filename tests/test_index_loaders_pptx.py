"""PowerPoint → blocks."""

import pptx
import pytest
from office_files import TYPES, saved, zipped
from test_index_loaders import check_blocks

from index import DocumentError
from index.loaders import Limits, load


def made() -> bytes:
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text, first.placeholders[1].text = "演示", "副題"
    second = show.slides.add_slide(show.slide_layouts[1])
    second.shapes.title.text, second.placeholders[1].text = "第二頁", "要點一\n要點二"
    second.notes_slide.notes_text_frame.text = "備註"
    table = second.shapes.add_table(2, 2, 0, 0, 10, 10).table
    for place, word in enumerate(["甲", "乙", "丙", "丁"]):
        table.cell(place // 2, place % 2).text = word
    return saved(show.save)


def test_blocks_with_their_slides() -> None:
    decoded = load("a.pptx", made())
    assert [(decoded.text[b.start : b.end], b.level, b.page) for b in decoded.blocks or ()] == [
        ("演示", 0, 1),
        ("副題", None, 1),
        ("第二頁", 1, 2),
        ("要點一", None, 2),
        ("要點二", None, 2),
        ("甲：丙 | 乙：丁", None, 2),
        ("備註", None, 2),
    ]
    check_blocks(decoded)
    assert [(one.what, one.count) for one in decoded.skipped] == [("slide numbers", 1)]


def test_limits_and_damage() -> None:
    with pytest.raises(DocumentError, match=r"2 slides; the limit is 1 \(max_pages\)"):
        load("a.pptx", made(), limits=Limits(max_pages=1))
    without = zipped({"[Content_Types].xml": TYPES, "ppt/x.xml": ""})
    with pytest.raises(DocumentError, match="has no slides"):
        load("a.pptx", without)
