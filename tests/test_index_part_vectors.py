"""The vectors of tokens and sentences come back as they were, but for the last bits."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index import IndexDamagedError, PartVectors, part_vectors
from index.part_vectors import PartVectorStore, PartVectorWriter, compress, largest_between
from index.places import Places
from index.quantiser import FEWEST_TRAINED, MOST_TRAINED
from index.segmented import SegmentedParts


def some_tokens(count: int, seed: int) -> PartVectors:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = np.sort(random.integers(0, 900, (count, 2)), axis=1)
    return PartVectors(vectors, spans)


def test_round_trip_in_any_order(tmp_path: Path) -> None:
    counts = [5, 0, 12, 1]
    written = [some_tokens(count, seed) for seed, count in enumerate(counts)]
    writer = PartVectorWriter(tmp_path, counts, 32, longest=900)
    for passage_id in (2, 0, 3, 1):
        writer.write(passage_id, written[passage_id])
    writer.close()
    store = PartVectorStore(tmp_path)
    assert len(store) == 4
    for passage_id, tokens in enumerate(written):
        read = store.get(passage_id)
        np.testing.assert_array_equal(read.spans, tokens.spans)
        # One level of 127, and the float16 of its scale
        step = np.abs(tokens.vectors).max(axis=1, initial=0)[:, None] / 127
        assert np.all(np.abs(read.vectors - tokens.vectors) <= 0.51 * step + 1e-6)


def comparable(folder: Path, quantised: bool) -> PartVectorStore:
    counts = [700, 0, 12, FEWEST_TRAINED]
    writer = PartVectorWriter(folder, counts, 32, longest=900)
    for passage_id, count in enumerate(counts):
        writer.write(passage_id, some_tokens(count, passage_id))
    writer.close()
    assert not quantised or compress(folder, lambda _done, _total: None)
    return PartVectorStore(folder)


@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("vectors", [0, 1, 20, 300])
def test_passages_are_compared_as_if_they_were_restored_one_by_one(
    tmp_path: Path, vectors: int, quantised: bool
) -> None:
    store = comparable(tmp_path, quantised)
    asked, ids = some_tokens(vectors, 9).vectors, [2, 1, 0, 2]
    places = Places(np.array([[0, 0, 4, 0]]))
    found = SegmentedParts([store], places).compare(asked, ids)
    two = Places(np.array([[1, 0, 4, 0], [0, 0, 4, 4]]))  # the same one twice, the second one first
    of_two = SegmentedParts([store, store], two).compare(asked, [6, 1, 4, 2])
    np.testing.assert_array_equal(of_two.cosines, found.cosines)
    restored = [store.get(passage_id) for passage_id in ids]
    assert found.bounds.tolist() == [0, 12, 12, 712, 724]
    np.testing.assert_array_equal(found.spans, np.concatenate([one.spans for one in restored]))
    for number, one in enumerate(restored):
        own = found.cosines[:, found.bounds[number] : found.bounds[number + 1]]
        expected = np.einsum("ij,kj->ik", asked, one.vectors)
        np.testing.assert_allclose(own, expected, atol=2e-6)
        best = own.max(axis=1, initial=-1.0)
        np.testing.assert_array_equal(found.largest()[:, number], best)


def test_the_largest_of_ranges_that_are_empty_or_small() -> None:
    values = np.array([[-5.0, 0.5, 3.0], [-2.0, -3.0, -0.5]], np.float32)
    starts, ends = np.array([0, 1, 1, 3, 2]), np.array([3, 1, 2, 3, 3])
    found = largest_between(values, starts, ends, -1.0)
    assert found.tolist() == [[3.0, -1.0, 0.5, -1.0, 3.0], [-0.5, -1.0, -1.0, -1.0, -0.5]]


def test_a_zero_vector_stays_zero(tmp_path: Path) -> None:
    writer = PartVectorWriter(tmp_path, [1], 32, longest=1)
    writer.write(0, PartVectors(np.zeros((1, 32), np.float32), np.array([[0, 1]])))
    writer.close()
    assert not PartVectorStore(tmp_path).get(0).vectors.any()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    PartVectorWriter(tmp_path, [1], 4, longest=1).close()
    np.save(tmp_path / "spans.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IndexDamagedError, match="header is not one"):
        PartVectorStore(tmp_path)


@pytest.mark.parametrize(
    ("longest", "offset"), [(65_535, np.uint16), (65_536, np.uint32), (70_000, np.uint32)]
)
def test_places_take_no_more_bits_than_the_longest_text_needs(
    tmp_path: Path, longest: int, offset: type
) -> None:
    writer = PartVectorWriter(tmp_path, [2], 4, longest=longest)
    spans = np.array([[0, 1], [longest - 1, longest]])
    writer.write(0, PartVectors(np.eye(2, 4, dtype=np.float32), spans))
    writer.close()
    np.testing.assert_array_equal(PartVectorStore(tmp_path).get(0).spans, spans)
    assert np.load(tmp_path / "spans.npy", mmap_mode="r").dtype == offset


COUNTS = [9_000, 0, 900, 84]
"""Just as many tokens as a quantiser needs."""


def write_int8(folder: Path, counts: list[int]) -> Path:
    writer = PartVectorWriter(folder, counts, 32, longest=900)
    for passage_id, count in enumerate(counts):
        writer.write(passage_id, some_tokens(count, passage_id))
    writer.close()
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Quantised once, for every test that only reads."""
    assert sum(COUNTS) == FEWEST_TRAINED
    folder = write_int8(tmp_path_factory.mktemp("quantised"), COUNTS)
    assert compress(folder, lambda _done, _total: None)
    return folder


@pytest.fixture
def quantised(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "quantised"))


def test_quantised_tokens_are_the_nearest_there_are(tmp_path: Path) -> None:
    before = PartVectorStore(write_int8(tmp_path / "int8", COUNTS))
    write_int8(tmp_path / "pq", COUNTS)
    told: list[tuple[int, int]] = []
    assert compress(tmp_path / "pq", lambda done, total: told.append((done, total)))
    assert told == [(0, 9_984), (8_192, 9_984), (9_984, 9_984)]
    store = PartVectorStore(tmp_path / "pq")
    assert (len(store), store.kind, store.dimension) == (4, "pq", 32)
    assert (before.kind, before.dimension) == ("int8", 32)
    centroids = np.load(tmp_path / "pq" / "centroids.npy").astype(np.float64)
    for passage_id, count in enumerate(COUNTS):
        exact, read = before.get(passage_id), store.get(passage_id)
        np.testing.assert_array_equal(read.spans, exact.spans)
        pieces = exact.vectors.reshape(count, 8, 4)[:, :, None, :]
        nearest = np.square(pieces[:90] - centroids).sum(axis=3).argmin(axis=2)
        expected = centroids[np.arange(8), nearest].reshape(-1, 32)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(read.vectors[:90], expected, atol=1e-5)
    files = {path.name for path in (tmp_path / "pq").iterdir()}
    assert files == {"bounds.npy", "centroids.npy", "codes.npy", "spans.npy"}


def test_reading_maps_the_codes_and_needs_no_faiss(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    store = PartVectorStore(whole)
    assert store.get(2).vectors.shape == (900, 32)
    assert isinstance(store._vectors, part_vectors._Quantised)
    assert isinstance(store._vectors._codes, np.memmap)
    assert store._vectors._codes.mode == "r"


def test_too_few_tokens_stay_as_they_are(tmp_path: Path) -> None:
    write_int8(tmp_path, [*COUNTS[:-1], COUNTS[-1] - 1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert not compress(tmp_path, lambda _done, _total: None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_learned_from_is_bounded_and_the_same_each_time(tmp_path: Path) -> None:
    total = MOST_TRAINED + 1_000
    writer = PartVectorWriter(tmp_path, [total], 4, longest=total)
    numbered = np.stack([np.cos(np.arange(total)), np.sin(np.arange(total))], axis=1)
    vectors = np.pad(numbered, ((0, 0), (0, 2))).astype(np.float32)
    writer.write(0, PartVectors(vectors, np.zeros((total, 2), np.int64)))
    writer.close()
    sample = part_vectors._sample(part_vectors._Int8(tmp_path))
    assert sample.shape == (MOST_TRAINED, 4)
    np.testing.assert_array_equal(sample, part_vectors._sample(part_vectors._Int8(tmp_path)))
    # Spread over the whole, not the first ones
    assert not np.array_equal(sample, PartVectorStore(tmp_path).get(0).vectors[:MOST_TRAINED])


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def shorten(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def retype(path: Path) -> None:
    np.save(path, np.load(path).astype(np.float64))


DAMAGES = [remove, empty, cut, shorten, retype]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["codes", "centroids", "spans", "bounds"])
def test_damaged_quantised_files_are_an_error(
    quantised: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(quantised / f"{name}.npy")
    with pytest.raises(IndexDamagedError, match="python -m index build"):
        PartVectorStore(quantised)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["vectors", "scales", "spans", "bounds"])
def test_damaged_int8_files_are_an_error(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(write_int8(tmp_path, [30, 0, 12]) / f"{name}.npy")
    with pytest.raises(IndexDamagedError, match="python -m index build"):
        PartVectorStore(tmp_path)


def test_bounds_that_go_back_are_an_error(tmp_path: Path) -> None:
    write_int8(tmp_path, [30, 0, 12])
    np.save(tmp_path / "bounds.npy", np.array([0, 40, 30, 42]))
    with pytest.raises(IndexDamagedError, match="does not divide 42 vectors"):
        PartVectorStore(tmp_path)
