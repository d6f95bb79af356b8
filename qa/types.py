"""What a question gets: hits, citations, an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from index import Document, Passage

Language = Literal["zh-Hans", "zh-Hant", "en"]
"""Language of a question, as a BCP 47 tag."""

Status = Literal["answered", "not_found"]


@dataclass(frozen=True)
class Hit:
    """A passage retrieved for a question.

    Attributes:
        rank: 1 for the best.
        score: evidence that the passage answers; higher is better.
        passage: what was found.
        document: where it stands.
    """

    rank: int
    score: float
    passage: Passage
    document: Document


@dataclass(frozen=True)
class Citation:
    """A verbatim quote and its place: ``document.text[start:end] == quote``, always.

    Attributes:
        quote: one to three consecutive sentences, as the document has them.
        document: the document quoted.
        start: first character in ``document.text``.
        end: one past the last character.
        page: page number, for formats that have pages.
        headings: the headings the quote stands under, outermost first.
        score: evidence that the quote answers; higher is better.
        passage: the passage it was taken from.
    """

    quote: str
    document: Document
    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    score: float
    passage: Passage


@dataclass(frozen=True)
class Answer:
    """What ``ask`` returns.

    Attributes:
        question: as it was asked, without space around it.
        language: the question's language, for the words around the quotes.
        status: ``answered``, or ``not_found`` when no quote is good enough.
        confidence: how likely the first quote answers, 0 to 1.
        citations: the quotes, best first; none when nothing was found.
        hits: the closest passages, best first, whatever the status.
    """

    question: str
    language: Language
    status: Status
    confidence: float
    citations: Sequence[Citation]
    hits: Sequence[Hit]
