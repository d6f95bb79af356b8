"""What a question gets: hits, citations, an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from index import Document, Passage, Span

Language = Literal["zh-Hans", "zh-Hant", "en"]
"""Language of a question, as a BCP 47 tag."""

Status = Literal["answered", "not_found"]

Strictness = Literal["lenient", "balanced", "strict"]
"""How sure an answer must be before it is given; docs/quality.md has the rates of each."""


def reference_to(document: Document, start: int, end: int) -> str:
    """Return the permanent reference to a place."""
    return f"yinzheng:{document.content_hash}#{start}-{end}"


@dataclass(frozen=True)
class Place:
    """A place where the same words stand once more, whatever the script, marks and blanks."""

    document: Document
    start: int
    end: int


@dataclass(frozen=True)
class Hit:
    """A passage retrieved for a question; passages with the same words are one hit.

    Attributes:
        rank: 1 for the best.
        score: evidence that the passage answers; higher is better.
        passage: what was found.
        document: where it stands.
        also_in: where else, at most 20 places, by path.
        repeats: in how many other places, those of ``also_in`` and the rest.
    """

    rank: int
    score: float
    passage: Passage
    document: Document
    also_in: Sequence[Place] = ()
    repeats: int = 0

    @property
    def reference(self) -> str:
        """The permanent reference of the passage, as of a citation."""
        return reference_to(self.document, self.passage.start, self.passage.end)


@dataclass(frozen=True)
class Citation:
    """A verbatim quote and its place: ``document.text[start:end] == quote``, always.

    Attributes:
        quote: one or two consecutive sentences, as the document has them.
        document: the document quoted.
        start: first character in ``document.text``.
        end: one past the last character.
        page: page number, for formats that have pages.
        headings: the headings the quote stands under, outermost first.
        score: evidence that the quote answers; higher is better.
        passage: the passage it was taken from.
        marks: ranges of ``document.text`` inside the quote: the words that decided for it.
        also_in: where else the quote stands.
        answer_start: first character, in ``document.text``, of the phrase in the quote that
            answers; None where none is marked.
        answer_end: one past its last character, or None.
    """

    quote: str
    document: Document
    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    score: float
    passage: Passage
    marks: Sequence[Span] = ()
    also_in: Sequence[Place] = ()
    answer_start: int | None = None
    answer_end: int | None = None

    @property
    def answer(self) -> str | None:
        """The phrase in the quote that answers, word for word."""
        if self.answer_start is None or self.answer_end is None:
            return None
        return self.document.text[self.answer_start : self.answer_end]

    @property
    def reference(self) -> str:
        """The permanent reference: ``yinzheng:<SHA-256 of the source's bytes>#<start>-<end>``.

        ``resolve`` finds the quote again by it, also when the document has been moved or renamed,
        and says so when it has changed since.
        """
        return reference_to(self.document, self.start, self.end)


@dataclass(frozen=True)
class Answer:
    """What ``ask`` returns.

    Attributes:
        question: as it was asked, without space around it.
        searched: the question that was searched for: the same, unless it was a follow-up whose
            meaning lies in the questions before it.
        language: the question's language, for the words around the quotes.
        status: ``answered``, or ``not_found`` when no quote is good enough.
        confidence: how likely the first quote answers, 0 to 1.
        citations: the quotes, best first; none when nothing was found.
        hits: the closest passages, best first, whatever the status.
        strictness: how sure the answer had to be.
        text: the quotes in a short frame in the question's language, or that nothing was found;
            no word of it is claimed by us.
        is_small_talk: whether the question only greets, thanks or takes leave.
    """

    question: str
    searched: str
    language: Language
    status: Status
    confidence: float
    citations: Sequence[Citation]
    hits: Sequence[Hit]
    strictness: Strictness
    text: str
    is_small_talk: bool = False

    @property
    def closest(self) -> Sequence[Hit]:
        """What to show when nothing was found: the closest passages, which do not answer."""
        return self.hits if self.status == "not_found" and not self.is_small_talk else ()
