"""A document to read on in, around a quote: a window of its text as HTML, exactly as it stands."""

from collections.abc import Sequence
from typing import Any, get_args

from index import Index, Passage
from page.escaping import escape, lang, marked
from page.links import Link, link_at
from page.messages import title_of
from page.sources import Source, are_in_order, find_place
from page.words import WORDS
from qa.types import Language

_AROUND = 6
_STEP = 12
_MOST = 60
"""Passages shown before and behind a quote at first, more at a step, and at most in all."""


def reading(request: object, index: Index) -> str:
    """Return the part of a document that a reader asks for, as HTML; of what is gone, that it is.

    Args:
        request: what the browser sends, unchecked: ``at``, the address of a link; ``language``;
            ``first`` and ``last``, the passages shown; and ``more``, ``earlier`` or ``later``.
        index: the index that holds the document.
    """
    asked = request if isinstance(request, dict) else {}
    language: Language = next(
        (one for one in get_args(Language) if one == asked.get("language")), "en"
    )
    link = link_at(str(asked.get("at")))
    source = find_place(index, link) if link else None
    if source is None or source.passage is None:
        return f'<p class="gone" data-read="" tabindex="-1">{escape(WORDS[language]["gone"])}</p>'
    passages = index.passages_of(source.document.id)
    at = next(n for n, passage in enumerate(passages) if passage.id == source.passage.id)
    first, last = _window(asked, at, len(passages))
    return _window_html(source, passages, first, last, language)


def _window(asked: dict[str, Any], at: int, count: int) -> tuple[int, int]:
    """Return the first and the last passage to show."""
    first, last = _number(asked.get("first"), count), _number(asked.get("last"), count)
    if first is None or last is None or first > last:
        return max(0, at - _AROUND), min(count - 1, at + _AROUND)
    if asked.get("more") == "earlier":
        first = max(0, first - _STEP)
        return first, min(last, first + _MOST - 1)
    if asked.get("more") == "later":
        last = min(count - 1, last + _STEP)
    return max(first, last - _MOST + 1), last


def _number(value: object, count: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < count else None


def _window_html(
    source: Source, passages: Sequence[Passage], first: int, last: int, language: Language
) -> str:
    words, document = WORDS[language], source.document
    earlier = _more_html("earlier", words["earlier"]) if first else ""
    later = _more_html("later", words["later"]) if last < len(passages) - 1 else ""
    shown = words["shown"].format(first + 1, last + 1, len(passages))
    title = title_of(document)
    return (
        f'<section data-read="{source.link.address}" data-first="{first}" data-last="{last}" '
        f'lang="{language}"><header><h3{lang(title)}>{escape(title)}</h3>'
        f"<small>{escape(shown)}</small></header>{earlier}"
        f'<div class="text"{lang(document.text[:1000])}>'
        f"{text_html(source, passages, first, last, language)}</div>{later}</section>"
    )


def _more_html(which: str, word: str) -> str:
    return f'<button type="button" data-do="more" data-more="{which}">{escape(word)}</button>'


def text_html(
    source: Source, passages: Sequence[Passage], first: int, last: int, language: Language
) -> str:
    """Return the text from one passage to another: its characters, all of them and no other."""
    document = source.document
    at = passages[first - 1].end if first else 0
    page = passages[first - 1].page if first else None
    pieces = []
    for passage in passages[first : last + 1]:
        pieces.append(_between_html(document.text[at : passage.start], passage.headings))
        pieces.append(_passage_html(source, passage, page, language))
        at, page = passage.end, passage.page
    if last == len(passages) - 1:
        pieces.append(_between_html(document.text[at:], ()))
    return "".join(pieces)


def _between_html(text: str, headings: Sequence[str]) -> str:
    """Return what stands between two passages: headings, and what no passage holds."""
    known = {heading.strip() for heading in headings}
    return "".join(
        _heading_html(line) if line.strip() in known else _other_html(line)
        for line in text.splitlines(keepends=True)
    )


def _heading_html(line: str) -> str:
    inner = line.strip()
    at = line.index(inner)
    tag = f'<span class="heading" role="heading" aria-level="4"{lang(inner)}>'
    before, after = _other_html(line[:at]), _other_html(line[at + len(inner) :])
    return f"{before}{tag}{escape(inner)}</span>{after}"


def _other_html(text: str) -> str:
    if not text:
        return ""
    kind = "between" if text.strip() else "blank"
    return f'<span class="{kind}">{escape(text)}</span>'


def _passage_html(
    source: Source, passage: Passage, page_before: int | None, language: Language
) -> str:
    page = ""
    if passage.page is not None and passage.page != page_before:
        # In an attribute: shown, and yet no part of the text.
        page = f' data-page="{escape(WORDS[language]["page"].format(passage.page))}"'
    is_quoted = source.passage is not None and passage.id == source.passage.id
    inner = _quoted_html(source.link, passage) if is_quoted else escape(passage.text)
    attributes = f'class="passage" data-passage="{passage.id}"{page}{lang(passage.text)}'
    return f"<span {attributes}>{inner}</span>"


def _quoted_html(link: Link, passage: Passage) -> str:
    """Return the passage with the quote, which is marked."""
    text, start, end = passage.text, link.start - passage.start, link.end - passage.start
    bounds = (link.marks, link.answer) if are_in_order(link) else ((), ())
    quote = marked(text[start:end], *bounds)
    mark = f'<mark id="read-mark" tabindex="-1">{quote}</mark>'
    return f"{escape(text[:start])}{mark}{escape(text[end:])}"
