"""The sources panel: exactly the quotes, from links that anybody may have written."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from serving import HOSTILE, MARKUP_TEXT

from index import Document, Index, Passage, Span
from index.types import OffsetMap
from page.conversation import Messages
from page.escaping import escape, marked
from page.links import Link, link_at, turns_in
from page.markdown import in_blockquote, to_markdown
from page.messages import quote_part
from page.panel import panel, source_html
from page.sources import Source, _holds
from qa import Citation, Place


class Parsed(HTMLParser):
    """The tags, attributes and marked text of some HTML."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.marked = self.shown = ""
        self.decisive: list[str] = []
        self._in_mark = self._in_decisive = False
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._in_mark = self._in_mark or tag == "mark"
        if tag == "b" and self._in_mark:
            self._in_decisive = True
            self.decisive.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_mark = self._in_mark and tag != "mark"
        self._in_decisive = self._in_decisive and tag != "b"

    def handle_data(self, data: str) -> None:
        self.shown += data
        self.marked += data if self._in_mark else ""
        if self._in_decisive:
            self.decisive[-1] += data


def a_document(text: str, title: str = "", document_id: str = "ab12") -> Document:
    title = title or text[:20]
    return Document(document_id, "/x.txt", title, text, "", "utf-8", OffsetMap(((0, 0),)))


def a_source(text: str, start: int, end: int, *marks: int) -> Source:
    passage = Passage(0, "ab12", 0, len(text), text, (text[:9],), ())
    return Source(Link("cite", 1, "ab12", start, end, marks), a_document(text), passage)


@given(st.data())
def test_the_panel_marks_exactly_the_quote_and_has_only_our_tags(data: st.DataObject) -> None:
    text = data.draw(MARKUP_TEXT.filter(bool))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    marks = sorted(data.draw(st.sets(st.integers(0, end - start), max_size=6)))
    marks = marks[: len(marks) // 2 * 2]
    parsed = Parsed(source_html(a_source(text, start, end, *marks), 1, "en"))
    assert parsed.marked == text[start:end]
    assert parsed.decisive == [
        text[start + a : start + b] for a, b in zip(marks[::2], marks[1::2], strict=True)
    ]
    assert parsed.tags <= {
        *("article", "header", "b", "cite", "small", "a", "p", "button"),
        "blockquote",
        "mark",
        "span",
    }
    assert parsed.attributes <= {
        *("class", "href", "id", "lang", "tabindex", "title", "aria-label", "aria-hidden"),
        *("type", "data-do", "data-copy", "data-at"),
    }


def test_the_quote_stands_in_120_characters_of_context() -> None:
    text = "一" * 200 + "引文" + "二" * 50
    shown = Parsed(source_html(a_source(text, 200, 202), 1, "zh-Hans")).shown
    assert f"…{'一' * 120}引文{'二' * 50}" in shown
    assert not shown.endswith("…")
    assert "字符 200–202" in shown


# ---- links that come back from the browser -------------------------------------------------------


def conversation(quote: str, link: str) -> Messages:
    return [
        {"role": "user", "content": [{"type": "text", "text": r"問\*題"}]},
        {"role": "assistant", "content": [{"type": "text", "text": f"> {quote} [[1]](#{link})"}]},
    ]


def a_place(index: Index) -> tuple[str, Passage, str]:
    document_id = index.document_list()[0][0]
    passage = index.passages_of(document_id)[3]
    return document_id, passage, to_markdown(passage.text)


def test_a_conversation_brings_its_sources_back(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    link = f"cite-7-{document_id}-{passage.start}-{passage.end}"
    content = panel(conversation(quote, link), hostile_index)
    assert Parsed(content).marked == passage.text
    assert f'id="{link}-m"' in content
    assert "問*題" in Parsed(content).shown


@pytest.mark.parametrize(
    "link",
    [
        "cite-1-{id}-{start}-99999",
        "cite-1-{id}-999999998-999999999",
        "cite-1-{id}-{end}-{start}",
        "cite-1-{id}-{start}-{start}",
        "cite-1-{id}-0-{end}",  # over the edge of a passage
        "cite-1-{id}-{start}-{next}",  # not what the message quotes
        "near-1-{id}-{start}-{next}",  # not a whole passage
        "cite-1-0000000000ff-{start}-{end}",
        "cite-1-{id}-{start}-{end}.3",  # a mark without an end
        "cite-1-{id}-{start}-{end}.5.3",
        "cite-1-{id}-{start}-{end}.0.4.3.6",
        "cite-1-{id}-{start}-{end}.0.99999",
    ],
)
def test_a_doctored_link_shows_nothing(hostile_index: Index, link: str) -> None:
    document_id, passage, quote = a_place(hostile_index)
    doctored = link.format(
        id=document_id, start=passage.start, end=passage.end, next=passage.start + 1
    )
    content = panel(conversation(quote, doctored), hostile_index)
    assert Parsed(content).tags == {"details", "summary", "p"}
    assert passage.text not in Parsed(content).shown


@pytest.mark.parametrize(
    "link",
    [
        "cite-1-{id}-{start}--1",
        "cite-1-{id}-{start}-1e3",
        "cite-1-{id}-{start}-" + "9" * 5000,
        "cite-٣-{id}-{start}-{end}",
        'cite-1-"><script>-{start}-{end}',
        "evil-1-{id}-{start}-{end}",
        "cite-1-../../etc/passwd-{start}-{end}",
    ],
)
def test_what_is_no_link_is_none(hostile_index: Index, link: str) -> None:
    document_id, passage, quote = a_place(hostile_index)
    doctored = link.format(id=document_id, start=passage.start, end=passage.end)
    assert turns_in(conversation(quote, doctored)) == {}


TITLES = [*HOSTILE, "a](#also-1-ab-0-5)", "12](#also-1-ab-0-5)", "\\", "](x)\n# 標題"]


def a_citation(quote: str, marks: tuple[Span, ...], also_in: tuple[Place, ...]) -> Citation:
    passage = Passage(0, "ab12", 0, len(quote), quote, (), ())
    return Citation(quote, a_document(quote), 0, len(quote), None, (), 1.0, passage, marks, also_in)


@given(MARKUP_TEXT.filter(bool), st.lists(st.sampled_from(TITLES), max_size=5))
def test_marks_and_other_places_come_back_from_a_message(quote: str, titles: list[str]) -> None:
    places = tuple(
        Place(a_document("x", title, f"{n}f"), n, n + 7) for n, title in enumerate(titles)
    )
    marks = (Span(0, 1),) if len(quote) < 3 else (Span(0, 1), Span(2, len(quote)))
    message = quote_part(1, 4, a_citation(quote, marks, places), "en")
    [link] = turns_in([{"role": "assistant", "content": message}])[4].links
    assert [Span(*bounds) for bounds in zip(link.marks[::2], link.marks[1::2], strict=True)] == [
        *marks
    ]
    found = [(also.document_id, also.start, also.end) for also in link.also_in]
    assert found == [(f"{n}f", n, n + 7) for n in range(len(titles))][:3]
    assert message.endswith("/ +2") == (len(titles) == 5)


@given(MARKUP_TEXT.filter(lambda text: len(text) > 1), st.data())
def test_the_phrase_that_answers_comes_back_from_a_message(quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quote) - 1))
    end = data.draw(st.integers(start + 1, len(quote)))
    assume("\r\n" not in quote)
    citation = replace(a_citation(quote, (), ()), answer_start=start, answer_end=end)
    message = quote_part(1, 4, citation, "en")
    [link] = turns_in([{"role": "assistant", "content": message}])[4].links
    assert link.answer == (start, end)
    assert link_at(link.address) == replace(link, before="")
    assert _holds(Source(link, citation.document, citation.passage), "")
    # The browser may have moved it.
    moved = replace(link, answer=(start, end + 1))
    assert not _holds(Source(moved, citation.document, citation.passage), "")


def test_the_phrase_that_answers_is_set_off_in_the_panel(hostile_index: Index) -> None:
    document_id, passage, _ = a_place(hostile_index)
    end = min(len(passage.text), 6)
    answer = passage.text[2:end]
    quote = in_blockquote(passage.text, (2, end)).removeprefix("> ")
    link = f"cite-7-{document_id}-{passage.start}-{passage.end}_2.{end}"
    content = panel(conversation(quote, link), hostile_index)
    assert Parsed(content).marked == passage.text
    assert f"<strong>{escape(answer)}</strong>" in content
    without = panel(conversation(to_markdown(passage.text), link), hostile_index)
    assert Parsed(without).marked == ""  # the message shows it otherwise


@pytest.mark.parametrize(
    ("marks", "answer", "expected"),
    [
        ((), (), "abcdef"),
        ((1, 3), (), "a<b>bc</b>def"),
        ((), (2, 4), "ab<strong>cd</strong>ef"),
        ((1, 3), (2, 4), "a<b>b</b><strong><b>c</b>d</strong>ef"),
        ((0, 1, 5, 6), (0, 6), "<strong><b>a</b>bcde<b>f</b></strong>"),
    ],
)
def test_words_that_decided_and_the_phrase_may_overlap(
    marks: tuple[int, ...], answer: tuple[int, ...], expected: str
) -> None:
    assert marked("abcdef", marks, answer) == expected


def test_another_place_is_shown_only_if_it_has_the_words(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    other = hostile_index.passages_of(document_id)[4]
    cite = f"cite-7-{document_id}-{passage.start}-{passage.end}"
    shown = {}
    for name, place in (("same", passage), ("other", other)):
        also = f"also-7-{document_id}-{place.start}-{place.end}"
        history = conversation(quote, f"{cite}) [x 1](#{also}")
        content = panel(history, hostile_index)
        assert f'id="{cite}-m"' in content
        shown[name] = f'id="{also}-m"' in content
    assert shown == {"same": True, "other": False}


@pytest.mark.parametrize(
    "history",
    [
        [{}],
        [{"role": "assistant", "content": None}],
        [{"role": "assistant", "content": [None, 3, {"type": "file", "file": "/etc/passwd"}]}],
        [{"role": 5, "content": {"a": "b"}}],
    ],
)
def test_a_conversation_of_another_shape_has_no_sources(
    hostile_index: Index, history: Messages
) -> None:
    assert panel(history, hostile_index) == ""


def test_the_newest_ten_turns_keep_their_sources_newest_first(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    history = [
        message
        for turn in range(1, 14)
        for message in conversation(
            quote, f"cite-{turn}-{document_id}-{passage.start}-{passage.end}"
        )
    ]
    content = panel(history, hostile_index)
    shown = [turn for turn in range(1, 14) if f'data-turn="{turn}"' in content]
    assert shown == list(range(4, 14))
    assert content.index('data-turn="13" open') < content.index('data-turn="12"')
