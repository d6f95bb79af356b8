"""An answer as the messages of the chat."""

from collections.abc import Sequence
from dataclasses import replace

from index import Document
from page.escaping import isolated
from page.links import HASH_DIGITS, MOST_CLOSEST, MOST_ELSEWHERE, MOST_MARKS, Link
from page.markdown import from_markdown, in_blockquote, to_markdown
from page.words import WORDS, confidence_in_words
from qa import Answer, Citation, Place
from qa.types import Language


def answer_parts(answer: Answer, turn: int) -> list[str]:
    """Return the paragraphs of an answer's message."""
    if answer.is_small_talk:
        return [to_markdown(answer.text)]
    if answer.status == "not_found":
        return [_searched_part(answer) + _not_found(answer, turn)]
    words = WORDS[answer.language]
    quotes = [
        quote_part(n, turn, citation, answer.language)
        for n, citation in enumerate(answer.citations, start=1)
    ]
    quotes[0] = f"{_searched_part(answer)}{words['found']}\n\n{quotes[0]}"
    return [*quotes, f"*{confidence_in_words(answer.confidence, answer.language)}*"]


def _searched_part(answer: Answer) -> str:
    """Return the paragraph that says what was searched for, when it is not what was asked."""
    if answer.searched == answer.question:
        return ""
    searched = to_markdown(" ".join(answer.searched.split()))
    return f"*{WORDS[answer.language]['searched'].format(searched)}*\n\n"


def searched_in(message: str, language: Language) -> str:
    """Return what was searched for, as an answer's message says; empty when it was the question."""
    before, after = WORDS[language]["searched"].split("{}")
    line = message.partition("\n")[0]
    if not (line.startswith(f"*{before}") and line.endswith(f"{after}*")):
        return ""
    return from_markdown(line[1 + len(before) : len(line) - 1 - len(after)])


def _not_found(answer: Answer, turn: int) -> str:
    """Return a message that is no answer: what was said, and apart from it what is closest."""
    said = f"### {to_markdown(answer.text)}"
    # Passages under the same headings share a line.
    closest: dict[str, str] = {}
    for number, hit in enumerate(answer.closest[:MOST_CLOSEST], start=1):
        passage = hit.passage
        link = _link("near", turn, hit.document, passage.start, passage.end)
        place = place_of(hit.document, passage.headings, passage.page, answer.language)
        closest[place] = f"{closest.get(place, '')} {link.to_markdown(number)}"
    if not closest:
        return said
    lines = [f"- {to_markdown(place)}{links}" for place, links in closest.items()]
    return "\n".join([said, "", f"#### {WORDS[answer.language]['closest']}", "", *lines])


def quote_part(number: int, turn: int, citation: Citation, language: Language) -> str:
    """Return the paragraphs of one quote: its words, its place, where else it stands."""
    link = _link("cite", turn, citation.document, citation.start, citation.end)
    link = replace(link, marks=_marks_of(citation), answer=_answer_of(citation))
    place = place_of(citation.document, citation.headings, citation.page, language)
    parts = [
        f"{in_blockquote(citation.quote, link.answer)} {link.to_markdown(number)}",
        to_markdown(place),
    ]
    if citation.also_in:
        parts.append(_also_part(turn, citation.also_in, language))
    return "\n\n".join(parts)


def _link(kind: str, turn: int, document: Document, start: int, end: int) -> Link:
    return Link(kind, turn, document.id, start, end, content=document.content_hash[:HASH_DIGITS])


def _marks_of(citation: Citation) -> tuple[int, ...]:
    """Return where in a quote the words that decided begin and end, by turns."""
    marks = citation.marks[:MOST_MARKS]
    return tuple(at - citation.start for mark in marks for at in (mark.start, mark.end))


def _answer_of(citation: Citation) -> tuple[int, ...]:
    if citation.answer_start is None or citation.answer_end is None:
        return ()
    return citation.answer_start - citation.start, citation.answer_end - citation.start


def _also_part(turn: int, places: Sequence[Place], language: Language) -> str:
    links = []
    for place in places[:MOST_ELSEWHERE]:
        link = _link("also", turn, place.document, place.start, place.end)
        characters = WORDS[language]["place"].format(place.start, place.end)
        # The title stands outside the link: the chat un-escapes brackets inside of it.
        links.append(f"{to_markdown(title_of(place.document))} [{characters}](#{link.address})")
    more = len(places) - len(links)
    listed = " / ".join([*links, f"+{more}"] if more else links)
    return WORDS[language]["also"].format(listed)


def title_of(document: Document) -> str:
    """Return a title on one line."""
    return isolated(" ".join(document.title.split()))


def place_of(
    document: Document, headings: Sequence[str], page: int | None, language: Language
) -> str:
    """Return where something stands: title, headings, page."""
    path = [document.title, *(heading for heading in headings if heading != document.title)]
    paged = "" if page is None else " · " + WORDS[language]["page"].format(page)
    return " › ".join(isolated(" ".join(one.split())) for one in path) + paged


def failure(language: Language, reason: str, reference: str = "") -> str:
    """Return the message that says that there is no answer, and why.

    Args:
        language: the question's.
        reason: what happened, and what to do next.
        reference: by which the server's log tells more; empty when there is none.
    """
    words = WORDS[language]
    parts = [f"#### ⚠ {words['failed']}", to_markdown(reason)]
    if reference:
        parts.append(f"*{words['reference'].format(to_markdown(reference))}*")
    return "\n\n".join(parts)
