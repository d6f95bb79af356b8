"""Documents and passages in SQLite: text, offsets, headings.

A file may come from a stranger. It is opened read-only, and only with the very schema it is written
with: no view, trigger or function of its own is ever run. What is read is checked for its type.
"""

import json
import sqlite3
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from index.durable import writing
from index.errors import IndexDamagedError
from index.types import Document, OffsetMap, Passage, Span

_SCHEMA = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    content_hash TEXT NOT NULL, encoding TEXT NOT NULL, offsets TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, page INTEGER
);
CREATE INDEX passages_of_document ON passages (document_id, start);
"""
_PASSAGE = 'SELECT id, document_id, start, "end", text, headings, sentences, page FROM passages'
_MOST_VARIABLES = 500
_LEAST_LIMIT = 1 << 20  # bytes: below this SQLite cannot hold its own statements
_DOCUMENT_TYPES = (str, str, str, str, str, str, str)
_PASSAGE_TYPES = (int, str, int, int, str, str, str, (int, type(None)))


def write_store(path: Path, documents: Iterable[Document], passages: Iterable[Passage]) -> None:
    """Write documents and passages into a new file.

    Raises:
        IndexFolderError: the disk has no room for it.
    """
    with writing(path, sqlite3.Error), closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)", map(_document_row, documents)
        )
        connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_passage_row, passages)
        )


def _document_row(document: Document) -> tuple[str, ...]:
    return (
        document.id,
        document.path,
        document.title,
        document.text,
        document.content_hash,
        document.encoding,
        json.dumps(document.offsets.kept),
    )


def _passage_row(passage: Passage) -> tuple[object, ...]:
    return (
        passage.id,
        passage.document_id,
        passage.start,
        passage.end,
        passage.text,
        json.dumps(passage.headings, ensure_ascii=False),
        json.dumps([(span.start, span.end) for span in passage.sentences]),
        passage.page,
    )


class Store:
    """The documents and passages of a generation, read-only.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # one connection serves every thread of the page
        try:
            self._connection = _open_untrusted(path)
            self._finalizer = weakref.finalize(self, self._connection.close)
            (self.passages,) = self._rows("SELECT count(*) FROM passages")[0]
            (self.documents,) = self._rows("SELECT count(*) FROM documents")[0]
        except (sqlite3.Error, OSError) as error:
            raise _damaged(path, f"cannot be read ({error})") from error

    def close(self) -> None:
        """Close the file; does nothing the second time."""
        self._finalizer()

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            KeyError: the index has no such document.
        """
        rows = self._rows("SELECT * FROM documents WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        with self._checked(rows[0], _DOCUMENT_TYPES) as row:
            document_id, path, title, text, content_hash, encoding, kept = row
            offsets = OffsetMap(tuple(_pairs(kept)))
            return Document(document_id, path, title, text, content_hash, encoding, offsets)

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return self._rows(
            "SELECT d.id, d.title, d.path, count(p.id) FROM documents d "
            "LEFT JOIN passages p ON p.document_id = d.id GROUP BY d.id ORDER BY d.path"
        )

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        found: dict[int, Passage] = {}
        for at in range(0, len(passage_ids), _MOST_VARIABLES):
            part = passage_ids[at : at + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            for row in self._rows(f"{_PASSAGE} WHERE id IN ({marks})", *part):
                found[row[0]] = self._to_passage(row)
        missing = [passage_id for passage_id in passage_ids if passage_id not in found]
        if missing:
            raise _damaged(self._path, f"has no passage {missing[0]}")
        return [found[passage_id] for passage_id in passage_ids]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        rows = self._rows(f"{_PASSAGE} WHERE document_id = ? ORDER BY start", document_id)
        return [self._to_passage(row) for row in rows]

    def misplaced(self) -> Iterator[int]:
        """Yield the ids of passages whose text is not where they say it is."""
        for row in self._rows(
            'SELECT p.id, p.text, substr(d.text, p.start + 1, p."end" - p.start) FROM passages p '
            "LEFT JOIN documents d ON d.id = p.document_id"
        ):
            if row[1] != row[2]:
                yield row[0]

    def faults(self) -> Iterator[str]:
        """Yield what SQLite itself finds wrong with the file."""
        for (fact,) in self._rows("PRAGMA integrity_check(20)"):
            if fact != "ok":
                yield str(fact)

    def _rows(self, sql: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _damaged(self._path, f"cannot be read ({error})") from error

    def _to_passage(self, row: Sequence[Any]) -> Passage:
        with self._checked(row, _PASSAGE_TYPES) as checked:
            passage_id, document_id, start, end, text, headings, sentences, page = checked
            names = json.loads(headings)
            if type(names) is not list or not all(isinstance(name, str) for name in names):
                raise TypeError("headings that are no texts")
            spans = tuple(Span(first, last) for first, last in _pairs(sentences))
            return Passage(passage_id, document_id, start, end, text, tuple(names), spans, page)

    @contextmanager
    def _checked(self, row: Sequence[Any], types: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Lend a row whose columns are of the types that belong there."""
        try:
            if not all(isinstance(value, kind) for value, kind in zip(row, types, strict=True)):
                raise TypeError("a column of another type")
            yield row
        except (ValueError, TypeError, RecursionError) as error:
            raise _damaged(self._path, f"holds {error} in row {row[0]!r:.50}") from error


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    for first, second in json.loads(text):
        if type(first) is not int or type(second) is not int:
            raise TypeError("offsets that are no numbers")
        yield first, second


def paths_in(path: Path) -> list[str]:
    """Return the distinct paths of the documents in a store of any format; none if it has none."""
    try:
        with closing(_open_read_only(path)) as connection:
            is_table = "SELECT 1 FROM sqlite_master WHERE name = 'documents' AND type = 'table'"
            if connection.execute(is_table).fetchone() is None:
                return []
            rows = connection.execute("SELECT DISTINCT path FROM documents LIMIT 100000").fetchall()
            return [name for (name,) in rows if isinstance(name, str)]
    except (sqlite3.Error, OSError):
        return []


def _open_untrusted(path: Path) -> sqlite3.Connection:
    """Open a file read-only, if its schema is the one written here.

    Raises:
        sqlite3.Error: it cannot be read, or has another schema.
    """
    connection = _open_read_only(path)
    try:
        if _schema_of(connection) != _own_schema():
            raise sqlite3.DatabaseError("it has another schema")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_read_only(path: Path) -> sqlite3.Connection:
    # immutable: a generation never changes, so SQLite need not write lock files beside it, and
    # reads no journal that lies there.
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        if sys.version_info >= (3, 11):  # nothing in it is larger than the file
            most = max(path.stat().st_size, _LEAST_LIMIT)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(most, (1 << 31) - 1))
    except (sqlite3.Error, OSError):
        connection.close()
        raise
    return connection


@cache
def _own_schema() -> tuple[Any, ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _schema_of(connection)


def _schema_of(connection: sqlite3.Connection) -> tuple[Any, ...]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 100")
    return tuple(sorted(rows.fetchall(), key=repr))


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
