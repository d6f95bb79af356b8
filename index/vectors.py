"""Vectors in FAISS: exact inner product. The only file that knows faiss.

Vectors are of unit length, so the inner product is the cosine.

Of the many kinds of index a FAISS file can hold only the one written here is read, and FAISS gets
to see a file only after its header was compared with its size. Little endian:

    4 bytes  "IxFI"          flat, inner product
    i32      dimension
    i64      vectors
    2 × i64  1 << 20, unused
    u8       1, trained
    i32      0, inner product
    u64      numbers that follow: vectors × dimension
    f32 …    the vectors, row by row
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.durable import open_warily, writing
from index.errors import IndexDamagedError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_HEADER = struct.Struct("<4siqqqBiQ")
_MOST_DIMENSIONS = 1 << 16
_BLOCK = 4096


def write_vectors(path: Path, vectors: FloatArray) -> None:
    """Write unit vectors, float32 ``(n, dimension)``; row i is passage i.

    Raises:
        IndexFolderError: the disk has no room for them.
    """
    import faiss

    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors, dtype=np.float32))
    with writing(path, RuntimeError):
        faiss.write_index(flat, str(path))


class VectorIndex:
    """The vectors of a generation, memory-mapped.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import faiss

        _check_header(path)
        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise _damaged(path, "cannot be read") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def search(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the ids and cosines of the k nearest passages, best first."""
        k = min(k, len(self))
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, ids = self._index.search(query_vector.reshape(1, -1), k)
        return ids[0].astype(np.int64), scores[0]

    def scores(self, query_vector: FloatArray, passage_ids: Sequence[int]) -> FloatArray:
        """Return the cosine of each passage to the query, float32 ``(len(passage_ids),)``.

        Raises:
            IndexError: there is no such passage.
        """
        vectors = self.rows(np.asarray(passage_ids, np.int64))
        cosines: FloatArray = vectors @ query_vector.reshape(-1)
        return cosines

    def rows(self, passage_ids: IntArray) -> FloatArray:
        """Return the vectors of passages as they were written, ``(len(passage_ids), dim)``.

        Raises:
            IndexError: there is no such passage; FAISS would read beside its memory.
        """
        if not len(passage_ids):
            return np.empty((0, self.dimension), np.float32)
        if passage_ids.min() < 0 or passage_ids.max() >= len(self):
            raise IndexError(f"There are {len(self)} vectors, asked was for one outside of them.")
        vectors: FloatArray = self._index.reconstruct_batch(passage_ids)
        return vectors

    def blocks(self) -> Iterator[FloatArray]:
        """Yield all vectors in order, some thousand rows at a time."""
        for start in range(0, len(self), _BLOCK):
            yield self._index.reconstruct_n(start, min(_BLOCK, len(self) - start))


def _check_header(path: Path) -> None:
    """Refuse a file whose header does not describe exactly the bytes that follow it."""
    try:
        with os.fdopen(open_warily(path), "rb") as file:
            start = file.read(_HEADER.size)
            size = file.seek(0, 2)
        kind, dimension, vectors, _, _, trained, metric, numbers = _HEADER.unpack(start)
    except (OSError, struct.error) as error:
        raise _damaged(path, "cannot be read") from error
    if (kind, trained, metric) != (b"IxFI", 1, 0):
        raise _damaged(path, "cannot be read as a flat index of inner products")
    if not 0 < dimension <= _MOST_DIMENSIONS or vectors < 0:
        raise _damaged(path, f"claims {vectors:,} vectors of {dimension:,} dimensions")
    if numbers != vectors * dimension or size != _HEADER.size + 4 * numbers:
        raise _damaged(
            path,
            f"has {size:,} bytes, which are not {vectors:,} vectors of {dimension:,} dimensions",
        )


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
