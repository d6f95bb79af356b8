"""Texts in, unit vectors out, even when there are no texts."""

from collections.abc import Callable

import numpy as np
import pytest

from index.embedder import Embedder, FloatArray
from index.models import load_embedder


@pytest.mark.parametrize("encode", [Embedder.encode_passages, Embedder.encode_queries])
def test_no_texts_give_no_vectors(encode: Callable[[Embedder, list[str]], FloatArray]) -> None:
    vectors = encode(load_embedder(), [])
    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32
    assert encode(load_embedder(), ["甲"]).shape == (1, 384)
