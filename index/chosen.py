"""Some items of a sequence, without a copy of them."""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Chosen(Sequence[_T]):
    """Items of a sequence at some positions.

    Args:
        of: the sequence.
        positions: where they stand in it.
    """

    def __init__(self, of: Sequence[_T], positions: Sequence[int]) -> None:
        self._of = of
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, at: int) -> _T:  # type: ignore[override]  # no slices
        return self._of[self._positions[at]]
