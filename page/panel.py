"""The sources panel: each quote marked in its context, as HTML.

Everything that comes from documents, questions or the browser is escaped here, piece by piece.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from index import Document, Index, Passage, duplicate_key, script_of
from page.conversation import Messages
from page.links import MOST_TURNS, Link, Turn, turns_in
from page.markdown import in_blockquote
from page.messages import place_of, title_of
from page.words import WORDS
from qa.language import language_of
from qa.types import Language

_CONTEXT = 120  # characters shown before and behind a quote


@dataclass(frozen=True)
class Source:
    """A citation link that holds: its document and the passage it stands in."""

    link: Link
    document: Document
    passage: Passage

    @property
    def quote(self) -> str:
        """The words at the link's place."""
        return self.document.text[self.link.start : self.link.end]


def panel(history: Messages, index: Index) -> str:
    """Return the sources of the newest turns as HTML, newest first."""
    turns = sorted(turns_in(history).items(), reverse=True)[:MOST_TURNS]
    return "".join(_turn_html(turn, index, is_open=n == 0) for n, (_, turn) in enumerate(turns))


def find_source(index: Index, link: Link, same_as: str = "") -> Source | None:
    """Return what a link points to; None unless exactly that can be shown.

    The browser sends the conversation back, and the index may have been rebuilt since. So a place
    must lie inside a passage, and what stands there now must be the quote that the message shows,
    or, for a further place, have the words of ``same_as``.
    """
    try:
        document, passages = index.document(link.document_id), index.passages_of(link.document_id)
    except KeyError:
        return None
    for passage in passages:
        if passage.start <= link.start < link.end <= passage.end:
            source = Source(link, document, passage)
            return source if _holds(source, same_as) else None
    return None


def _holds(source: Source, same_as: str) -> bool:
    link, passage = source.link, source.passage
    if link.kind == "near":
        return (link.start, link.end) == (passage.start, passage.end) and not link.marks
    if link.kind == "also":
        return duplicate_key(source.quote) == duplicate_key(same_as) and not link.marks
    offsets = [0, *link.marks, link.end - link.start]
    are_in_order = len(offsets) % 2 == 0 and offsets == sorted(offsets)
    return are_in_order and link.before.endswith(in_blockquote(source.quote))


def _turn_html(turn: Turn, index: Index, *, is_open: bool) -> str:
    language = language_of(turn.question)
    found = [find_source(index, link) for link in turn.links]
    sources = [
        source_html(source, number, language, _elsewhere(index, source))
        for number, source in enumerate(found, start=1)
        if source is not None
    ]
    if not sources:
        body = f'<p class="gone">{html.escape(WORDS[language]["gone"])}</p>'
    elif turn.links[0].kind == "near":
        closest = html.escape(WORDS[language]["closest"])
        body = f'<details class="closest"><summary>{closest}</summary>{"".join(sources)}</details>'
    else:
        body = "".join(sources)
    return (
        f'<details class="turn" lang="{language}" data-turn="{turn.links[0].turn}"'
        f"{' open' if is_open else ''}><summary>{_escape(turn.question)}</summary>{body}</details>"
    )


def _elsewhere(index: Index, source: Source) -> list[Source]:
    """Return the other places of a quote that hold."""
    found = (find_source(index, also, source.quote) for also in source.link.also_in)
    return [other for other in found if other is not None]


def source_html(
    source: Source, number: int, language: Language, elsewhere: Sequence[Source] = ()
) -> str:
    """Return one source: its place, the quote marked in its context, and its other places."""
    link, document, passage = source.link, source.document, source.passage
    words = WORDS[language]
    place = place_of(document, passage.headings, passage.page, language)
    back = _escape(words["back"])
    return (
        f'<article class="{link.kind}"><header><b>{number}</b>'
        f"<cite{_lang(place)}>{_escape(place)}</cite>"
        f"<small>{_escape(words['place'].format(link.start, link.end))}</small>"
        f'<a href="#back-{link.address}" aria-label="{back}" title="{back}">↩</a>'
        f"</header>{_passage_html(source)}{_elsewhere_html(elsewhere, number, language)}</article>"
    )


def _elsewhere_html(elsewhere: Sequence[Source], number: int, language: Language) -> str:
    if not elsewhere:
        return ""
    titles = " / ".join(dict.fromkeys(title_of(one.document) for one in elsewhere))
    summary = _escape(WORDS[language]["also"].format(titles))
    articles = "".join(source_html(other, number, language) for other in elsewhere)
    return f'<details class="elsewhere"><summary>{summary}</summary>{articles}</details>'


def _passage_html(source: Source) -> str:
    link, text = source.link, source.document.text
    start, end = link.start, link.end
    script = _lang(source.quote) or _lang(text[: 10 * _CONTEXT])
    tag = f'id="{link.address}-m" tabindex="-1"{script}'
    if link.kind == "near":
        return f"<blockquote {tag}>{_escape(source.quote)}</blockquote>"
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    cut = '<span aria-hidden="true">…</span>'
    return (
        f"<blockquote{script}>{cut if first else ''}{_escape(text[first:start])}"
        f"<mark {tag}>{_quote_html(source.quote, link.marks)}</mark>{_escape(text[end:last])}"
        f"{cut if last < len(text) else ''}</blockquote>"
    )


def _quote_html(quote: str, marks: Sequence[int]) -> str:
    """Return a quote with the words that decided set off."""
    # Cut first, escape each piece behind it: the offsets are those of the text.
    bounds = [0, *marks, len(quote)]
    pieces = [_escape(quote[a:b]) for a, b in pairwise(bounds)]
    # No screen reader speaks of <b>; a <mark> in a <mark> some do.
    return "".join(f"<b>{piece}</b>" if n % 2 else piece for n, piece in enumerate(pieces))


def _escape(text: str) -> str:
    # A carriage return in HTML source would be read as a line feed.
    return html.escape(text).replace("\r", "&#13;")


@lru_cache(maxsize=1024)
def _lang(text: str) -> str:
    """Return the ``lang`` attribute for a text, so that it gets its own script's glyphs."""
    script = script_of(text)
    return f' lang="{script}"' if script else ""
