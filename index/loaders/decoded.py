"""What a loader gives: decoded text and the blocks the format tells of."""

import codecs
from dataclasses import dataclass

from index.errors import DocumentError


@dataclass(frozen=True)
class Block:
    """A heading or a paragraph of a text.

    Attributes:
        start: first character.
        end: one past the last character.
        level: depth of a heading, 0 = the document's title; None = a paragraph.
        page: page number, for formats that have pages.
    """

    start: int
    end: int
    level: int | None = None
    page: int | None = None


@dataclass(frozen=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: what the bytes say.
        encoding: how they were decoded.
        blocks: headings and paragraphs in order; None when the format does not tell them.
    """

    text: str
    encoding: str
    blocks: tuple[Block, ...] | None = None


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of some bytes, and the encoding's name.

    Raises:
        DocumentError: they are neither UTF-8 nor UTF with a byte-order mark.
    """
    encoding = next((e for mark, e in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"byte {error.start} is not {encoding.upper()} "
            f"(0x{content[error.start]:02X}). Save the file as UTF-8."
        ) from error
