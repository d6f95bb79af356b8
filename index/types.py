"""What passes between the stages: a document, its passages, their place in the text."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

TokenVectorKind = Literal["int8", "pq"]
TOKEN_VECTOR_KINDS: tuple[TokenVectorKind, ...] = get_args(TokenVectorKind)
"""How token vectors can be stored."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Shown:
    """A text to be read, as far as it fits beside the question.

    Attributes:
        text: folded.
        sentences: of the text, in order.
        first: the sentence that is read in any case, those around it as far as they fit.
        stop: one past the last that is.
    """

    text: str
    sentences: Sequence[Span]
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """The likeliest answer in a sentence, or in all that was read of a text.

    Attributes:
        start: its first character in the text.
        end: one past the last.
        score: by how much it is likelier than that there is none, as the logarithm of odds.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
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
    def searchable_sentences(self) -> list[Span]:
        """Its sentences, in offsets of ``searchable``."""
        moved = self.searchable_offset - self.start
        return [Span(s.start + moved, s.end + moved) for s in self.sentences]

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


FileStatus = Literal[
    "new", "changed", "unchanged", "renamed", "removed", "vanished", "failed", "passed over"
]
"""What became of a file: ``vanished`` is no longer there and was kept in the index; ``passed over``
lies in a folder or archive that was named, and is hidden or of no kind that can be read."""


@dataclass(frozen=True)
class Dropped:
    """Text of a file that no passage holds: why, and how many pieces of it."""

    reason: str
    count: int


@dataclass(frozen=True)
class FileFacts:
    """What reading a file showed; kept with its document, as unchanged files are not read again.

    Attributes:
        kind: kind of the file, ``pdf`` say.
        removed_noise: pieces of noise taken out.
        merged: lines joined to the line before.
        dropped: what no passage holds, and why.
        garbled: pieces that look garbled; they are kept. None = nobody looked.
        notes: what else the reader of the file had to say.
        reading: identifies how it was read, cleaned and split.
    """

    kind: str
    removed_noise: int = 0
    merged: int = 0
    dropped: tuple[Dropped, ...] = ()
    garbled: int | None = None
    notes: tuple[str, ...] = ()
    reading: str = ""


@dataclass(frozen=True)
class FileReport:
    """What a build did with one file.

    Attributes:
        path: the name the index knows it by.
        status: what became of it.
        encoding: how its bytes were decoded; empty when nothing was.
        kept: paragraphs kept, which is how many passages it has.
        duplicates: how many of them stand elsewhere too.
        facts: what reading it showed; None when it could not be read.
        seconds: how long reading it took; 0 for one that was not read again.
        reason: why it failed, or what else there is to know of its status.
    """

    path: str
    status: FileStatus
    encoding: str = ""
    kept: int = 0
    duplicates: int = 0
    facts: FileFacts | None = None
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        index_dir: the index folder.
        generation: name of the generation now in use.
        documents: how many documents it holds.
        passages: how many passages it holds.
        removed_noise: pieces of noise taken out of the documents in ``files``.
        seconds: how long the build took.
        failed: the files that could not be indexed.
        token_vectors: how token vectors are stored, ``int8`` or ``pq``.
        notes: what was done otherwise than asked, and why.
        files: every file that was looked at, by path: an addition looks at what is added, every
            other change at what the index holds.
        embedded: texts embedded in this build: distinct passages and sentences.
        reused: passages and sentences whose vectors the old generation had: distinct ones where
            they were copied, all of the segments that were taken over.
        is_new: whether a new generation was written; not when nothing had changed.
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
    files: Sequence[FileReport] = ()
    embedded: int = 0
    reused: int = 0
    is_new: bool = True


@dataclass(frozen=True)
class DocumentInfo:
    """A document in a list.

    Attributes:
        id: identifies the document inside its index.
        path: where the file lay when it was indexed.
        title: its first heading, else the file's name.
        passages: how many passages it has.
        kind: kind of the file.
        encoding: how its bytes were decoded.
        content_hash: SHA-256 of the file's bytes.
    """

    id: str
    path: str
    title: str
    passages: int
    kind: str
    encoding: str
    content_hash: str


@dataclass(frozen=True)
class DocumentDetails:
    """What an index knows of a document beside its text.

    Attributes:
        info: what a list of documents says of it.
        facts: what reading its file showed.
        duplicates: how many of its passages stand elsewhere too.
        indexed: when it was first indexed as it is now, ISO 8601 in UTC; empty when not recorded.
    """

    info: DocumentInfo
    facts: FileFacts
    duplicates: int
    indexed: str


@dataclass(frozen=True)
class Version:
    """A state of a document that an index holds or held.

    Attributes:
        document_id: which document.
        path: where its file lay.
        content_hash: SHA-256 of the file's bytes.
        text_key: key of the clean text; another one for the same bytes: they are read otherwise.
        generation: the first generation that held it.
        indexed: when that was, ISO 8601 in UTC.
    """

    document_id: str
    path: str
    content_hash: str
    text_key: bytes
    generation: str
    indexed: str


@dataclass(frozen=True)
class IndexInfo:
    """What an index says of itself: the facts of its manifest.

    Attributes:
        bytes_on_disk: of all its files; a segment that another generation has too counts in both.
            0 where that is not known, as on a Milvus server.
        segments: how many segments its documents lie in.
        lexical: how passages are found by their words.
    """

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
    segments: int = 1
    lexical: str = "BM25"


@dataclass(frozen=True)
class IndexSize:
    """How much an index holds: what has to be counted.

    Attributes:
        sentences: how many sentences its passages have.
        characters: how many characters its documents have.
        bytes_by_part: bytes on disk of each file or folder of the generation.
    """

    sentences: int
    characters: int
    bytes_by_part: Mapping[str, int]
