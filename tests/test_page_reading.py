"""Reading on around a quote: exactly the document's text, from requests that anybody may send."""

from html.parser import HTMLParser
from typing import Any

import pytest

from index import Index
from page.links import Link
from page.reading import reading


class Shown(HTMLParser):
    """What a part of a document shows: its text, its mark, its tags, its headings."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.text = self.marked = ""
        self.tags: set[str] = set()
        self.headings: list[str] = []
        self.first = self.last = -1
        self.more: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self._open.append(values.get("class") or tag)
        if values.get("class") == "heading":
            self.headings.append("")
        if tag == "section":
            self.first, self.last = int(values["data-first"] or ""), int(values["data-last"] or "")
        if "data-more" in values:
            self.more.append(values["data-more"] or "")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "text" in self._open:
            self.text += data
        if "mark" in self._open:
            self.marked += data
        if "heading" in self._open:
            self.headings[-1] += data


def a_link(index: Index, number: int, start: int = 0, end: int | None = None) -> Link:
    document_id = index.document_list()[0][0]
    passage = index.passages_of(document_id)[number]
    last = passage.end if end is None else passage.start + end
    return Link("cite", 1, document_id, passage.start + start, last)


def shown_text(index: Index, link: Link, first: int, last: int) -> str:
    """What the passages hold and what stands before them, from the document itself."""
    text = index.document(link.document_id).text
    passages = index.passages_of(link.document_id)
    start = passages[first - 1].end if first else 0
    return text[start : len(text) if last == len(passages) - 1 else passages[last].end]


@pytest.mark.parametrize("number", [0, 7, 14])
def test_the_text_around_a_quote_is_exactly_the_documents(report_index: Index, number: int) -> None:
    link = a_link(report_index, number, 3, 20)
    shown = Shown(reading({"at": link.address, "language": "zh-Hant"}, report_index))
    assert (shown.first, shown.last) == (max(0, number - 6), min(14, number + 6))
    assert shown.text == shown_text(report_index, link, shown.first, shown.last)
    assert shown.marked == report_index.document(link.document_id).text[link.start : link.end]
    assert shown.more == [
        name for name, there in (("earlier", number > 6), ("later", number < 8)) if there
    ]


def test_headings_are_told_from_text(report_index: Index) -> None:
    shown = Shown(reading({"at": a_link(report_index, 3).address}, report_index))
    known = {
        heading
        for passage in report_index.passages_of(report_index.document_list()[0][0])
        for heading in passage.headings
    }
    assert "深入調查研究" in shown.headings
    assert set(shown.headings) <= known


def test_every_part_of_a_hostile_document_is_shown_as_written(hostile_index: Index) -> None:
    document_id = hostile_index.document_list()[0][0]
    for number in range(len(hostile_index.passages_of(document_id))):
        link = a_link(hostile_index, number)
        shown = Shown(reading({"at": link.address, "first": 0, "last": 8}, hostile_index))
        assert shown.text == hostile_index.document(document_id).text
        assert shown.tags <= {"section", "header", "h3", "small", "div", "span", "mark", "button"}


def test_more_is_shown_step_by_step_until_the_ends(report_index: Index) -> None:
    link = a_link(report_index, 7)
    request: dict[str, Any] = {"at": link.address, "first": 6, "last": 7}
    for more, expected in (("earlier", (0, 7)), ("later", (0, 14)), ("later", (0, 14))):
        shown = Shown(reading({**request, "more": more}, report_index))
        assert (shown.first, shown.last) == expected
        assert shown.text == shown_text(report_index, link, *expected)
        request |= {"first": shown.first, "last": shown.last}
    assert shown.more == []


def test_a_long_document_is_shown_in_windows(tmp_path: Any, tiny: Any) -> None:
    from index import build_index, open_index

    text = "\n\n".join(f"第{n}段講的是第{n}件事。" for n in range(200))
    (tmp_path / "long.txt").write_text(text, encoding="utf-8")
    build_index(tmp_path / "long.txt", index_dir=tmp_path / "index", model=str(tiny))
    with open_index(tmp_path / "index") as index:
        link = a_link(index, 100)
        request: dict[str, Any] = {"at": link.address}
        for _ in range(8):
            shown = Shown(reading({**request, "more": "later"}, index))
            assert shown.last - shown.first < 60
            assert shown.text == shown_text(index, link, shown.first, shown.last)
            request |= {"first": shown.first, "last": shown.last}
    assert (shown.first, shown.last) == (131, 190)


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        "cite-1-ab-0-5",
        {"at": None},
        {"at": "cite-1-0000000000ff-0-5"},
        {"at": "cite-1-../../etc-0-5"},
        {"at": '"><script>'},
    ],
)
def test_what_is_no_place_shows_nothing(report_index: Index, request_: object) -> None:
    assert Shown(reading(request_, report_index)).tags == {"p"}


@pytest.mark.parametrize(
    "doctored",
    [
        {"first": -5, "last": 10**9},
        {"first": "0", "last": [1]},
        {"first": 9, "last": 3},
        {"first": True, "last": None, "more": "<b>", "language": "<script>"},
    ],
)
def test_a_doctored_window_is_the_first_one(report_index: Index, doctored: dict[str, Any]) -> None:
    link = a_link(report_index, 7)
    shown = Shown(reading({"at": link.address, **doctored}, report_index))
    assert (shown.first, shown.last) == (1, 13)


def test_doctored_marks_mark_nothing(report_index: Index) -> None:
    address = a_link(report_index, 7).address + ".9.3.99999.1"
    content = reading({"at": address}, report_index)
    assert "<b>" not in content
    assert Shown(content).text
