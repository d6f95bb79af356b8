"""So many questions at once, so many waiting, and a polite no to any more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from index import ServerBusyError
from qa.stages import stage

_PATIENCE = 30.0  # seconds a question waits for its turn


class Gate:
    """Lets a number of questions through at once; the next ones wait, the rest are refused.

    Args:
        running: how many are let through at once.
        waiting: how many more may wait.
        patience: seconds after which one that waits is refused.
    """

    def __init__(self, running: int, waiting: int, patience: float = _PATIENCE) -> None:
        self._most = running + waiting
        self._patience = patience
        self._places = threading.Semaphore(running)
        self._lock = threading.Lock()
        self._running = self._inside = 0

    @property
    def running(self) -> int:
        """How many are let through just now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait just now."""
        with self._lock:
            return self._inside - self._running

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Wait for a place, and hold it.

        Raises:
            ServerBusyError: too many wait already, or it took too long.
        """
        self._enter()
        try:
            with stage("wait"):
                has_place = self._places.acquire(timeout=self._patience)
            if not has_place:
                raise ServerBusyError(
                    f"The question waited {self._patience:.0f} seconds for its turn. "
                    "Ask it again in a while."
                )
            self._count(running=1)
            try:
                yield
            finally:
                self._count(running=-1)
                self._places.release()
        finally:
            self._count(inside=-1)

    def _enter(self) -> None:
        with self._lock:
            if self._inside >= self._most:
                raise ServerBusyError(
                    f"{self._inside} questions are being answered or waiting, as many as this "
                    "server takes. Ask again in a moment."
                )
            self._inside += 1

    def _count(self, *, running: int = 0, inside: int = 0) -> None:
        with self._lock:
            self._running += running
            self._inside += inside
