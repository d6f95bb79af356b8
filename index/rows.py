"""The passages of a segment that is being written, read from its store when they are needed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from index.folding import fold
from index.store import Store
from index.types import Passage, Span

IntArray = npt.NDArray[np.int64]

_T = TypeVar("_T")
_KEPT = 4096
"""Passages in memory: a batch is asked for its texts, then for its sentences."""
_TOGETHER = 256
"""Passages read in one go when they are asked for in their order."""


class Sizes(NamedTuple):
    """How long passages are, int64 ``(passages,)`` each.

    Attributes:
        searchable: characters of what is searched of them.
        text: characters of their own.
        sentences: how many they have.
    """

    searchable: IntArray
    text: IntArray
    sentences: IntArray


class Rows(Sequence[Passage]):
    """The passages of a store, by row."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[int, Passage] = {}

    def __len__(self) -> int:
        return self._store.passages

    def __iter__(self) -> Iterator[Passage]:
        for start in range(0, len(self), _TOGETHER):
            yield from self._store.get_passages(range(start, min(start + _TOGETHER, len(self))))

    def __getitem__(self, row: int) -> Passage:  # type: ignore[override]  # no slices
        if not 0 <= row < len(self):
            raise IndexError(row)
        found = self._kept.get(row)
        if found is None:
            (found,) = self._store.get_passages([row])
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[row] = found
        return found

    def sizes(self) -> Sizes:
        """Return how long each is."""
        table = np.empty((len(self), 3), np.int64)
        for row, one in enumerate(self):
            table[row] = len(one.searchable), len(one.text), len(one.sentences)
        return Sizes(*table.T)

    def some(self, rows: Sequence[int]) -> Iterator[Passage]:
        """Yield passages in the order asked for."""
        for start in range(0, len(rows), _TOGETHER):
            yield from self._store.get_passages(rows[start : start + _TOGETHER])


class Told(Sequence[_T]):
    """What is told of some rows, each time anew.

    Args:
        rows: the passages.
        wanted: which of them, in order.
        tell: what of each.
    """

    def __init__(self, rows: Rows, wanted: Sequence[int], tell: Callable[[Passage], _T]) -> None:
        self._rows = rows
        self._wanted = wanted
        self._tell = tell

    def __len__(self) -> int:
        return len(self._wanted)

    def __iter__(self) -> Iterator[_T]:
        return map(self._tell, self._rows.some(self._wanted))

    @overload
    def __getitem__(self, at: int) -> _T: ...
    @overload
    def __getitem__(self, at: slice) -> list[_T]: ...
    def __getitem__(self, at: int | slice) -> _T | list[_T]:
        if isinstance(at, slice):
            return [self._tell(one) for one in self._rows.some(self._wanted[at])]
        return self._tell(self._rows[self._wanted[at]])


class Texts(Mapping[int, tuple[str, Sequence[Span]]]):
    """By row, the folded text of a passage and where its sentences stand in that."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __getitem__(self, row: int) -> tuple[str, Sequence[Span]]:
        passage = self._rows[row]
        return folded(passage), sentences_of(passage)


def folded(passage: Passage) -> str:
    """Return what is embedded of a passage."""
    return fold(passage.searchable)


def sentences_of(passage: Passage) -> list[Span]:
    """Return where a passage's sentences stand in what is embedded of it."""
    return passage.searchable_sentences
