"""Documents that were read wait on the disk until the next generation is written.

So a build holds of each only what it is told apart by, however many there are.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from index.durable import writing
from index.reading import numbered
from index.store import Entry, Store, add_entry, create_tables

_COMMIT_EVERY = 1000  # documents


class Waiting(NamedTuple):
    """What is known of a document without looking at its text.

    Attributes:
        path: the path the index knows it by.
        id: its id.
        content_hash: of its file's bytes.
        passages: how many it has.
    """

    path: str
    id: str
    content_hash: str
    passages: int


class Spool:
    """Documents on their way, by id.

    Args:
        path: the file they wait in; made with the first of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._waiting: dict[str, Waiting] = {}
        self._passages = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, document_id: object) -> bool:
        return document_id in self._waiting

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting.values())

    def __getitem__(self, document_id: str) -> Waiting:
        return self._waiting[document_id]

    def put(self, entry: Entry) -> None:
        """Take a document, in place of what was known by its id.

        Raises:
            IndexFolderError: the disk has no room for it.
        """
        document = entry.document
        with writing(self._path, sqlite3.Error):
            connection = self._opened()
            if document.id in self._waiting:
                _remove(connection, document.id)
            # As they are read all passages have the same number.
            add_entry(connection, numbered(entry, self._passages))
            self._passages += len(entry.passages)
            self._waiting[document.id] = Waiting(
                document.path, document.id, document.content_hash, len(entry.passages)
            )
            if len(self._waiting) % _COMMIT_EVERY == 0:
                connection.commit()

    def drop(self, document_id: str) -> None:
        """Forget a document, if it is there."""
        if self._waiting.pop(document_id, None) is not None:
            with writing(self._path, sqlite3.Error):
                _remove(self._opened(), document_id)

    def entry(self, document_id: str) -> Entry:
        """Return a document with everything that belongs to it.

        Raises:
            KeyError: there is none of that id.
        """
        if document_id not in self._waiting:
            raise KeyError(document_id)
        return Store.over(self._path, self._opened()).entry(document_id)

    def close(self) -> None:
        """Remove the file; what is known without it stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._path.unlink(missing_ok=True)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path)
            # Nobody else reads it, and after a crash nobody does.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            create_tables(connection)
            connection.execute("CREATE INDEX passages_of ON passages (document_id)")
            self._connection = connection
        return self._connection


def _remove(connection: sqlite3.Connection, document_id: str) -> None:
    of_document = "(SELECT id FROM passages WHERE document_id = ?)"
    connection.execute(f"DELETE FROM keys WHERE passage_id IN {of_document}", (document_id,))  # noqa: S608
    connection.execute("DELETE FROM passages WHERE document_id = ?", (document_id,))
    connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))
