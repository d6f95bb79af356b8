"""What a loader gives: decoded text, and the blocks the format tells of."""

from dataclasses import dataclass, field

from index.errors import DocumentError
from index.loaders.limits import Limits

FORMAT = "unicode"
"""The encoding of a document whose format leaves no choice of one."""


@dataclass(frozen=True)
class Block:
    """A heading or a paragraph of a text.

    Attributes:
        start: first character.
        end: one past the last character.
        level: depth of a heading, 0 = the document's title; None = a paragraph.
        page: page number from 1, for formats that have pages: of a PDF its pages, of a pptx its
            slides.
    """

    start: int
    end: int
    level: int | None = None
    page: int | None = None


@dataclass(frozen=True)
class Skipped:
    """What of a file did not become text.

    Attributes:
        what: in the plural, such as ``page numbers``.
        why: a clause that follows "because".
        count: how many there were.
    """

    what: str
    why: str
    count: int


@dataclass(frozen=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: what the bytes say.
        encoding: how they were decoded.
        blocks: headings and paragraphs in order; None when the format does not tell them.
        kind: the format it was read as, such as ``pdf``.
        notes: what a reader of the build report should know, each a sentence.
        skipped: what did not become text.
    """

    text: str
    encoding: str
    blocks: tuple[Block, ...] | None = None
    kind: str = "txt"
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Options:
    """How to load.

    Attributes:
        encoding: of text; None = found out.
        limits: what is refused.
    """

    encoding: str | None = None
    limits: Limits = field(default_factory=Limits)


class TextWriter:
    """Puts a text together, block by block, and refuses one that grows too long."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.max_characters
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks written so far."""
        return tuple(self._blocks)

    @property
    def text(self) -> str:
        """The text written so far: one line break between blocks."""
        return "\n".join(self._pieces)

    def add(self, text: str, *, level: int | None = None, page: int | None = None) -> None:
        """Write one heading or paragraph; white space alone is none.

        Raises:
            DocumentError: the text is longer than the limit.
        """
        piece = text.strip()
        if not piece:
            return
        start = self._length + 1 if self._pieces else 0
        self._length = start + len(piece)
        check_length(self._length, self._most)
        self._pieces.append(piece)
        self._blocks.append(Block(start, self._length, level, page))


def check_length(characters: int, most: int) -> None:
    """Refuse a text with more characters than the limit.

    Raises:
        DocumentError: it has.
    """
    if characters > most:
        raise DocumentError(
            f"its text has more than {most:,} characters (max_characters). "
            "Split it, or raise the limit."
        )
