"""Passages on a plane: which are drawn, and that neighbours stay neighbours."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import Index, build_index, open_index, rollback
from qa.once import OncePerGeneration
from qa.passage_map import choose_passages, draw_map, nearest_of, positions_of

Vectors = npt.NDArray[np.float32]


def unit(vectors: npt.NDArray[np.float64]) -> Vectors:
    found: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found


def clusters(count: int, each: int) -> tuple[Vectors, npt.NDArray[np.int64]]:
    """Return groups of like vectors in a space of many dimensions, and the group of each."""
    random = np.random.default_rng(3)
    centres = random.standard_normal((count, 64))
    of = np.repeat(np.arange(count), each)
    return unit(centres[of] + 0.3 * random.standard_normal((len(of), 64))), of


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=25), most=st.integers(1, 80))
def test_what_is_drawn_is_spread_over_documents(lengths: list[int], most: int) -> None:
    bounds = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    ranges = {str(n): range(bounds[n], bounds[n + 1]) for n in range(len(lengths))}
    chosen = choose_passages(ranges, most)
    total = bounds[-1]
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(most, total)
    counts = [sum(at in ids for at in chosen) for ids in ranges.values()]
    if len(lengths) <= most:
        assert min(counts) >= 1
    else:
        assert max(counts) == 1
    if len(lengths) <= most < total:
        # Beyond one each, every document has its share, to the next whole number.
        left = (most - len(lengths)) / (total - len(lengths))
        for count, length in zip(counts, lengths, strict=True):
            assert abs((count - 1) - left * (length - 1)) <= 1


def test_neighbours_stay_neighbours() -> None:
    vectors, of = clusters(6, 40)
    positions, method = positions_of(vectors)
    assert method == "t-SNE"
    assert positions.shape == (240, 2)
    assert np.abs(positions).max() == pytest.approx(1)
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    for nearest in np.argsort(apart, axis=1)[:, :5].T:
        assert (of[nearest] == of).mean() > 0.99


def test_the_same_vectors_lie_at_the_same_places() -> None:
    vectors, _ = clusters(3, 20)
    np.testing.assert_array_equal(positions_of(vectors)[0], positions_of(vectors.copy())[0])


@pytest.mark.parametrize("count", [1, 2, 3, 11, 12, 13])
def test_few_passages_have_places_too(count: int) -> None:
    vectors, _ = clusters(count, 1)
    positions, method = positions_of(vectors)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()
    assert method == ("t-SNE" if count >= 12 else "PCA")
    if count > 1:
        assert len(np.unique(positions, axis=0)) == count


def test_nothing_and_the_same_thing_over_and_over_have_places() -> None:
    assert positions_of(np.empty((0, 8), np.float32))[0].shape == (0, 2)
    same = np.tile(clusters(1, 1)[0], (20, 1))
    np.testing.assert_array_equal(positions_of(same)[0], np.zeros((20, 2)))


def test_the_nearest_is_the_most_similar_other_one() -> None:
    vectors, _ = clusters(4, 5)
    brute = [
        max(float(a @ b) for m, b in enumerate(vectors) if m != n) for n, a in enumerate(vectors)
    ]
    np.testing.assert_allclose(nearest_of(vectors), brute, rtol=1e-5)
    assert nearest_of(vectors[:1]).shape == (0,)


def test_a_map_of_an_index(report_index: Index) -> None:
    drawn = draw_map(report_index)
    total = len(report_index)
    assert [one.id for one in drawn.passages] == list(range(total))
    assert (drawn.total, drawn.generation) == (total, report_index.generation)
    assert drawn.positions.shape == (total, 2)
    assert len(drawn.nearest) == total
    again = draw_map(report_index)
    np.testing.assert_array_equal(drawn.positions, again.positions)
    assert len(draw_map(report_index, most=5).passages) == 5


def test_repeats_are_counted_also_where_they_are_not_drawn(tmp_path: Path, tiny: Path) -> None:
    texts = {
        "a": "同一段話。\n\n甲有別的。",
        "b": "同一段话。",
        "c": "另一回事。",
        "d": "同一段話！",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    build_index(tmp_path, index_dir=tmp_path / "index", model=str(tiny))
    with open_index(tmp_path / "index") as index:
        assert draw_map(index).repeated == 3
        few = draw_map(index, most=1)
        assert few.repeated == int("同一段" in few.passages[0].text)


def test_each_generation_is_computed_once(two_generations: Path) -> None:
    calls: list[str] = []
    gate = threading.Event()

    def compute(index: Index) -> int:
        assert gate.wait(timeout=20)
        calls.append(index.generation)
        return len(index)

    results = OncePerGeneration(compute)
    with open_index(two_generations) as index:
        promised = [results.of(index) for _ in range(5)]
        assert not promised[0].done()
        gate.set()
        assert [one.result(timeout=20) for one in promised] == [2] * 5
        newest = index.generation
        rollback(two_generations)
        assert index.refresh()
        assert results.of(index).result(timeout=20) == 1
        assert calls == [newest, index.generation]


def test_what_failed_is_tried_again(report_index: Index) -> None:
    failures = [OSError("full"), None]

    def compute(index: Index) -> int:
        if (error := failures.pop(0)) is not None:
            raise error
        return len(index)

    results = OncePerGeneration(compute)
    with pytest.raises(OSError, match="full"):
        results.of(report_index).result(timeout=20)
    assert results.of(report_index).result(timeout=20) == len(report_index)
