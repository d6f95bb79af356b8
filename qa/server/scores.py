"""How confident the answers have been: a count for every step of confidence, and no question.

A small SQLite file, so that servers that share a data folder count together and none of it is lost
at a restart.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from index import ReportError
from qa.types import Answer
from qa.write_ahead import use_write_ahead_log

STEPS = 50
"""Steps between 0 and 1; the thresholds of every strictness lie between two of them."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS confidences (
    step INTEGER NOT NULL, answered INTEGER NOT NULL, count INTEGER NOT NULL, since TEXT NOT NULL,
    PRIMARY KEY (step, answered)
);
"""
_ADD = (
    "INSERT INTO confidences VALUES (?, ?, 1, ?) "
    "ON CONFLICT (step, answered) DO UPDATE SET count = count + 1"
)
_PATIENCE = 2.0  # seconds; a count is not worth a longer wait for an answer
_logger = logging.getLogger("yinzheng")


@dataclass(frozen=True)
class ConfidenceCounts:
    """How many questions were given each step of confidence.

    Attributes:
        answered: of those that were answered, ``STEPS`` counts, from no confidence to certainty.
        refused: of those that were not.
        since: when the first one was counted; None when none was.
    """

    answered: tuple[int, ...]
    refused: tuple[int, ...]
    since: datetime | None

    @property
    def total(self) -> int:
        """How many questions were counted."""
        return sum(self.answered) + sum(self.refused)


class ConfidenceStore:
    """Counts the confidence of answers in a file.

    Args:
        path: made at the first answer, with its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, answer: Answer) -> None:
        """Count an answer; a greeting is none. What cannot be counted costs nobody an answer."""
        if answer.is_small_talk:
            return
        step = min(STEPS - 1, max(0, int(answer.confidence * STEPS + 1e-9)))
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as connection, connection:
                connection.execute(_ADD, (step, answer.status == "answered", now))
        except (sqlite3.Error, OSError):
            _logger.warning("%s could not be written", self._path, exc_info=True)

    def counts(self) -> ConfidenceCounts:
        """Return what was counted so far.

        Raises:
            ReportError: the file cannot be read.
        """
        counts = {is_answered: [0] * STEPS for is_answered in (0, 1)}
        since = []
        try:
            rows = self._rows() if self._path.exists() else []
            for step, is_answered, count, at in rows:
                if not 0 <= step < STEPS or count < 0:
                    raise ValueError(f"step {step} with {count} questions")
                counts[is_answered][step] = count
                since.append(datetime.fromisoformat(at))
        except (sqlite3.Error, OSError, ValueError, LookupError, TypeError) as error:
            raise ReportError(
                f"{self._path} cannot be read ({error}). Remove it to count anew."
            ) from error
        return ConfidenceCounts(tuple(counts[1]), tuple(counts[0]), min(since, default=None))

    def _rows(self) -> list[tuple[int, int, int, str]]:
        with self._opened() as connection:
            return connection.execute(
                "SELECT step, answered, count, since FROM confidences"
            ).fetchall()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # Opened each time: a millisecond, and no thread has to hand it to another.
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection:
            use_write_ahead_log(connection, _PATIENCE)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
            yield connection
