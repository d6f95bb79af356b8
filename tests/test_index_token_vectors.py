"""Token vectors come back as they were, but for the last bits."""

from pathlib import Path

import numpy as np
import pytest

from index import IndexDamagedError, TokenVectors
from index.token_vectors import TokenVectorStore, TokenVectorWriter


def some_tokens(count: int, seed: int) -> TokenVectors:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = np.sort(random.integers(0, 900, (count, 2)), axis=1)
    return TokenVectors(vectors, spans)


def test_round_trip_in_any_order(tmp_path: Path) -> None:
    counts = [5, 0, 12, 1]
    written = [some_tokens(count, seed) for seed, count in enumerate(counts)]
    writer = TokenVectorWriter(tmp_path, counts, 32, longest=900)
    for passage_id in (2, 0, 3, 1):
        writer.write(passage_id, written[passage_id])
    writer.close()
    store = TokenVectorStore(tmp_path)
    assert len(store) == 4
    for passage_id, tokens in enumerate(written):
        read = store.get(passage_id)
        np.testing.assert_array_equal(read.spans, tokens.spans)
        # One level of 127, and the float16 of its scale
        step = np.abs(tokens.vectors).max(axis=1, initial=0)[:, None] / 127
        assert np.all(np.abs(read.vectors - tokens.vectors) <= 0.51 * step + 1e-6)


def test_a_zero_vector_stays_zero(tmp_path: Path) -> None:
    writer = TokenVectorWriter(tmp_path, [1], 32, longest=1)
    writer.write(0, TokenVectors(np.zeros((1, 32), np.float32), np.array([[0, 1]])))
    writer.close()
    assert not TokenVectorStore(tmp_path).get(0).vectors.any()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    TokenVectorWriter(tmp_path, [1], 4, longest=1).close()
    np.save(tmp_path / "spans.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IndexDamagedError, match="Python objects"):
        TokenVectorStore(tmp_path)
