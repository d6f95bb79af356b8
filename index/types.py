"""What passes between the stages: a document, its passages, their place in the text."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

TokenVectorKind = Literal["int8", "pq"]
TOKEN_VECTOR_KINDS: tuple[TokenVectorKind, ...] = get_args(TokenVectorKind)
"""How token vectors can be stored."""


@dataclass(frozen=True)
class Span:
    """A half-open range of character offsets."""

    start: int
    end: int


@dataclass(frozen=True)
class OffsetMap:
    """Maps offsets of a derived text back to the text it was derived from by deletions.

    Attributes:
        kept: pairs (offset in the derived text, offset in the source) at which a run of kept
            characters begins; the first pair is (0, …) unless nothing was kept.
    """

    kept: tuple[tuple[int, int], ...]

    def to_source(self, offset: int) -> int:
        """Return where the character at ``offset`` of the derived text stands in the source.

        One past the last character maps to one past its source.
        """
        run = bisect_right(self.kept, (offset, -1)) - 1
        if run + 1 < len(self.kept) and self.kept[run + 1][0] == offset:
            run += 1
        if run < 0:
            return offset
        derived, source = self.kept[run]
        return source + offset - derived

    def span_to_source(self, span: Span) -> Span:
        """Return the smallest source range that holds the derived range's characters."""
        if span.start == span.end:
            at = self.to_source(span.start)
            return Span(at, at)
        return Span(self.to_source(span.start), self.to_source(span.end - 1) + 1)

    def to_derived(self, offset: int) -> int:
        """Return where the first kept character at or behind a source offset stands."""
        run = bisect_right(self.kept, offset, key=lambda pair: pair[1]) - 1
        if run < 0:
            return 0
        derived, source = self.kept[run]
        at = derived + offset - source
        return min(at, self.kept[run + 1][0]) if run + 1 < len(self.kept) else at

    def through(self, inner: "OffsetMap") -> "OffsetMap":
        """Return self ∘ inner: from self's derived text through to inner's source."""
        pairs: list[tuple[int, int]] = []
        for run, (derived, middle) in enumerate(self.kept):
            pairs.append((derived, inner.to_source(middle)))
            end = self.kept[run + 1][0] if run + 1 < len(self.kept) else None
            # Only the inner runs that begin inside this one: all of them would take n² steps.
            first = bisect_right(inner.kept, (middle + 1, -1))
            for place in range(first, len(inner.kept)):
                inner_derived, source = inner.kept[place]
                at = derived + inner_derived - middle
                if end is not None and at >= end:
                    break
                pairs.append((at, source))
        return OffsetMap(tuple(pairs))


@dataclass(frozen=True)
class Document:
    """One source file's clean text.

    Attributes:
        id: identifies the document inside its index.
        path: where the file lay when it was indexed.
        title: its first heading, else the file's name.
        text: the clean text; everything quoted is a slice of it.
        content_hash: SHA-256 of the file's bytes.
        encoding: how the bytes were decoded.
        offsets: clean offsets → offsets in the decoded text.
    """

    id: str
    path: str
    title: str
    text: str
    content_hash: str
    encoding: str
    offsets: OffsetMap


@dataclass(frozen=True)
class Passage:
    """The retrievable unit: one paragraph, or a part of a long one.

    Attributes:
        id: its row in the index, from 0; the same in both views.
        document_id: which document it is part of.
        start: first character in ``Document.text``.
        end: one past its last character.
        text: ``document.text[start:end]``.
        headings: the headings it stands under, outermost first.
        sentences: offsets of its sentences in ``Document.text``.
        page: page number, for formats that have pages.
    """

    id: int
    document_id: str
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    sentences: tuple[Span, ...]
    page: int | None = None

    @property
    def sentence_texts(self) -> list[str]:
        """Its sentences, as they stand in the document."""
        return [self.text[s.start - self.start : s.end - self.start] for s in self.sentences]

    @property
    def searchable(self) -> str:
        """What is searched for the passage: its headings, then its text."""
        return searchable(self.headings, self.text)

    @property
    def searchable_offset(self) -> int:
        """Where the passage's own text begins in ``searchable``."""
        return len(self.searchable) - len(self.text)


def searchable(headings: Sequence[str], text: str) -> str:
    """Return what is searched for a passage with these headings."""
    return "\n".join((*headings, text))


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be indexed, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        index_dir: the index folder.
        generation: name of the generation now in use.
        documents: how many documents are indexed.
        passages: how many passages they have.
        removed_noise: how many brackets and stray characters the cleaner removed.
        seconds: how long the build took.
        failed: the files that could not be indexed.
        token_vectors: how token vectors are stored, ``int8`` or ``pq``.
        notes: what was done otherwise than asked, and why.
    """

    index_dir: str
    generation: str
    documents: int
    passages: int
    removed_noise: int
    seconds: float
    failed: Sequence[FailedFile]
    token_vectors: TokenVectorKind
    notes: Sequence[str]


@dataclass(frozen=True)
class IndexInfo:
    """What an index says of itself: the facts of its manifest."""

    index_dir: str
    generation: str
    created: datetime
    documents: int
    passages: int
    model: str
    model_revision: str
    dimension: int
    token_vectors: TokenVectorKind
    bytes_on_disk: int
