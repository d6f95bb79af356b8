"""The write-ahead log is switched on however many open a file at once."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qa.write_ahead import use_write_ahead_log


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in the middle of reading a file without a write-ahead log."""
    path = tmp_path / "file.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("CREATE TABLE words (word TEXT)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM words").fetchall()
        yield reader


def test_it_waits_for_who_holds_the_file(tmp_path: Path, reader: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(tmp_path / "file.sqlite", timeout=0)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connection.execute("PRAGMA journal_mode = WAL")
        releasing = threading.Timer(0.2, reader.execute, ["COMMIT"])
        releasing.start()
        use_write_ahead_log(connection, patience=20)
        releasing.join()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.usefixtures("reader")
def test_it_gives_up_in_the_end(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "file.sqlite", timeout=0)) as connection:
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            use_write_ahead_log(connection, patience=0.1)
        assert time.monotonic() - began >= 0.1


def test_another_fault_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file.sqlite").write_text("no database" * 100)
    with closing(sqlite3.connect(tmp_path / "file.sqlite")) as connection:
        began = time.monotonic()
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            use_write_ahead_log(connection, patience=20)
        assert time.monotonic() - began < 10
