"""FAISS gives what NumPy gives."""

from pathlib import Path

import numpy as np
import pytest

from index import IndexDamagedError
from index.vectors import VectorIndex, write_vectors


@pytest.fixture
def vectors() -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    random = np.random.default_rng(7).standard_normal((500, 48)).astype(np.float32)
    unit: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = random / np.linalg.norm(
        random, axis=1, keepdims=True
    )
    return unit


def test_search_is_exact(
    tmp_path: Path, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    write_vectors(tmp_path / "v.faiss", vectors)
    index = VectorIndex(tmp_path / "v.faiss")
    assert (len(index), index.dimension) == (500, 48)
    for query in vectors[:20]:
        brute = vectors @ query
        ids, scores = index.search(query, 10)
        assert ids.tolist() == np.argsort(-brute)[:10].tolist()
        np.testing.assert_allclose(scores, brute[ids], rtol=1e-5, atol=1e-6)
        some = [3, 499, 0]
        np.testing.assert_allclose(index.scores(query, some), brute[some], rtol=1e-5, atol=1e-6)


def test_more_neighbours_than_vectors(
    tmp_path: Path, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    write_vectors(tmp_path / "v.faiss", vectors[:3])
    index = VectorIndex(tmp_path / "v.faiss")
    assert sorted(index.search(vectors[0], 10)[0].tolist()) == [0, 1, 2]
    assert index.search(vectors[0], 0)[0].tolist() == []
    assert index.scores(vectors[0], []).shape == (0,)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "v.faiss").write_bytes(b"not faiss")
    with pytest.raises(IndexDamagedError, match=r"v\.faiss cannot be read"):
        VectorIndex(tmp_path / "v.faiss")
