"""Who is signed in, kept over a restart: random numbers of which only the hashes are stored."""

import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from index import ServerSettingError
from qa.write_ahead import use_write_ahead_log

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  id_hash BLOB PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL,
  created REAL NOT NULL, used REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS devices (
  id_hash BLOB PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL) STRICT;
"""
_TOUCH_AFTER = 60.0  # seconds; so that not every request writes
_PATIENCE = 5.0  # seconds to wait for other servers
_LONGEST = 7  # times the idle limit
_MOST_PER_NAME = 20
DEVICE_DAYS = 180


@dataclass(frozen=True)
class Session:
    """A sign-in that still counts."""

    name: str
    fingerprint: str


class SessionStore:
    """The sessions of one server, and the browsers from which somebody has signed in before."""

    def __init__(
        self, path: Path, *, idle_seconds: float, now: Callable[[], float] = time.time
    ) -> None:
        """Open the file, or make it.

        Raises:
            ServerSettingError: it cannot be opened.
        """
        self._idle = idle_seconds
        self._now = now
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self._database = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise ServerSettingError(
                f"The sessions cannot be kept in {path}: {error}. Choose another folder with "
                "--data, or remove this file: everybody then signs in again."
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def begin(self, name: str, fingerprint: str) -> str:
        """Begin a session; return its secret number, which is stored nowhere."""
        number, now = secrets.token_urlsafe(32), self._now()
        with self._lock:
            self._database.execute(
                "DELETE FROM sessions WHERE used < ? OR created < ?",
                (now - self._idle, now - _LONGEST * self._idle),
            )
            self._database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                (_hash(number), name, fingerprint, now, now),
            )
            self._keep_newest("sessions", name)
        return number

    def find(self, number: str) -> Session | None:
        """Return the session of a number, unless it has expired; it lives on from now."""
        now = self._now()
        with self._lock:
            row = self._database.execute(
                "SELECT name, fingerprint, created, used FROM sessions WHERE id_hash = ?",
                (_hash(number),),
            ).fetchone()
            if row is None:
                return None
            name, fingerprint, created, used = row
            if now - used > self._idle or now - created > _LONGEST * self._idle:
                self._delete(number)
                return None
            if now - used > min(_TOUCH_AFTER, self._idle / 10):
                self._database.execute(
                    "UPDATE sessions SET used = ? WHERE id_hash = ?", (now, _hash(number))
                )
        return Session(name, fingerprint)

    def end(self, number: str) -> None:
        """End a session."""
        with self._lock:
            self._delete(number)

    def remember_device(self, name: str) -> str:
        """Note that somebody signed in from a browser; return the number to keep in it."""
        number = secrets.token_urlsafe(32)
        with self._lock:
            self._database.execute(
                "INSERT INTO devices VALUES (?, ?, ?)", (_hash(number), name, self._now())
            )
            self._keep_newest("devices", name)
        return number

    def knows_device(self, number: str, name: str) -> bool:
        """Whether this person has signed in from the browser with this number before."""
        since = self._now() - DEVICE_DAYS * 86400
        with self._lock:
            row = self._database.execute(
                "SELECT 1 FROM devices WHERE id_hash = ? AND name = ? AND created > ?",
                (_hash(number), name, since),
            ).fetchone()
        return row is not None

    def _delete(self, number: str) -> None:
        self._database.execute("DELETE FROM sessions WHERE id_hash = ?", (_hash(number),))

    def _keep_newest(self, table: str, name: str) -> None:
        self._database.execute(
            f"DELETE FROM {table} WHERE name = ?1 AND id_hash NOT IN (SELECT id_hash "  # noqa: S608
            f"FROM {table} WHERE name = ?1 ORDER BY created DESC, rowid DESC LIMIT ?2)",
            (name, _MOST_PER_NAME),
        )


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None
    )
    try:
        use_write_ahead_log(database, _PATIENCE)
        database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _hash(number: str) -> bytes:
    return hashlib.sha256(number.encode()).digest()
