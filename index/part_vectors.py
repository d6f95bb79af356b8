"""The vectors of each passage's parts, its tokens or its sentences: int8 or smaller, mapped.

Late interaction compares each token of a question with each token of a passage (ColBERT, Khattab
and Zaharia, 2020). The vectors of tokens are the embedding model's own last layer, those of
sentences are encoded one by one; all are of unit length. Each is stored as int8 with a scale of its
own, which changed no ranking on the public sets measured.

    spans.npy     uint16 or uint32 (parts, 2)   of tokens: offsets in the passage's searchable text;
                                                of sentences: in its own text
    bounds.npy    int64   (passages + 1,)       first part of each passage

and, as int8:

    vectors.npy   int8    (parts, dimension)
    scales.npy    float16 (parts,)

or, a quarter of that, by a product quantiser that learned from the same vectors (``quantiser.py``):

    codes.npy     uint8   (parts, dimension / 4)
    centroids.npy float32 (dimension / 4, 256, 4)
"""

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from index.ahead import ahead
from index.durable import open_warily, take_room, writing
from index.errors import IndexDamagedError
from index.quantiser import (
    CENTROIDS,
    FEWEST_TRAINED,
    MOST_TRAINED,
    PIECE,
    CodeArray,
    ProductQuantiser,
    train,
)
from index.types import TokenVectorKind

FloatArray = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]
ScaleArray = npt.NDArray[np.float16]
IntArray = npt.NDArray[np.int64]
Stored = tuple[npt.NDArray[Any], ...]
"""Vectors as they are stored: levels and scales, or codes."""

# Version 1.0 of NumPy's format: magic, length of the rest as u16, a dict as text, padding.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([<|][a-z][1-8])', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,15}, ?)*(?:[0-9]{1,15})?)\), \} *\n",
    re.DOTALL,
)
_BEFORE_HEADER = 10
_LONGEST_HEADER = 1024
_LEVELS = 127
_SAMPLE_SEED = 20
_BLOCK = 8192
"""Vectors encoded in one go: 12 MB of float32 at 384 dimensions."""
_TOGETHER = 64
"""Passages copied in one go."""
_RESTORED = 512
"""Vectors compared in one go: 0.8 MB of float32 at 384 dimensions."""
_MOST_ALONE = 1 << 18
"""Multiplications up to which OpenBLAS computes a product of matrices in the calling thread."""


@dataclass(frozen=True)
class PartVectors:
    """The parts of one text: its tokens or its sentences.

    Attributes:
        vectors: unit vectors, float32 ``(parts, dimension)``.
        spans: first character of each part and one past its last, int64 ``(parts, 2)``.
        codes: the vectors as codes, uint8 ``(parts, dimension / 4)``, where a build has them.
    """

    vectors: FloatArray
    spans: npt.NDArray[np.int64]
    codes: CodeArray | None = None


@dataclass(frozen=True)
class PartCosines:
    """How similar the parts of several texts are to some vectors.

    Attributes:
        cosines: float32 ``(vectors, parts of all texts)``, text after text.
        spans: first character of each part and one past its last, int64 ``(parts, 2)``.
        bounds: first part of each text, and one past the last of all, int64 ``(texts + 1,)``.
    """

    cosines: FloatArray
    spans: npt.NDArray[np.int64]
    bounds: IntArray

    def largest(self) -> FloatArray:
        """Return each text's largest cosine to each vector, at least -1, ``(vectors, texts)``."""
        return largest_between(self.cosines, self.bounds[:-1], self.bounds[1:], -1.0)


def largest_between(
    values: FloatArray, starts: IntArray, ends: IntArray, least: float
) -> FloatArray:
    """Return the largest value of each row in each range of columns, float32 ``(rows, ranges)``.

    Args:
        values: float32 ``(rows, columns)``.
        starts: first column of each range.
        ends: one past its last.
        least: what is returned at least, and for a range that is empty.
    """
    # reduceat takes no index behind the last column, and of an empty range its first one.
    padded = np.pad(values, ((0, 0), (0, 1)), constant_values=least)
    edges = np.stack([starts, ends], axis=1).reshape(-1)
    largest = np.maximum(np.maximum.reduceat(padded, edges, axis=1)[:, ::2], np.float32(least))
    found: FloatArray = np.where(starts < ends, largest, np.float32(least))
    return found


def products(rows: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the product of every row and every vector, float32 ``(rows, vectors)``.

    In pieces so small that BLAS starts no threads: many questions at once would wait for them.
    """
    count, dimension = rows.shape
    found = np.empty((count, len(vectors)), np.float32)
    piece = max(1, _MOST_ALONE // max(1, dimension * len(vectors)))
    pieces, whole = count // piece, count // piece * piece
    np.matmul(
        rows[:whole].reshape(pieces, piece, dimension),
        vectors.T,
        out=found[:whole].reshape(pieces, piece, len(vectors)),
    )
    np.matmul(rows[whole:], vectors.T, out=found[whole:])
    return found


def quantise(vectors: FloatArray) -> tuple[Int8Array, ScaleArray]:
    """Return vectors as int8 levels, and the scale of each; what is restored quantises the same."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    # The scale as it will be read back, so that quantising and restoring agree.
    scales = np.maximum(largest / _LEVELS, np.finfo(np.float16).tiny).astype(np.float16)
    levels = np.rint(vectors / scales[:, None].astype(np.float32))
    return np.clip(levels, -_LEVELS, _LEVELS).astype(np.int8), scales


def restore(levels: Int8Array, scales: ScaleArray) -> FloatArray:
    """Return quantised vectors as float32."""
    vectors = levels.astype(np.float32)
    vectors *= scales.astype(np.float32)[:, None]
    return vectors


def int8_products(pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
    """Return the product of vectors and quantised parts, float32 ``(vectors, parts)``.

    Args:
        pieces: levels and scales, at least one pair.
        vectors: float32 ``(vectors, dimension)``.
    """
    levels, scales = map(np.concatenate, zip(*pieces, strict=True))
    scales = scales.astype(np.float32)
    found = np.empty((len(vectors), len(levels)), np.float32)
    # A block at a time in one place: what is restored stays in the processor's cache.
    room = np.empty((min(_RESTORED, len(levels)), vectors.shape[1]), np.float32)
    for start in range(0, len(levels), _RESTORED):
        at = slice(start, start + _RESTORED)
        restored = room[: len(levels[at])]
        np.copyto(restored, levels[at])
        np.multiply(products(restored, vectors).T, scales[at], out=found[:, at])
    return found


def coded_products(
    quantiser: ProductQuantiser, pieces: Sequence[Stored], vectors: FloatArray
) -> FloatArray:
    """Return the product of vectors and parts in codes, float32 ``(vectors, parts)``."""
    (codes,) = map(np.concatenate, zip(*pieces, strict=True))
    return np.ascontiguousarray(products(quantiser.decode(codes), vectors).T)


@dataclass(frozen=True)
class Learned:
    """A product quantiser of an index that is built from nothing.

    What it learned from was stored as int8; so is, for a moment, what it encodes, and the codes are
    those that ``compress`` gives.
    """

    quantiser: ProductQuantiser

    @property
    def centroids(self) -> FloatArray:
        """Those it learned, float32 ``(pieces, 256, 4)``."""
        return self.quantiser.centroids

    def encode(self, vectors: FloatArray) -> CodeArray:
        """Return the codes of unit vectors, ``(n, pieces)``."""
        return self.quantiser.encode(restore(*quantise(vectors)))

    def decode(self, codes: CodeArray) -> FloatArray:
        """Return what codes stand for, as unit vectors, float32 ``(n, dimension)``."""
        return self.quantiser.decode(codes)


Coding = ProductQuantiser | Learned


class PartVectorWriter:
    """Writes the vectors of parts in any order of passages, as int8 or as codes.

    Args:
        folder: where the files go; made when it is not there.
        counts: how many parts each passage has.
        dimension: length of a vector.
        longest: characters of the longest text the spans count in.
        quantiser: writes codes with the centroids of this one; None = int8.

    Raises:
        IndexFolderError: the disk has no room for them.
    """

    def __init__(
        self,
        folder: Path,
        counts: Sequence[int],
        dimension: int,
        *,
        longest: int,
        quantiser: Coding | None = None,
    ) -> None:
        self._quantiser = quantiser
        self.bounds: IntArray = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(
            np.int64
        )
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / "bounds.npy", self.bounds)
            if quantiser is not None:
                np.save(folder / "centroids.npy", quantiser.centroids)
        total = int(self.bounds[-1])
        offset = np.uint16 if longest <= np.iinfo(np.uint16).max else np.uint32
        self.spans: npt.NDArray[Any] = _make(folder / "spans.npy", offset, (total, 2))
        if quantiser is None:
            vectors = _make(folder / "vectors.npy", np.int8, (total, dimension))
            scales = _make(folder / "scales.npy", np.float16, (total,))
            self.stored: tuple[npt.NDArray[Any], ...] = (vectors, scales)
        else:
            size = (total, len(quantiser.centroids))
            self.stored = (_make(folder / "codes.npy", np.uint8, size),)

    def rows_of(self, passage_id: int) -> slice:
        """Return where the parts of one passage are stored."""
        return slice(self.bounds[passage_id], self.bounds[passage_id + 1])

    def write(self, passage_id: int, parts: PartVectors) -> None:
        """Store the parts of one passage."""
        at = self.rows_of(passage_id)
        if self._quantiser is not None and parts.codes is not None:
            self.stored[0][at] = parts.codes
        else:
            self.write_rows(at, parts.vectors)
        self.spans[at] = parts.spans

    def write_rows(self, rows: slice | IntArray, vectors: FloatArray) -> None:
        """Store vectors without their spans, by row."""
        if self._quantiser is None:
            encoded: tuple[npt.NDArray[Any], ...] = quantise(vectors)
        else:
            encoded = (self._quantiser.encode(vectors),)
        for mine, new in zip(self.stored, encoded, strict=True):
            mine[rows] = new

    def copy_rows(
        self, rows: IntArray, source: "PartVectorStore | PartVectorWriter", of_source: IntArray
    ) -> None:
        """Copy vectors without their spans as they are stored, which must be in the same way."""
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            for mine, theirs in zip(self.stored, source.stored, strict=True):
                mine[rows[block]] = theirs[of_source[block]]

    def copy(
        self,
        passage_ids: Sequence[int],
        source: "PartVectorStore | PartVectorWriter",
        of_source: Sequence[int],
    ) -> None:
        """Copy the parts of whole passages as they are stored."""
        for start in range(0, len(passage_ids), _TOGETHER):
            block = slice(start, start + _TOGETHER)
            rows = _rows_of(self.bounds, passage_ids[block])
            theirs = _rows_of(source.bounds, of_source[block])
            self.copy_rows(rows, source, theirs)
            self.spans[rows] = source.spans[theirs]

    def close(self) -> None:
        """Write what is still in memory, and let the files go."""
        for array in (*self.stored, self.spans):
            array.flush()  # type: ignore[attr-defined]  # it is mapped
        del self.stored, self.spans


def _rows_of(bounds: IntArray, passage_ids: Sequence[int]) -> IntArray:
    ids = np.asarray(passage_ids, np.int64)
    ranges = [np.arange(a, b) for a, b in zip(bounds[ids], bounds[ids + 1], strict=True)]
    return np.concatenate(ranges) if ranges else np.empty(0, np.int64)


def _make(path: Path, kind: type, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[Any]]":
    """Make a file to be filled through memory, with all its room taken."""
    with writing(path):
        array = open_memmap(path, "w+", kind, shape)
        take_room(path)
    return array


def compress(folder: Path, told: Callable[[int, int], None]) -> bool:
    """Replace what a writer wrote as int8 by the codes of a product quantiser.

    It learns from a sample of the very vectors it will encode. What is in memory at a time is that
    sample, 100 MB at 384 dimensions, or a block.

    Args:
        folder: of a closed writer; the dimension is a multiple of 4.
        told: called with how many vectors are encoded, and of how many.

    Returns:
        False when there are too few vectors to learn from: then nothing is changed.
    """
    written = _Int8(folder)
    total = len(written)
    if total < FEWEST_TRAINED:
        return False
    told(0, total)
    quantiser = train(_sample(written))
    with writing(folder / "centroids.npy"):
        np.save(folder / "centroids.npy", quantiser.centroids)
    codes = _make(folder / "codes.npy", np.uint8, (total, written.dimension // PIECE))
    blocks = [slice(start, min(start + _BLOCK, total)) for start in range(0, total, _BLOCK)]
    for block, of_block in zip(blocks, ahead(written.encode_by(quantiser), blocks), strict=True):
        codes[block] = of_block
        told(block.stop, total)
    codes.flush()
    del written  # a file in use cannot be removed everywhere
    for name in _Int8.files:
        (folder / f"{name}.npy").unlink()
    return True


def _sample(written: "_Int8") -> FloatArray:
    """Return the vectors that a quantiser learns from."""
    return written.get(sample_rows(len(written)))


def sample_rows(total: int) -> IntArray:
    """Return rows drawn by chance, the same ones each time, in order; all when not more."""
    if total <= MOST_TRAINED:
        return np.arange(total)
    rows = np.random.default_rng(_SAMPLE_SEED).choice(total, MOST_TRAINED, replace=False)
    found: IntArray = np.sort(rows)
    return found


class _Int8:
    """Vectors as int8, each with its scale."""

    kind: TokenVectorKind = "int8"
    files = ("vectors", "scales")

    def __init__(self, folder: Path) -> None:
        self._levels: Int8Array = open_array(folder, "vectors", np.int8, (None, None))
        self._scales: ScaleArray = open_array(folder, "scales", np.float16, (len(self._levels),))

    def __len__(self) -> int:
        return len(self._levels)

    @property
    def dimension(self) -> int:
        return int(self._levels.shape[1])

    @property
    def stored(self) -> tuple[npt.NDArray[Any], ...]:
        return (self._levels, self._scales)

    def get(self, at: slice | IntArray) -> FloatArray:
        return restore(self._levels[at], self._scales[at])

    def encode_by(self, quantiser: ProductQuantiser) -> Callable[[slice], CodeArray]:
        return lambda at: quantiser.encode(self.get(at))

    def products(self, pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
        return int8_products(pieces, vectors)


class _Quantised:
    """Vectors as codes of a product quantiser."""

    kind: TokenVectorKind = "pq"
    files = ("codes", "centroids")

    def __init__(self, folder: Path) -> None:
        centroids = open_array(folder, "centroids", np.float32, (None, CENTROIDS, PIECE))
        self._codes: CodeArray = open_array(folder, "codes", np.uint8, (None, len(centroids)))
        # Looked up in for every token: not in the file but in memory, 0.4 MB at 384 dimensions.
        self.quantiser = ProductQuantiser(np.array(centroids))

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def dimension(self) -> int:
        return self.quantiser.dimension

    @property
    def stored(self) -> tuple[npt.NDArray[Any], ...]:
        return (self._codes,)

    def get(self, at: slice) -> FloatArray:
        return self.quantiser.decode(self._codes[at])

    def products(self, pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
        return coded_products(self.quantiser, pieces, vectors)


class PartVectorStore:
    """The vectors of a generation's tokens or sentences; which kind they are, its files tell.

    Raises:
        IndexDamagedError: a file is missing, cannot be read, or disagrees with the others.
    """

    def __init__(self, folder: Path) -> None:
        quantised = any((folder / f"{name}.npy").exists() for name in _Quantised.files)
        self._vectors = _Quantised(folder) if quantised else _Int8(folder)
        self.spans: npt.NDArray[Any] = open_array(
            folder, "spans", np.unsignedinteger, (len(self._vectors), 2)
        )
        self.bounds: IntArray = np.array(open_array(folder, "bounds", np.int64, (None,)))
        # Plain views: every slice of a memmap is made in Python.
        self._plain = [np.asarray(array) for array in (*self._vectors.stored, self.spans)]
        ends = (self.bounds[:1].tolist(), self.bounds[-1:].tolist())
        if ends != ([0], [len(self._vectors)]) or np.any(np.diff(self.bounds) < 0):
            raise _damaged(folder / "bounds.npy", f"does not divide {len(self._vectors)} vectors")

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def kind(self) -> TokenVectorKind:
        """How the vectors are stored."""
        return self._vectors.kind

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._vectors.dimension

    @property
    def total(self) -> int:
        """How many parts all passages have together."""
        return int(self.bounds[-1])

    @property
    def stored(self) -> tuple[npt.NDArray[Any], ...]:
        """The vectors as they are stored, row by row."""
        return self._vectors.stored

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """What its codes were made with; None for int8."""
        return self._vectors.quantiser if isinstance(self._vectors, _Quantised) else None

    def get(self, passage_id: int) -> PartVectors:
        """Return the parts of one passage, restored to float32."""
        at = slice(self.bounds[passage_id], self.bounds[passage_id + 1])
        return PartVectors(self._vectors.get(at), self.spans[at].astype(np.int64))

    def prepare(self, passage_ids: Sequence[int]) -> None:
        """Do nothing: what will be asked for is mapped."""

    def stored_of(self, passage_id: int) -> tuple[Stored, npt.NDArray[Any]]:
        """Return the parts of one passage as they are stored, and their spans; nothing is read."""
        at = slice(int(self.bounds[passage_id]), int(self.bounds[passage_id + 1]))
        *stored, spans = (array[at] for array in self._plain)
        return tuple(stored), spans

    def products(self, pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
        """Return the product of vectors and stored parts, float32 ``(vectors, parts)``.

        Args:
            pieces: at least one; of this store or of one whose vectors are stored in the same way.
            vectors: float32 ``(vectors, dimension)``.
        """
        return self._vectors.products(pieces, vectors)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return how many parts each passage has."""
        return np.diff(self.bounds)


def open_array(
    folder: Path, name: str, kind: type, shape: Sequence[int | None]
) -> npt.NDArray[Any]:
    """Map a file into memory, and check what it holds; None in the shape is any length."""
    path = folder / f"{name}.npy"
    try:
        array = _map(path)
    except (OSError, ValueError) as error:
        raise _damaged(path, f"cannot be read ({error})") from error
    matches = len(array.shape) == len(shape) and all(
        wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not matches or not np.issubdtype(array.dtype, kind):
        raise _damaged(path, f"holds {array.dtype} {array.shape}, not what belongs there")
    return array


def _map(path: Path) -> npt.NDArray[Any]:
    """Map a file whose header describes exactly the bytes that follow it.

    NumPy would evaluate the header as Python, with whatever exceptions that has, and unpickle
    objects if it were let; here it must be the very text that NumPy writes.
    """
    with os.fdopen(open_warily(path), "rb") as file:
        start = file.read(_LONGEST_HEADER)
        size = file.seek(0, os.SEEK_END)
    match = _HEADER.match(start)
    if match is None:
        raise ValueError("its header is not one that is written here")
    length, kind, lengths = match.groups()
    shape = tuple(int(one) for one in lengths.split(b",") if one.strip())
    described = f"its header says {kind.decode()} {shape}"
    if match.end() != _BEFORE_HEADER + int.from_bytes(length, "little"):
        raise ValueError("its header does not end where it says")
    dtype = np.dtype(kind.decode())
    if size != match.end() + math.prod(shape) * dtype.itemsize:
        raise ValueError(f"it has {size:,} bytes, {described}")
    return np.memmap(path, dtype, "r", match.end(), shape)


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
