"""Answers as text, for clients that show or read no structured output.

The frame of the answer, then where each quote stands; in the question's language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa.framing import closest_lead, page_text, searched_lead
from qa.types import Answer, Citation, Hit, Language

_SHOWN_AS_CLOSEST = 3


@dataclass(frozen=True)
class _Words:
    places: str
    confidence: str


_WORDS: Mapping[Language, _Words] = {
    "zh-Hans": _Words(
        places="出处：",
        confidence="可信度 {confidence:.2f}",
    ),
    "zh-Hant": _Words(
        places="出處：",
        confidence="可信度 {confidence:.2f}",
    ),
    "en": _Words(
        places="Where the quotes stand:",
        confidence="Confidence {confidence:.2f}",
    ),
}


def answer_as_text(answer: Answer) -> str:
    """Return an answer with the permanent reference of every quote."""
    words = _WORDS[answer.language]
    lines = [answer.text]
    if answer.searched != answer.question:
        lines.insert(0, searched_lead(answer.language) + answer.searched)
    if answer.citations:
        lines += ["", words.places]
        lines += [
            _place(n, one, answer.language) for n, one in enumerate(answer.citations, start=1)
        ]
        lines.append(words.confidence.format(confidence=answer.confidence))
    elif answer.closest:
        lines += [
            "",
            closest_lead(answer.language),
            *map(_passage, answer.closest[:_SHOWN_AS_CLOSEST]),
        ]
    return "\n".join(lines)


def _place(number: int, citation: Citation, language: Language) -> str:
    page = "" if citation.page is None else f", {page_text(language, citation.page)}"
    headings = [one for one in citation.headings if one != citation.document.title]
    place = " > ".join([citation.document.title, *headings])
    return f"[{number}] {place}{page}: {citation.reference}"


def hits_as_text(hits: Sequence[Hit]) -> str:
    """Return the passages retrieved, best first, each with its place."""
    return "\n\n".join(f"{hit.rank}. {_passage(hit)}" for hit in hits)


def _passage(hit: Hit) -> str:
    return f"{hit.passage.text}\n   {hit.document.title}: {hit.reference}"
