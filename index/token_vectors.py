"""The token vectors of every passage, for late interaction: int8, memory-mapped.

Late interaction compares each token of a question with each token of a passage (ColBERT, Khattab
and Zaharia, 2020). The vectors are the embedding model's own last layer, of unit length; each is
stored as int8 with a scale of its own, which changed no ranking on the public sets measured.

    vectors.npy   int8    (tokens, dimension)
    scales.npy    float16 (tokens,)
    spans.npy     uint32  (tokens, 2)   offsets in the passage's searchable text
    bounds.npy    int64   (passages + 1,)   first token of each passage
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from index.errors import IndexDamagedError

FloatArray = npt.NDArray[np.float32]
_LEVELS = 127
_FILES = ("vectors", "scales", "spans", "bounds")


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of one text.

    Attributes:
        vectors: unit vectors, float32 ``(tokens, dimension)``.
        spans: first character of each token and one past its last, int64 ``(tokens, 2)``.
    """

    vectors: FloatArray
    spans: npt.NDArray[np.int64]


def quantise(vectors: FloatArray) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Return vectors as int8 levels, and the scale of each; what is restored quantises the same."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    # The scale as it will be read back, so that quantising and restoring agree.
    scales = np.maximum(largest / _LEVELS, np.finfo(np.float16).tiny).astype(np.float16)
    levels = np.rint(vectors / scales[:, None].astype(np.float32))
    return np.clip(levels, -_LEVELS, _LEVELS).astype(np.int8), scales


def restore(levels: npt.NDArray[np.int8], scales: npt.NDArray[np.float16]) -> FloatArray:
    """Return quantised vectors as float32."""
    vectors: FloatArray = levels.astype(np.float32) * scales.astype(np.float32)[:, None]
    return vectors


class TokenVectorWriter:
    """Writes token vectors in any order of passages; how many tokens each has is told first."""

    def __init__(self, folder: Path, token_counts: Sequence[int], dimension: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._bounds = np.concatenate([[0], np.cumsum(token_counts, dtype=np.int64)])
        np.save(folder / "bounds.npy", self._bounds)
        total = int(self._bounds[-1])
        self._vectors = open_memmap(folder / "vectors.npy", "w+", np.int8, (total, dimension))
        self._scales = open_memmap(folder / "scales.npy", "w+", np.float16, (total,))
        self._spans = open_memmap(folder / "spans.npy", "w+", np.uint32, (total, 2))

    def write(self, passage_id: int, tokens: TokenVectors) -> None:
        """Store the tokens of one passage."""
        at = slice(self._bounds[passage_id], self._bounds[passage_id + 1])
        self._vectors[at], self._scales[at] = quantise(tokens.vectors)
        self._spans[at] = tokens.spans

    def close(self) -> None:
        """Write what is still in memory."""
        for array in (self._vectors, self._scales, self._spans):
            array.flush()


class TokenVectorStore:
    """The token vectors of a generation.

    Raises:
        IndexDamagedError: a file is missing or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            vectors, scales, spans, bounds = (
                np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                for name in _FILES
            )
        except (OSError, ValueError) as error:
            raise IndexDamagedError(
                f"{folder} cannot be read ({error}). "
                "Build the index again: python -m index build PATH"
            ) from error
        self._vectors, self._scales, self._spans = vectors, scales, spans
        self._bounds = np.asarray(bounds)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def get(self, passage_id: int) -> TokenVectors:
        """Return the tokens of one passage, restored to float32."""
        at = slice(self._bounds[passage_id], self._bounds[passage_id + 1])
        vectors = restore(self._vectors[at], self._scales[at])
        return TokenVectors(vectors, self._spans[at].astype(np.int64))
