"""From a passage's id to its row and its number, and back, whichever document came first."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import IndexDamagedError
from index.manifest import SegmentFacts
from index.places import Places

DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 10**6)), min_size=1, max_size=12
)


def laid_out(documents: list[tuple[int, int, int]]) -> tuple[Places, list[SegmentFacts]]:
    """Places of documents given as (segment, passages, when it was numbered)."""
    segments = sorted({segment for segment, _, _ in documents})
    table = np.zeros((len(documents), 4), np.int64)
    table[:, 2] = [passages for _, passages, _ in documents]
    facts = []
    for number, segment in enumerate(segments):
        mine = [at for at, one in enumerate(documents) if one[0] == segment]
        table[mine, 0] = number
        table[mine, 1] = np.cumsum([0, *table[mine, 2]])[:-1]
        facts.append(SegmentFacts(len(mine), int(table[mine, 2].sum())))
    by_number = sorted(range(len(documents)), key=lambda at: documents[at][2])
    table[by_number, 3] = np.cumsum([0, *table[by_number, 2]])[:-1]
    return Places(table), facts


@given(documents=DOCUMENTS)
def test_every_passage_has_one_id_one_row_and_one_number(
    documents: list[tuple[int, int, int]],
) -> None:
    places, facts = laid_out(documents)
    assert list(places.faults(facts)) == []
    ids = np.arange(places.passages)
    # One by one, as the page on the format describes it
    expected = [
        (segment, row + n, number + n)
        for segment, row, passages, number in places.table.tolist()
        for n in range(passages)
    ]
    segments, rows = places.rows(ids)
    assert list(zip(segments.tolist(), rows.tolist(), strict=True)) == [e[:2] for e in expected]
    for segment in range(len(facts)):
        mine = segments == segment
        np.testing.assert_array_equal(places.ids(segment, rows[mine]), ids[mine])
    numbers = np.array([number for *_, number in expected])
    np.testing.assert_array_equal(places.of_numbers(numbers), ids)
    for segment, row, _, number in places.table.tolist():
        assert places.number_of(segment, row) == number
    assert places.is_plain == all(
        (segment, row, number) == (0, id_, id_)
        for id_, (segment, row, number) in enumerate(expected)
    )


@given(documents=DOCUMENTS, at=st.integers(0), column=st.integers(0, 3), by=st.integers(-5, 5))
def test_places_that_do_not_fit_are_faults(
    documents: list[tuple[int, int, int]], at: int, column: int, by: int
) -> None:
    places, facts = laid_out(documents)
    table = places.table.copy()
    table[at % len(table), column] += by
    assert bool(list(Places(table).faults(facts))) == bool(by)


def test_ids_beside_the_passages_are_refused() -> None:
    places, _ = laid_out([(0, 2, 0), (1, 1, 1)])
    for outside in (-1, 3, 10**12):
        with pytest.raises(IndexError, match="3 passages"):
            places.rows(np.array([0, outside]))


def test_no_documents_have_no_places() -> None:
    places = Places(np.empty((0, 4), np.int64))
    assert places.passages == 0
    assert list(places.faults([SegmentFacts(0, 0)])) == []
    assert list(places.faults([SegmentFacts(0, 1)])) != []


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    places, _ = laid_out([(1, 2, 5), (0, 1, 3), (1, 4, 4)])
    places.write(tmp_path / "places.npy")
    np.testing.assert_array_equal(Places.read(tmp_path / "places.npy").table, places.table)
    np.save(tmp_path / "places.npy", np.zeros((3, 5), np.int64))
    with pytest.raises(IndexDamagedError, match="not what belongs there"):
        Places.read(tmp_path / "places.npy")
