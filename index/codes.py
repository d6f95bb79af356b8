"""Codes of vectors, by which a large index finds its nearest without reading every vector.

A quarter of a byte for each number: two numbers together are replaced by the nearest of sixteen
centroids learned for their place, which is four bits (a product quantiser, Jégou, Douze and Schmid,
2011). Vectors are taken from their mean first: those of texts all point much the same way, and the
rest tells them apart. A question is compared with all codes at once, 32 passages to a register
(André, Kermarrec and Le Scouarnec, "Quicker ADC", 2019; FAISS's fast scan), and what comes out best
is compared by its own vectors. docs/vectors.md has what was compared.

One file, little endian:

    8 bytes  "YZCODES1"
    u32      dimension, a multiple of 4
    u32      0
    u64      vectors
    f32 …    their mean: dimension
    f32 …    centroids: dimension / 2 × 16 × 2
    u8 …     dimension / 4 for each vector, in blocks of 32 vectors as FAISS reads them; the last
             one is filled up
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.durable import open_warily, writing
from index.errors import IndexDamagedError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

MULTIPLE = 4
"""A dimension that can be cut into pieces of two whose codes fill bytes."""
FEWEST = 39 * 16
"""Vectors below which FAISS warns that the centroids are not to be trusted."""
_MAGIC = b"YZCODES1"
_HEADER = struct.Struct("<8sIIQ")
_PIECE = 2
_CENTROIDS = 16
_TOGETHER = 32
_LARGEST = 4.0  # differences of unit vectors have numbers from -2 to 2
_SAMPLE = 16_384
_BLOCK = 1024 * _TOGETHER


def write_codes(path: Path, vectors: FloatArray) -> None:
    """Learn centroids from some of the vectors, ``(n, dimension)``, and write the codes of all.

    What is in memory at a time is the sample, 25 MB at 384 dimensions, or a block.

    Raises:
        IndexFolderError: the disk has no room for them.
    """
    count, dimension = vectors.shape
    sample = np.asarray(vectors[:: max(1, count // _SAMPLE)], np.float32)
    mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    scan = _new_scan(dimension)
    scan.train(np.ascontiguousarray(sample - mean))
    with writing(path), path.open("wb") as file:
        file.write(_HEADER.pack(_MAGIC, dimension, 0, count))
        file.write(mean.astype("<f4").tobytes())
        file.write(_centroids_of(scan).astype("<f4").tobytes())
        for block in _encoded(scan, vectors, mean):
            file.write(block)


def _encoded(scan: Any, vectors: FloatArray, mean: FloatArray) -> Iterator[bytes]:  # noqa: ANN401
    import faiss

    for start in range(0, len(vectors), _BLOCK):
        scan.add(np.ascontiguousarray(vectors[start : start + _BLOCK] - mean, np.float32))
        yield faiss.AlignedTable_to_array(scan.codes).tobytes()
        scan.reset()


def _new_scan(dimension: int) -> Any:  # noqa: ANN401  (FAISS ships no types)
    """Return an empty index; by distance, not by product: that counts a vector's length exactly."""
    import faiss

    return faiss.IndexPQFastScan(dimension, dimension // _PIECE, 4, faiss.METRIC_L2, _TOGETHER)


def _centroids_of(scan: Any) -> FloatArray:  # noqa: ANN401
    import faiss

    centroids: FloatArray = faiss.vector_to_array(scan.pq.centroids)
    return centroids


class Codes:
    """The codes of a generation's vectors.

    Attributes:
        vectors: how many.
        dimension: numbers in a vector.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path, damaged: Callable[[str], IndexDamagedError]) -> None:
        try:
            with os.fdopen(open_warily(path), "rb") as file:
                magic, dimension, zero, vectors = _HEADER.unpack(file.read(_HEADER.size))
                size = file.seek(0, os.SEEK_END)
                self.dimension, self.vectors = int(dimension), int(vectors)
                if (magic, zero) != (_MAGIC, 0) or dimension % MULTIPLE or not dimension * vectors:
                    raise damaged("cannot be read as codes of vectors")
                if size != self._size():
                    raise damaged(f"has {size:,} bytes, which are not {self.vectors:,} codes")
                file.seek(_HEADER.size)
                learned = np.frombuffer(file.read(4 * self._learned()), "<f4").astype(np.float32)
        except (OSError, struct.error) as error:
            raise damaged("cannot be read") from error
        if not np.all(np.abs(learned) <= _LARGEST):  # False for NaN
            raise damaged("has centroids that are none of unit vectors")
        self._mean = learned[: self.dimension]
        self._scan = self._open_scan(path, learned[self.dimension :])

    def _learned(self) -> int:
        return self.dimension + self.dimension * _CENTROIDS

    def _size(self) -> int:
        blocks = -(-self.vectors // _TOGETHER)
        return _HEADER.size + 4 * self._learned() + blocks * _TOGETHER * self.dimension // MULTIPLE

    def _open_scan(self, path: Path, centroids: FloatArray) -> Any:  # noqa: ANN401
        """Hand the codes to FAISS. Any byte is two valid codes, and it never sees a header."""
        import faiss

        scan = _new_scan(self.dimension)
        faiss.copy_array_to_vector(centroids, scan.pq.centroids)
        scan.is_trained = True
        codes = np.memmap(path, np.uint8, "r", _HEADER.size + 4 * self._learned())
        faiss.copy_array_to_AlignedTable(codes, scan.codes)
        scan.ntotal, scan.ntotal2 = self.vectors, -(-self.vectors // _TOGETHER) * _TOGETHER
        return scan

    def nearest(self, query_vector: FloatArray, k: int) -> IntArray:
        """Return the rows of about the k nearest vectors, in their order on the disk."""
        query = np.ascontiguousarray(query_vector.reshape(1, -1) - self._mean, np.float32)
        _, rows = self._scan.search(query, k)
        found: IntArray = np.sort(rows[0][rows[0] >= 0])
        return found
