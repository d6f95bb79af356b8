"""Where the passages of each document are: in which segment, at which row, under which number.

A passage's id is its place among all passages in the order of their documents' paths, so it does
not depend on which document came when. Inside of a generation it has two other names, which stay
the same when documents come in before it: its row in its segment, and its number in the lexical
index. ``places.npy`` has a row of four numbers for each document, in the order of their paths:

    segment     which one holds it
    row         row of its first passage there; the others follow
    passages    how many it has
    number      of its first passage in the lexical index; the others follow
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.durable import writing
from index.manifest import SegmentFacts
from index.part_vectors import open_array

IntArray = npt.NDArray[np.int64]

COLUMNS = 4
_SEGMENT, _ROW, _PASSAGES, _NUMBER = range(COLUMNS)


class Places:
    """The places of a generation's documents, in the order of their paths.

    Args:
        table: int64 ``(documents, 4)``.
    """

    def __init__(self, table: IntArray) -> None:
        self.table = table
        self._ends: IntArray = np.cumsum(table[:, _PASSAGES])
        self._starts: IntArray = self._ends - table[:, _PASSAGES]

    @classmethod
    def read(cls, path: Path) -> "Places":
        """Read them from a file.

        Raises:
            IndexDamagedError: it cannot be read, or holds something else.
        """
        table = open_array(path.parent, path.stem, np.int64, (None, COLUMNS))
        return cls(np.array(table))

    def write(self, path: Path) -> None:
        """Write them into a file.

        Raises:
            IndexFolderError: the disk has no room for it.
        """
        with writing(path):
            np.save(path, self.table)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return int(self._ends[-1]) if len(self) else 0

    @cached_property
    def is_plain(self) -> bool:
        """Whether every passage is at the row, and has the number, that is its id."""
        plain = not self.table[:, _SEGMENT].any()
        for column in (_ROW, _NUMBER):
            plain = plain and np.array_equal(self.table[:, column], self._starts)
        return plain

    def faults(self, segments: Sequence[SegmentFacts]) -> Iterator[str]:
        """Yield in what they do not describe these segments, each passage of them once."""
        of = self.table[:, _SEGMENT]
        if np.any(self.table < 0) or np.any(of >= len(segments)):
            yield "names places that there are not"
            return
        for number, facts in enumerate(segments):
            mine = self.table[of == number]
            if len(mine) != facts.documents or not _tiles(mine, _ROW, facts.passages):
                yield f"does not place every passage of segment {number} once"
        if not _tiles(self.table, _NUMBER, sum(facts.passages for facts in segments)):
            yield "does not number every passage once"

    def rows(self, ids: IntArray) -> tuple[IntArray, IntArray]:
        """Return the segment of each passage, and its row there.

        Raises:
            IndexError: there is no such passage.
        """
        at = self._documents_of(ids)
        rows: IntArray = self.table[at, _ROW] + ids - self._starts[at]
        return self.table[at, _SEGMENT], rows

    def _documents_of(self, ids: IntArray) -> IntArray:
        if len(ids) and (ids.min() < 0 or ids.max() >= self.passages):
            raise IndexError(
                f"There are {self.passages} passages, asked was for one outside of them."
            )
        found: IntArray = np.searchsorted(self._ends, ids, side="right")
        return found

    def ids(self, segment: int, rows: IntArray) -> IntArray:
        """Return the id of each passage, by its row in a segment; all the rows are there."""
        order, starts = self._of_segment[segment]
        return self._to_ids(order, starts, rows)

    def of_numbers(self, numbers: IntArray) -> IntArray:
        """Return the id of each passage, by its number in the lexical index."""
        return self._to_ids(*self._of_numbers, numbers)

    def number_of(self, segment: int, row: int) -> int:
        """Return the number in the lexical index of a document, by its first row in a segment."""
        order, starts = self._of_segment[segment]
        return int(self.table[order[np.searchsorted(starts, row)], _NUMBER])

    def _to_ids(self, order: IntArray, starts: IntArray, places: IntArray) -> IntArray:
        at = np.searchsorted(starts, places, side="right") - 1
        ids: IntArray = self._starts[order[at]] + places - starts[at]
        return ids

    @cached_property
    def _of_segment(self) -> list[tuple[IntArray, IntArray]]:
        """The documents of each segment by row: (place in the table, first row)."""
        of = self.table[:, _SEGMENT]
        found = []
        for number in range(int(of.max(initial=-1)) + 1):
            mine = np.flatnonzero(of == number)
            order = mine[np.argsort(self.table[mine, _ROW])]
            found.append((order, self.table[order, _ROW]))
        return found

    @cached_property
    def _of_numbers(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.table[:, _NUMBER])
        return order, self.table[order, _NUMBER]


def _tiles(table: IntArray, column: int, passages: int) -> bool:
    """Return whether documents follow one another without a gap, up to so many passages."""
    table = table[np.argsort(table[:, column])]
    ends = np.cumsum(table[:, _PASSAGES])
    starts = ends - table[:, _PASSAGES]
    total = int(ends[-1]) if len(ends) else 0
    return total == passages and bool(
        np.array_equal(table[:, column], starts) and np.all(table[:, _PASSAGES] > 0)
    )
