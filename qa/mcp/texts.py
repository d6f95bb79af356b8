"""Answers as text, for clients that show or read no structured output.

The frame of the answer, then where each quote stands; in the question's language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa.types import Answer, Citation, Hit, Language

_SHOWN_AS_CLOSEST = 3


@dataclass(frozen=True)
class _Words:
    searched: str
    places: str
    page: str
    confidence: str
    closest: str


_WORDS: Mapping[Language, _Words] = {
    "zh-Hans": _Words(
        searched="按以下问题检索：{question}",
        places="出处：",
        page="第 {page} 页",
        confidence="可信度 {confidence:.2f}",
        closest="最接近的段落如下，它们没有回答这个问题：",
    ),
    "zh-Hant": _Words(
        searched="按以下問題檢索：{question}",
        places="出處：",
        page="第 {page} 頁",
        confidence="可信度 {confidence:.2f}",
        closest="最接近的段落如下，它們沒有回答這個問題：",
    ),
    "en": _Words(
        searched="Searched for: {question}",
        places="Where the quotes stand:",
        page="page {page}",
        confidence="Confidence {confidence:.2f}",
        closest="The closest passages, which do not answer:",
    ),
}


def answer_as_text(answer: Answer) -> str:
    """Return an answer with the permanent reference of every quote."""
    words = _WORDS[answer.language]
    lines = [answer.text]
    if answer.searched != answer.question:
        # A question may hold braces of its own.
        lines.insert(0, words.searched.replace("{question}", answer.searched))
    if answer.citations:
        lines += ["", words.places]
        lines += [_place(n, one, words) for n, one in enumerate(answer.citations, start=1)]
        lines.append(words.confidence.format(confidence=answer.confidence))
    elif answer.closest:
        lines += ["", words.closest, *map(_passage, answer.closest[:_SHOWN_AS_CLOSEST])]
    return "\n".join(lines)


def _place(number: int, citation: Citation, words: _Words) -> str:
    page = "" if citation.page is None else f", {words.page.format(page=citation.page)}"
    headings = [one for one in citation.headings if one != citation.document.title]
    place = " > ".join([citation.document.title, *headings])
    return f"[{number}] {place}{page}: {citation.reference}"


def hits_as_text(hits: Sequence[Hit]) -> str:
    """Return the passages retrieved, best first, each with its place."""
    return "\n\n".join(f"{hit.rank}. {_passage(hit)}" for hit in hits)


def _passage(hit: Hit) -> str:
    return f"{hit.passage.text}\n   {hit.document.title}: {hit.reference}"
