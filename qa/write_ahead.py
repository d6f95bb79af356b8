"""SQLite's write-ahead log, in which readers of a file and its one writer do not wait."""

import sqlite3
import time

_PAUSE = 0.01  # seconds


def use_write_ahead_log(connection: sqlite3.Connection, patience: float) -> None:
    """Switch the file to its write-ahead log, where it has none yet.

    SQLite gives this one statement no second try when another connection holds the file, whatever
    the connection's timeout: the first visitors of a new file would be told that it is locked.

    Args:
        connection: of the file, outside a transaction.
        patience: seconds to try again.

    Raises:
        sqlite3.OperationalError: the file is still locked after them.
    """
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(_PAUSE)
