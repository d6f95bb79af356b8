"""The sources panel: each quote marked in its context, as HTML.

Everything that comes from documents, questions or the browser is escaped here, piece by piece.
"""

from collections.abc import Sequence

from index import Index
from page.conversation import Messages
from page.escaping import escape, lang, marked
from page.links import MOST_TURNS, Turn, turns_in
from page.messages import place_of, title_of
from page.sources import Source, find_source, find_source_again
from page.words import WORDS
from qa.language import language_of
from qa.types import Language

_CONTEXT = 120  # characters shown before and behind a quote


def panel(history: Messages, index: Index) -> str:
    """Return the sources of the newest turns as HTML, newest first."""
    turns = sorted(turns_in(history).items(), reverse=True)[:MOST_TURNS]
    return "".join(_turn_html(turn, index, is_open=n == 0) for n, (_, turn) in enumerate(turns))


def _turn_html(turn: Turn, index: Index, *, is_open: bool) -> str:
    language = language_of(turn.question)
    found = [find_source_again(index, link) for link in turn.links]
    gone = f'<p class="gone" tabindex="-1">{escape(WORDS[language]["gone"])}</p>'
    sources = [
        source_html(source, number, language, _elsewhere(index, source))
        for number, source in enumerate(found, start=1)
        if source is not None
    ]
    body = "".join(sources) + (gone if None in found else "")
    if sources and turn.links[0].kind == "near":
        closest = escape(WORDS[language]["closest"])
        body = f'<details class="closest"><summary>{closest}</summary>{body}</details>'
    return (
        f'<details class="turn" lang="{language}" data-turn="{turn.links[0].turn}"'
        f"{' open' if is_open else ''}><summary>{escape(turn.question)}</summary>{body}</details>"
    )


def _elsewhere(index: Index, source: Source) -> list[Source]:
    """Return the other places of a quote that hold."""
    found = (find_source(index, also, source.quote) for also in source.link.also_in)
    return [other for other in found if other is not None]


def source_html(
    source: Source, number: int, language: Language, elsewhere: Sequence[Source] = ()
) -> str:
    """Return one source: its place, the quote marked in its context, and its other places."""
    words = WORDS[language]
    place = place_of(source.document, source.headings, source.page, language)
    characters = words["place"].format(source.start, source.end)
    back = escape(words["back"])
    note = escape(words.get(source.status, ""))
    return (
        f'<article class="{source.link.kind}"><header><b>{number}</b>'
        f"<cite{lang(place)}>{escape(place)}</cite>"
        f"<small>{escape(characters)}</small>"
        f'<a href="#back-{source.link.address}" aria-label="{back}" title="{back}">↩</a>'
        f"</header>{note and f'<p class=note>{note}</p>'}"
        f"{_passage_html(source)}{_tools_html(source, place, characters, language)}"
        f"{_elsewhere_html(elsewhere, number, language)}</article>"
    )


def _tools_html(source: Source, place: str, characters: str, language: Language) -> str:
    """Return the buttons below a quote: copy it with its reference, read on around it."""
    words = WORDS[language]
    copied = f"{source.quote}\n—— {place} · {characters}\n{source.reference}"
    read = (
        f'<button type="button" data-do="read" data-at="{source.place.address}">'
        f"{escape(words['read'])}</button>"
    )
    return (
        f'<p class=tools><button type="button" data-do="copy" data-copy="{escape(copied)}">'
        f"{escape(words['copy'])}</button>{'' if source.status == 'changed' else read}</p>"
    )


def _elsewhere_html(elsewhere: Sequence[Source], number: int, language: Language) -> str:
    if not elsewhere:
        return ""
    titles = " / ".join(dict.fromkeys(title_of(one.document) for one in elsewhere))
    summary = escape(WORDS[language]["also"].format(titles))
    articles = "".join(source_html(other, number, language) for other in elsewhere)
    return f'<details class="elsewhere"><summary>{summary}</summary>{articles}</details>'


def _passage_html(source: Source) -> str:
    text, start, end = source.document.text, source.start, source.end
    script = lang(source.quote) or lang(text[: 10 * _CONTEXT])
    tag = f'id="{source.link.address}-m" tabindex="-1"{script}'
    if source.link.kind == "near" or source.status == "changed":
        return f"<blockquote {tag}>{escape(source.quote)}</blockquote>"
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    cut = '<span aria-hidden="true">…</span>'
    return (
        f"<blockquote{script}>{cut if first else ''}{escape(text[first:start])}"
        f"<mark {tag}>{marked(source.quote, source.marks, source.answer)}</mark>"
        f"{escape(text[end:last])}"
        f"{cut if last < len(text) else ''}</blockquote>"
    )
