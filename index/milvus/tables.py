"""What lies in which collection of an index on Milvus, and how a generation's parts become rows.

    <name>                    an alias: stands for the generation in use
    <name>_g<generation>      texts: its manifest, where each passage is, notes of its documents
    <name>_s<segment>_passages    a row for each passage: vector, terms, what is shown of it
    <name>_s<segment>_parts       vectors of its tokens and sentences, in pieces
    <name>_s<segment>_texts       documents, their versions, in how many passages each term stands
    <name>_lock               who is writing

A segment never changes, and several generations may share it. A text holds 65,535 bytes at most, so
what may be longer is cut into pieces; the bytes of numbers are written in base64.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from index.errors import IndexDamagedError, IndexServerError
from index.lexical import LONGEST_TERM
from index.milvus.client import LONGEST, MOST_WORDS, Row, Table

FloatArray = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

PIECES = 1024
"""Pieces that what belongs to a passage is cut into, at most."""
_PIECE = LONGEST // 4 * 3  # bytes, before base64
_LONGEST_NAME = 200
_SHORT = 64
_LONGEST_WORD = 4 * LONGEST_TERM
_NO_WORD = re.compile(r"\W")
_PACKED = "\x00"

PASSAGE_FIELDS = ("row", "document", "duplicate_key", "pieces", "record", "digest")
"""What is read of a passage to show it."""
FOUND_FIELDS = ("row", "vector", "duplicate_key", "terms")
"""What is read of a passage that a search finds."""


def passages_table(dimension: int) -> Table:
    """Return what the collection of a segment's passages holds."""
    return Table(
        "row",
        {
            "row": ("int", 0),
            "document": ("text", _SHORT),
            "duplicate_key": ("text", _SHORT),
            "vector_key": ("text", _SHORT),
            "pieces": ("int", 0),
            "tokens": ("int", 0),
            "sentences": ("int", 0),
            "digest": ("text", _SHORT),
            "record": ("text", LONGEST),
            "terms": ("words", _LONGEST_WORD),
            "vector": ("vector", dimension),
        },
        searched="terms",
    )


PARTS = Table("piece", {"piece": ("int", 0), "data": ("text", LONGEST), "nothing": ("vector", 2)})
TEXTS = Table(
    "name",
    {
        "name": ("text", _LONGEST_NAME),
        "kind": ("text", _SHORT),
        "document": ("text", _SHORT),
        "content_hash": ("text", _SHORT),
        "piece": ("int", 0),
        "pieces": ("int", 0),
        "data": ("text", LONGEST),
        "nothing": ("vector", 2),
    },
)
_NOTHING = [0.0, 0.0]


@dataclass(frozen=True)
class Text:
    """Something of any length that is written in pieces, by name.

    Attributes:
        name: by which it is read.
        kind: what it is: ``head`` or ``text`` of a document, ``version``, ``terms``, …
        data: its bytes.
        document: which document it belongs to, if any.
        content_hash: of that, or of its version.
    """

    name: str
    kind: str
    data: bytes
    document: str = ""
    content_hash: str = ""

    def rows(self) -> list[Row]:
        """Return the rows that hold it."""
        pieces = cut(zlib.compress(self.data, 6))
        return [
            {
                "name": f"{self.name}#{number}",
                "kind": self.kind,
                "document": self.document,
                "content_hash": self.content_hash,
                "piece": number,
                "pieces": len(pieces),
                "data": piece,
                "nothing": _NOTHING,
            }
            for number, piece in enumerate(pieces)
        ]


def joined(rows: Iterable[Row], what: str) -> bytes:
    """Return what the rows of one ``Text`` hold.

    Raises:
        IndexDamagedError: a piece is missing or altered.
    """
    ordered = sorted(rows, key=lambda row: int(row["piece"]))
    if not ordered or [int(row["piece"]) for row in ordered] != list(
        range(int(ordered[0]["pieces"]))
    ):
        raise damaged(what, "is missing, or a piece of it is")
    try:
        return zlib.decompress(whole(str(row["data"]) for row in ordered))
    except (ValueError, zlib.error) as error:
        raise damaged(what, f"cannot be read ({error})") from error


def cut(data: bytes) -> list[str]:
    """Return bytes in base64, in pieces that fit in a text; at least one."""
    starts = range(0, max(1, len(data)), _PIECE)
    return [base64.b64encode(data[at : at + _PIECE]).decode("ascii") for at in starts]


def whole(pieces: Iterable[str]) -> bytes:
    """Return the bytes that were cut into pieces; ValueError when they are no base64."""
    return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)


def part_rows(row: int, data: bytes) -> list[Row]:
    """Return the rows that hold the vectors of a passage's parts."""
    pieces = cut(data)
    if len(pieces) > PIECES:
        raise IndexServerError(
            f"The vectors of one passage take {len(data):,} bytes, too many for Milvus. "
            "Build with --token-vectors pq, which makes them a quarter."
        )
    return [
        {"piece": row * PIECES + number, "data": piece, "nothing": _NOTHING}
        for number, piece in enumerate(pieces)
    ]


def part_keys(row: int, pieces: int) -> range:
    """Return the keys of the rows that hold the vectors of a passage's parts."""
    return range(row * PIECES, row * PIECES + pieces)


def pack_arrays(arrays: Arrays) -> bytes:
    """Return arrays as bytes, the same ones for the same arrays."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def unpack_arrays(data: bytes, what: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that bytes hold.

    Raises:
        IndexDamagedError: they hold none.
    """
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise damaged(what, f"cannot be read ({error})") from error


def pack_record(values: Sequence[object], what: str) -> str:
    """Return values as JSON that fits in a text.

    Raises:
        IndexServerError: it does not, not even compressed.
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > LONGEST:
        text = _PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")
    if len(text.encode()) > LONGEST:
        raise IndexServerError(
            f"{what} is longer than the 65,535 bytes that Milvus takes. "
            "Build with a model that takes shorter passages, or keep this index in a folder."
        )
    return text


def unpack_record(text: str, what: str) -> list[Any]:
    """Return the values that ``pack_record`` was given.

    Raises:
        IndexDamagedError: it holds none.
    """
    try:
        if text.startswith(_PACKED):
            text = zlib.decompress(base64.b64decode(text[1:], validate=True)).decode()
        values = json.loads(text)
    except (ValueError, zlib.error, RecursionError) as error:
        raise damaged(what, f"cannot be read ({error})") from error
    if not isinstance(values, list):
        raise damaged(what, "holds something else")
    return values


def digest_of(*parts: bytes) -> str:
    """Return the SHA-256 of several parts and of where each ends."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


# ---- terms ---------------------------------------------------------------------------------------


def written_terms(terms: Sequence[str], *, as_words: bool) -> "list[str] | str":
    """Return a passage's terms as a server takes them: as a list, or in one text for its BM25.

    What is beyond the most it takes is left out.
    """
    short = [term[:LONGEST_TERM] for term in terms]
    if not as_words:
        return short[:MOST_WORDS]
    words, room = [], LONGEST
    for word in map(as_word, short):
        room -= len(word.encode()) + 1
        if room < 0:
            break
        words.append(word)
    return " ".join(words)


def read_terms(value: object) -> list[str]:
    """Return the terms of a passage, as ``as_word`` or as they are."""
    return value.split(" ") if isinstance(value, str) else list(map(str, value or []))  # type: ignore[call-overload]


def as_word(term: str) -> str:
    """Return a term as one word, whatever cuts it: what is no letter or digit is written out."""
    return _NO_WORD.sub(lambda match: f"_{ord(match[0]):x}_", term[:LONGEST_TERM])


# ---- what goes wrong -----------------------------------------------------------------------------


def damaged(what: str, fact: str) -> IndexDamagedError:
    """Return the error of something in a collection that is not as it was written."""
    return IndexDamagedError(
        f"{what} {fact}. Write it again: python -m index copy FOLDER ADDRESS, or build it again"
    )


def quoted(values: Iterable[str]) -> str:
    """Return texts as a list in a condition; none of them can end it."""
    return json.dumps(list(values), ensure_ascii=False)


def in_parts(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield values in parts that one condition takes."""
    for at in range(0, len(values), size):
        yield values[at : at + size]
