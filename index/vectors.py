"""Vectors in FAISS: exact inner product. The only file that knows faiss.

Vectors are of unit length, so the inner product is the cosine.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.errors import IndexDamagedError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


def write_vectors(path: Path, vectors: FloatArray) -> None:
    """Write unit vectors, float32 ``(n, dimension)``; row i is passage i."""
    import faiss

    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors, dtype=np.float32))
    faiss.write_index(flat, str(path))


class VectorIndex:
    """The vectors of a generation, memory-mapped.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import faiss

        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise IndexDamagedError(
                f"{path} cannot be read. Build the index again: python -m index build PATH"
            ) from error

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
        """Return the cosine of each passage to the query, float32 ``(len(passage_ids),)``."""
        vectors = self.rows(np.asarray(passage_ids, np.int64))
        cosines: FloatArray = vectors @ query_vector.reshape(-1)
        return cosines

    def rows(self, passage_ids: IntArray) -> FloatArray:
        """Return the vectors of passages as they were written, ``(len(passage_ids), dim)``."""
        if not len(passage_ids):
            return np.empty((0, self.dimension), np.float32)
        vectors: FloatArray = self._index.reconstruct_batch(passage_ids)
        return vectors
