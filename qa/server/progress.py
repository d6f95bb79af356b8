"""How far a change of the index is, and how long it will still take: measured, never guessed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_LEAST_SHARE, _LEAST_SECONDS = 0.05, 3.0  # before that, nothing is said of the time left


@dataclass(frozen=True)
class Count:
    """So many of so many."""

    done: int
    total: int


@dataclass(frozen=True)
class Progress:
    """How far a change is.

    Attributes:
        stage: ``start``, ``read``, ``embed``, ``compress`` or ``write``.
        files: files read.
        paragraphs: paragraphs embedded; of those that must be, others are copied.
        seconds_left: about how many seconds it will still take; None where that is not known.
    """

    stage: str = "start"
    files: Count | None = None
    paragraphs: Count | None = None
    seconds_left: float | None = None


@dataclass
class Meter:
    """Takes what a build tells, and makes ``Progress`` of it.

    Args:
        clock: returns seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _counts: dict[str, Count] = field(default_factory=dict)
    _stage: str = "start"
    _began: float = 0.0
    _at_begin: int = 0

    def tell(self, stage: str, done: int, total: int) -> None:
        """Take note of how far a stage is."""
        now = self.clock()
        if stage != self._stage:
            self._stage, self._began, self._at_begin = stage, now, done
        self._counts[stage] = Count(done, total)

    def progress(self) -> Progress:
        """Return how far it is now."""
        return Progress(
            stage=self._stage,
            files=self._counts.get("read"),
            paragraphs=self._counts.get("embed"),
            seconds_left=self._seconds_left(),
        )

    def _seconds_left(self) -> float | None:
        """Return the time left for embedding, which is nearly all of the time."""
        if self._stage != "embed":
            return None
        spent = self.clock() - self._began
        whole = self._whole(spent)
        return None if whole is None else whole - spent

    def _whole(self, spent: float) -> float | None:
        """Return how long the stage will take in all at its speed up to now; None at first."""
        count = self._counts[self._stage]
        done, total = count.done - self._at_begin, count.total - self._at_begin
        if total <= 0 or done < _LEAST_SHARE * total or spent < _LEAST_SECONDS:
            return None
        return spent * total / done
