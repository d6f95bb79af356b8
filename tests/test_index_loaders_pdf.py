"""PDF → blocks with their pages; columns, running lines, wrapped lines, scans, damage."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_files import FONT, HEIGHT, WIDTH, drawn, typeset, with_picture
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from test_index_loaders import blocks_of, check_blocks

from index import DocumentError
from index.loaders import Limits, load
from index.loaders.pdf_layout import Page, Run, read_pages

WORDS = "各级政法机关坚持问题导向把解决放在首位推动项部署落实细治理现代化基层社会稳定安全发展改革"


def story(seed: int, parts: int) -> list[tuple[str, str]]:
    """Return headings and paragraphs of characters drawn by chance, none like another."""
    draw = random.Random(seed)
    told: list[tuple[str, str]] = []
    for part in range(1, parts + 1):
        told.append(("h", f"第{part}篇 " + "".join(draw.choices(WORDS, k=8))))
        for _ in range(3):
            clauses = ["".join(draw.choices(WORDS, k=draw.randint(6, 24))) for _ in range(8)]
            told.append(("p", "，".join(clauses) + "。"))
    return told


@pytest.mark.parametrize("columns", [1, 2])
def test_paragraphs_come_whole_in_the_order_of_reading(columns: int) -> None:
    told = story(columns, 12)
    decoded = load("a.pdf", typeset(told, columns=columns))
    assert blocks_of(decoded) == [(text, 1 if kind == "h" else None) for kind, text in told]
    check_blocks(decoded)
    pages = [block.page for block in decoded.blocks or ()]
    last = pages[-1]
    assert last is not None
    assert last >= 2
    assert pages == sorted(pages, key=lambda page: page or 0)
    assert {one.what: one.count for one in decoded.skipped} == {
        "running headers and footers": last,
        "page numbers": last,
    }


def test_a_title_above_two_columns() -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFont(FONT, 20)
        canvas.drawCentredString(WIDTH / 2, HEIGHT - 80, "通欄的大標題在這裡")
        canvas.setFont(FONT, 11)
        for n in range(10):
            canvas.drawString(60, HEIGHT - 120 - 16 * n, f"左欄的第{n}行文字一直寫到右邊緣為止了")
            canvas.drawString(310, HEIGHT - 120 - 16 * n, f"右欄的第{n}行文字一直寫到右邊緣為止了")

    (title, *texts) = blocks_of(load("a.pdf", drawn(page)))
    assert title == ("通欄的大標題在這裡", 0)
    assert "".join(text for text, _ in texts) == "".join(
        f"{side}欄的第{n}行文字一直寫到右邊緣為止了" for side in "左右" for n in range(10)
    )


def test_the_cells_of_a_row_stay_together() -> None:
    def page(canvas: Canvas) -> None:
        for n, (place, amount) in enumerate([("烏海", "5"), ("包頭", "7"), ("通遼", "9")]):
            canvas.drawString(60, 700 - 20 * n, place)
            canvas.drawString(300, 700 - 20 * n, amount)

    assert load("a.pdf", drawn(page)).text == "烏海\t5\n包頭\t7\n通遼\t9"


def test_a_turned_page_is_read_and_a_watermark_left_out() -> None:
    def turned(canvas: Canvas) -> None:
        canvas.rotate(90)
        for n in range(3):
            canvas.drawString(60, -80 - 16 * n, f"第{n}行橫著的文字，寫到這裡。")

    def marked(canvas: Canvas) -> None:
        canvas.drawString(60, 700, "正文在這裡。")
        canvas.rotate(45)
        canvas.setFont(FONT, 40)
        canvas.drawString(300, 100, "機密")

    decoded = load("a.pdf", drawn(turned, marked))
    turned_text = "".join(f"第{n}行橫著的文字，寫到這裡。" for n in range(3))
    assert decoded.text == f"{turned_text}\n正文在這裡。"
    assert [(one.what, one.count) for one in decoded.skipped] == [("slanted characters", 2)]


def test_a_scan_is_refused_and_half_a_scan_noted() -> None:
    def written(canvas: Canvas) -> None:
        canvas.drawString(
            60, 700, f"有文字的一頁，就是第{'甲乙丙丁'[canvas.getPageNumber() - 1]}頁。"
        )

    with pytest.raises(DocumentError, match=r"a scan without a text layer \(2 pages.*OCR"):
        load("a.pdf", drawn(with_picture, with_picture))
    decoded = load("a.pdf", drawn(written, with_picture, with_picture, written, with_picture))
    assert [block.page for block in decoded.blocks or ()] == [1, 4]
    assert "pictures only: 2–3, 5." in decoded.notes[0]
    with pytest.raises(DocumentError, match="2 pages hold no text"):
        load("a.pdf", drawn(lambda _canvas: None, lambda _canvas: None))


def test_protected_damaged_and_long_files() -> None:
    content = typeset(story(3, 4))
    locked = drawn(lambda c: c.drawString(9, 9, "x"), encrypt=StandardEncryption("secret"))
    with pytest.raises(DocumentError, match=r"^a\.pdf: it is protected by a password"):
        load("a.pdf", locked)
    with pytest.raises(DocumentError, match=r"^a\.pdf: .*(damaged|can be read|no text)"):
        load("a.pdf", content[: len(content) // 3])
    many = drawn(*[lambda _canvas: None] * 11)
    with pytest.raises(DocumentError, match=r"11 pages; the limit is 10 \(max_pages\)"):
        load("a.pdf", many, limits=Limits(max_pages=10))


RUNS = st.builds(
    lambda text, x, y, size: Run(text, x, x + size * len(text), y, y + size, size),
    st.text(alphabet="甲乙丙。，一、1a- ", min_size=1, max_size=12).filter(str.strip),
    st.floats(0, 500),
    st.floats(0, 800),
    st.sampled_from([8.0, 11.0, 20.0]),
)


@given(st.lists(st.lists(RUNS, max_size=12), min_size=1, max_size=4))
def test_no_character_is_lost_but_running_lines(pages: list[list[Run]]) -> None:
    layout = read_pages([Page(number, runs) for number, runs in enumerate(pages, start=1)])
    kept = sorted("".join("".join(block.text.split()) for block in layout.blocks))
    given_ = sorted("".join("".join(run.text.split()) for runs in pages for run in runs))
    if not layout.skipped:
        assert kept == given_
    else:
        assert len(kept) < len(given_)
