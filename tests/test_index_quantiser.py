"""A product quantiser against look-ups and searches done one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.quantiser import FEWEST_TRAINED, FloatArray, ProductQuantiser, train


def unit_vectors(count: int, dimension: int, seed: int) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def some_centroids(pieces: int, seed: int) -> FloatArray:
    random = np.random.default_rng(seed)
    return random.normal(0, 0.3, (pieces, 256, 4)).astype(np.float32)


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_each_piece_gets_its_nearest_centroid(pieces: int, count: int, seed: int) -> None:
    quantiser = ProductQuantiser(some_centroids(pieces, seed))
    vectors = unit_vectors(count, 4 * pieces, seed)
    codes = quantiser.encode(vectors)
    assert codes.shape == (count, pieces)
    assert codes.dtype == np.uint8
    for vector, coded in zip(vectors, codes, strict=True):
        for piece, number in enumerate(coded):
            away = quantiser.centroids[piece] - vector[4 * piece : 4 * piece + 4]
            distances = np.square(away.astype(np.float64)).sum(axis=1)
            # Two centroids as near as each other, but for float32, may go either way.
            assert distances[number] <= distances.min() + 1e-6


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_codes_are_looked_up_and_made_unit_vectors(pieces: int, count: int, seed: int) -> None:
    quantiser = ProductQuantiser(some_centroids(pieces, seed))
    codes = np.random.default_rng(seed).integers(0, 256, (count, pieces), np.uint8)
    decoded = quantiser.decode(codes)
    assert decoded.shape == (count, 4 * pieces)
    assert decoded.dtype == np.float32
    for vector, coded in zip(decoded, codes, strict=True):
        parts = [quantiser.centroids[piece, number] for piece, number in enumerate(coded)]
        whole = np.concatenate(parts)
        np.testing.assert_allclose(vector, whole / np.linalg.norm(whole), rtol=1e-4, atol=1e-6)


def test_what_was_learned_is_nearer_than_chance_and_the_same_each_time() -> None:
    vectors = unit_vectors(FEWEST_TRAINED, 16, 1)
    learned, again = train(vectors), train(vectors)
    np.testing.assert_array_equal(learned.centroids, again.centroids)
    assert learned.centroids.shape == (4, 256, 4)

    def cosine(quantiser: ProductQuantiser) -> float:
        fresh = unit_vectors(500, 16, 2)
        return float(np.mean(fresh * quantiser.decode(quantiser.encode(fresh))) * 16)

    # With two bits for each number, nothing can be nearer than .968.
    assert cosine(learned) > 0.95
    assert cosine(learned) > cosine(ProductQuantiser(some_centroids(4, 1)))


def test_zeros_stay_numbers() -> None:
    quantiser = ProductQuantiser(np.zeros((2, 256, 4), np.float32))
    assert quantiser.decode(np.zeros((1, 2), np.uint8)).tolist() == [[0.0] * 8]
