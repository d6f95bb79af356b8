"""What several threads ask for at once, worked out together.

A pass of a model takes hardly longer for eight short questions than for one, and two passes at once
only take the processor from each other. So one pass runs at a time, and whoever comes meanwhile
goes into the next one. Nobody waits for company: who comes alone is served at once, by its own
thread; there is no other.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MOST = 32
_LONGEST_TO_SHORTEST = 2
_SHORT = 32
"""Up to this length, padding costs less than another pass."""


class _Asked(Generic[_Item, _Result]):
    """One item of one thread, and what has become of it."""

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.thread = threading.get_ident()
        self.turn = threading.Event()  # it is finished, or its thread has to work
        self.results: list[_Result] = []
        self.error: Exception | None = None

    @property
    def is_finished(self) -> bool:
        return bool(self.results) or self.error is not None

    def outcome(self) -> _Result:
        if self.error is not None:
            raise self.error
        return self.results[0]


class Batching(Generic[_Item, _Result]):
    """Calls a function of many items for one item at a time, together with those of other threads.

    Args:
        work: returns the result of each item, in order; it is called by one thread at a time.
        length: what an item costs; items of very unlike length are not padded to one another.
        most: items in a call, at most.
    """

    def __init__(
        self,
        work: Callable[[list[_Item]], Sequence[_Result]],
        *,
        length: Callable[[_Item], int],
        most: int = _MOST,
    ) -> None:
        self._work = work
        self._length = length
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Asked[_Item, _Result]] = []
        self._is_working = False

    def __call__(self, item: _Item) -> _Result:
        """Return the result of an item; an error that it causes reaches nobody else."""
        asked: _Asked[_Item, _Result] = _Asked(item)
        with self._lock:
            self._waiting.append(asked)
            has_to_wait, self._is_working = self._is_working, True
        if has_to_wait:
            asked.turn.wait()
        if not asked.is_finished:
            self._work_off()
        return asked.outcome()

    def _work_off(self) -> None:
        """Finish who waits, as many as go into one call, and let the next one work."""
        with self._lock:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            for alike in self._of_like_length(batch):
                self._finish(alike)
        finally:
            self._hand_over([asked for asked in batch if not asked.is_finished])

    def _of_like_length(
        self, batch: list[_Asked[_Item, _Result]]
    ) -> Iterator[list[_Asked[_Item, _Result]]]:
        alike: list[_Asked[_Item, _Result]] = []
        longest = 0
        for length, _, asked in sorted(
            (self._length(asked.item), place, asked) for place, asked in enumerate(batch)
        ):
            if alike and length > longest:
                yield alike
                alike = []
            if not alike:
                longest = max(_SHORT, length * _LONGEST_TO_SHORTEST)
            alike.append(asked)
        yield alike

    def _finish(self, batch: list[_Asked[_Item, _Result]]) -> None:
        try:
            results = self._work([asked.item for asked in batch])
        except Exception as error:  # noqa: BLE001  (raised in the thread that asked)
            if len(batch) > 1:  # only one of them may be to blame
                for asked in batch:
                    self._finish([asked])
                return
            batch[0].error = error
        else:
            for asked, result in zip(batch, results, strict=True):
                asked.results.append(result)
        for asked in batch:
            asked.turn.set()

    def _hand_over(self, unfinished: list[_Asked[_Item, _Result]]) -> None:
        """Let the next one work, first of those whose call was broken off by another's Ctrl+C."""
        own = threading.get_ident()
        with self._lock:
            self._waiting = [asked for asked in unfinished if asked.thread != own] + self._waiting
            self._is_working = bool(self._waiting)
            if self._waiting:
                self._waiting[0].turn.set()
