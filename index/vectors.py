"""Vectors, mapped: the nearest by inner product, in FAISS, and each as it was written.

Vectors are of unit length, so the inner product is the cosine. Up to ``EXACT_UP_TO`` passages a
question is compared with every vector. Beyond it that would take too long and too much memory: then
it is compared with short codes of all of them (``codes.py``), which lie beside them, and the best
by those with their own vectors. What is returned are exact cosines either way.

The file is the one FAISS writes for a flat index. FAISS does not read it, it would take it into
memory as a whole, and trust it: the header is compared with the size, and FAISS is handed the
mapped rows. Little endian:

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
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.codes import FEWEST, MULTIPLE, Codes, write_codes
from index.durable import open_warily, writing
from index.errors import IndexDamagedError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

EXACT_UP_TO = 1 << 16
"""Passages up to which a question is compared with every vector: 3 ms at 384 dimensions."""
_CODES = ".codes"
_HEADER = struct.Struct("<4siqqqBiQ")
_UNUSED = 1 << 20
_MOST_DIMENSIONS = 1 << 16
_BLOCK = 4096
# Of so many vectors, nearest by their codes, the cosines are computed: at a million passages they
# held .999 of the 100 nearest. docs/vectors.md has more.
_LEAST_COMPARED = 2000
_COMPARED = 20  # for each one asked for


def write_vectors(path: Path, vectors: FloatArray, *, exact_up_to: int = EXACT_UP_TO) -> None:
    """Write unit vectors, float32 ``(n, dimension)``; row i is passage i.

    Of mapped vectors only a block is in memory at a time.

    Args:
        path: the file; codes lie beside it.
        vectors: what is written.
        exact_up_to: with more vectors than this codes are written, too.

    Raises:
        IndexFolderError: the disk has no room for them.
    """
    count, dimension = vectors.shape
    header = (b"IxFI", dimension, count, _UNUSED, _UNUSED, 1, 0, count * dimension)
    with writing(path), path.open("wb") as file:
        file.write(_HEADER.pack(*header))
        for start in range(0, count, _BLOCK):
            file.write(np.asarray(vectors[start : start + _BLOCK], "<f4").tobytes())
    codes = path.with_suffix(_CODES)
    codes.unlink(missing_ok=True)
    if count > max(exact_up_to, FEWEST - 1) and dimension % MULTIPLE == 0:
        write_codes(codes, vectors)


class VectorIndex:
    """The vectors of a generation, memory-mapped.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        shape = _check_header(path)
        self._rows: FloatArray = np.asarray(np.memmap(path, "<f4", "r", _HEADER.size, shape))
        self._codes = self._open_codes(path.with_suffix(_CODES))

    def _open_codes(self, path: Path) -> Codes | None:
        # Without them every vector is compared: slower, and never wrong.
        if not os.path.lexists(path):
            return None
        codes = Codes(path, partial(_damaged, path))
        if (codes.vectors, codes.dimension) != (len(self), self.dimension):
            raise _damaged(
                path,
                f"has {codes.vectors:,} codes of {codes.dimension:,} dimensions, "
                f"there are {len(self):,} vectors of {self.dimension:,}",
            )
        return codes

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._rows.shape[1])

    def search(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the ids and cosines of the k nearest passages, best first.

        In a large index some few of them may be missing, and others stand in their place.
        """
        k = min(k, len(self))
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        compared = max(_LEAST_COMPARED, _COMPARED * k)
        if self._codes is not None and compared < len(self):
            return self._search_codes(self._codes, query_vector, k, compared)
        import faiss

        query = np.ascontiguousarray(query_vector.reshape(1, -1), np.float32)
        cosines, ids = faiss.knn(query, self._rows, k, faiss.METRIC_INNER_PRODUCT)
        found = ids[0] >= 0  # what is no number is near to nothing
        return ids[0][found], cosines[0][found]

    def _search_codes(
        self, codes: Codes, query_vector: FloatArray, k: int, compared: int
    ) -> tuple[IntArray, FloatArray]:
        ids = codes.nearest(query_vector, compared)
        cosines = self.rows(ids) @ query_vector.reshape(-1)
        best = np.lexsort((ids, -cosines))[:k]
        return ids[best], cosines[best]

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
            IndexError: there is no such passage.
        """
        # NumPy would count negative ones from the end.
        if len(passage_ids) and not 0 <= passage_ids.min() <= passage_ids.max() < len(self):
            raise IndexError(f"There are {len(self)} vectors, asked was for one outside of them.")
        vectors: FloatArray = self._rows[passage_ids]
        return vectors

    def blocks(self) -> Iterator[FloatArray]:
        """Yield all vectors in order, some thousand rows at a time."""
        for start in range(0, len(self), _BLOCK):
            yield np.array(self._rows[start : start + _BLOCK])


def _check_header(path: Path) -> tuple[int, int]:
    """Return how many vectors there are, of how many dimensions.

    Raises:
        IndexDamagedError: the header does not describe exactly the bytes that follow it.
    """
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
    return vectors, dimension


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
