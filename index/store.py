"""Documents and passages in SQLite: text, offsets, headings."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

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


def write_store(path: Path, documents: Iterable[Document], passages: Iterable[Passage]) -> None:
    """Write documents and passages into a new file."""
    with closing(sqlite3.connect(path)) as connection, connection:
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
            # immutable: a generation never changes, so SQLite need not write lock files beside it
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            (self.passages,) = self._rows("SELECT count(*) FROM passages")[0]
        except sqlite3.Error as error:
            raise IndexDamagedError(
                f"{path} cannot be read ({error}). "
                "Build the index again: python -m index build PATH"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            KeyError: the index has no such document.
        """
        rows = self._rows("SELECT * FROM documents WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        document_id, path, title, text, content_hash, encoding, kept = rows[0]
        offsets = OffsetMap(tuple((a, b) for a, b in json.loads(kept)))
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
                found[row[0]] = _to_passage(row)
        return [found[passage_id] for passage_id in passage_ids]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        rows = self._rows(f"{_PASSAGE} WHERE document_id = ? ORDER BY start", document_id)
        return [_to_passage(row) for row in rows]

    def misplaced(self) -> Iterator[int]:
        """Yield the ids of passages whose text is not where they say it is."""
        for row in self._rows(
            'SELECT p.id, p.text, substr(d.text, p.start + 1, p."end" - p.start) FROM passages p '
            "LEFT JOIN documents d ON d.id = p.document_id"
        ):
            if row[1] != row[2]:
                yield row[0]

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()


def _to_passage(row: Sequence[Any]) -> Passage:
    passage_id, document_id, start, end, text, headings, sentences, page = row
    return Passage(
        passage_id,
        document_id,
        start,
        end,
        text,
        tuple(json.loads(headings)),
        tuple(Span(a, b) for a, b in json.loads(sentences)),
        page,
    )
