"""A product quantiser: one byte for every four numbers of a vector.

A vector is cut into pieces of four numbers, and each piece is replaced by the number of the nearest
of 256 centroids learned for its place (Jégou, Douze and Schmid, "Product quantization for nearest
neighbor search", 2011). FAISS learns the centroids and finds the nearest; reading back is a look-up
in a table, for which FAISS is not loaded.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
CodeArray = npt.NDArray[np.uint8]

PIECE = 4
"""Numbers in a piece."""
CENTROIDS = 256
"""Centroids for each piece: as many as a byte can tell apart."""
MOST_TRAINED = 256 * CENTROIDS
"""Vectors a quantiser learns from; FAISS takes no more for each centroid."""
FEWEST_TRAINED = 39 * CENTROIDS
"""Below this FAISS warns that the centroids are not to be trusted."""


@dataclass(frozen=True, eq=False)
class ProductQuantiser:
    """Unit vectors to codes and back.

    Attributes:
        centroids: float32 ``(pieces, 256, 4)``.
    """

    centroids: FloatArray

    def encode(self, vectors: FloatArray) -> CodeArray:
        """Return the number of the nearest centroid of each piece, ``(n, pieces)``."""
        codes: CodeArray = self._faiss.compute_codes(np.ascontiguousarray(vectors, np.float32))
        return codes

    @cached_property
    def _faiss(self) -> Any:  # noqa: ANN401  (FAISS ships no types)
        """FAISS's own with these centroids, made once: vectors come by the passage."""
        import faiss

        found = _faiss_quantiser(self.dimension)
        centroids = np.ascontiguousarray(self.centroids, np.float32).ravel()
        faiss.copy_array_to_vector(centroids, found.centroids)
        return found

    def decode(self, codes: CodeArray) -> FloatArray:
        """Return what the codes stand for, as unit vectors, float32 ``(n, dimension)``."""
        pieces = len(self.centroids)
        table = self.centroids.reshape(pieces * CENTROIDS, PIECE)
        rows = codes + np.arange(0, pieces * CENTROIDS, CENTROIDS, dtype=np.intp)
        vectors: FloatArray = table.take(rows, axis=0).reshape(len(codes), self.dimension)
        # A centroid is a mean, and so shorter than what it is the mean of.
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        vectors /= np.maximum(norms, 1e-12)[:, None]
        return vectors

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self.centroids) * PIECE


def train(vectors: FloatArray) -> ProductQuantiser:
    """Learn the centroids from a sample, float32 ``(n, dimension)``; the same from the same sample.

    The dimension is a multiple of 4, and n at least ``FEWEST_TRAINED``.
    """
    import faiss

    quantiser = _faiss_quantiser(vectors.shape[1])
    quantiser.train(np.ascontiguousarray(vectors, np.float32))
    centroids = faiss.vector_to_array(quantiser.centroids)
    return ProductQuantiser(centroids.reshape(-1, CENTROIDS, PIECE))


def _faiss_quantiser(dimension: int) -> Any:  # noqa: ANN401  (FAISS ships no types)
    import faiss

    return faiss.ProductQuantizer(dimension, dimension // PIECE, 8)
