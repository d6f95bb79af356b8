"""Documents and passages in SQLite: text, offsets, headings, what they are recognised by.

Always written from nothing, so that no free page holds what was taken out.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from index.errors import IndexDamagedError
from index.keys import LENGTH
from index.types import (
    Document,
    DocumentInfo,
    Dropped,
    FileFacts,
    OffsetMap,
    Passage,
    Span,
    Version,
)

_SCHEMA = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    content_hash TEXT NOT NULL, encoding TEXT NOT NULL, offsets TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX documents_of_content ON documents (content_hash);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, page INTEGER
);
CREATE INDEX passages_of_document ON passages (document_id, start);
-- Apart from the texts: a question asks for the keys of some hundred passages.
CREATE TABLE keys (
    passage_id INTEGER PRIMARY KEY, duplicate_key BLOB NOT NULL, text_key BLOB NOT NULL,
    sentence_keys BLOB NOT NULL
);
CREATE INDEX keys_of_duplicate ON keys (duplicate_key);
CREATE TABLE versions (
    document_id TEXT NOT NULL, path TEXT NOT NULL, content_hash TEXT NOT NULL,
    text_key BLOB NOT NULL, generation TEXT NOT NULL, indexed TEXT NOT NULL
);
CREATE INDEX versions_of_content ON versions (content_hash);
"""
_DOCUMENT = "SELECT id, path, title, text, content_hash, encoding, offsets, facts FROM documents"
_PASSAGE = 'SELECT id, document_id, start, "end", text, headings, sentences, page FROM passages'
_KEYS = "SELECT passage_id, text_key, sentence_keys, duplicate_key FROM keys"
_DUPLICATES = "SELECT passage_id, duplicate_key FROM keys WHERE passage_id"
_REPEATS = "SELECT duplicate_key, passage_id FROM keys WHERE duplicate_key"
_MOST_VARIABLES = 500


@dataclass(frozen=True)
class Keys:
    """What a passage's vectors and its duplicates are found by.

    Attributes:
        text: key of its folded searchable text.
        sentences: key of each folded sentence.
        duplicate: key of its words alone.
    """

    text: bytes
    sentences: tuple[bytes, ...]
    duplicate: bytes


@dataclass(frozen=True)
class Entry:
    """A document with its passages, the keys of each, and what reading it showed."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[Keys]
    facts: FileFacts


def write_store(path: Path, entries: Iterable[Entry], versions: Iterable[Version]) -> None:
    """Write documents, passages and the versions of documents into a new file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        for entry in entries:
            connection.execute(_insert("documents", 8), _document_row(entry))
            connection.executemany(_insert("passages", 8), map(_passage_row, entry.passages))
            connection.executemany(_insert("keys", 4), map(_key_row, entry.passages, entry.keys))
        connection.executemany(_insert("versions", 6), map(_version_row, versions))


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 (our own names)


def _document_row(entry: Entry) -> tuple[str, ...]:
    document = entry.document
    return (
        document.id,
        document.path,
        document.title,
        document.text,
        document.content_hash,
        document.encoding,
        json.dumps(document.offsets.kept),
        json.dumps(asdict(entry.facts), ensure_ascii=False),
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


def _key_row(passage: Passage, keys: Keys) -> tuple[object, ...]:
    return passage.id, keys.duplicate, keys.text, b"".join(keys.sentences)


def _version_row(version: Version) -> tuple[object, ...]:
    return (
        version.document_id,
        version.path,
        version.content_hash,
        version.text_key,
        version.generation,
        version.indexed,
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
        rows = self._rows(f"{_DOCUMENT} WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        return _to_document(rows[0])

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        rows = self._rows(
            f"{_DOCUMENT} WHERE content_hash BETWEEN ? AND ? ORDER BY path", prefix, f"{prefix}g"
        )
        return [_to_document(row) for row in rows]

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        rows = self._rows(
            "SELECT * FROM versions WHERE content_hash BETWEEN ? AND ? ORDER BY indexed, rowid",
            prefix,
            f"{prefix}g",
        )
        return [Version(*row) for row in rows]

    def versions(self) -> list[Version]:
        """Return every recorded version, in the order they were recorded."""
        return [Version(*row) for row in self._rows("SELECT * FROM versions ORDER BY rowid")]

    def infos(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        rows = self._rows(
            "SELECT d.id, d.path, d.title, count(p.id), d.facts, d.encoding, d.content_hash "
            "FROM documents d LEFT JOIN passages p ON p.document_id = d.id "
            "GROUP BY d.id ORDER BY d.path"
        )
        return [
            DocumentInfo(id_, path, title, passages, json.loads(facts)["kind"], encoding, digest)
            for id_, path, title, passages, facts, encoding, digest in rows
        ]

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return [(info.id, info.title, info.path, info.passages) for info in self.infos()]

    def entries(self) -> Iterator[Entry]:
        """Yield every document with everything that belongs to it, in the order written."""
        keys = {row[0]: Keys(row[1], _cut(row[2]), row[3]) for row in self._rows(_KEYS)}
        passages = map(_to_passage, self._rows(f"{_PASSAGE} ORDER BY id"))
        of = {key: list(found) for key, found in groupby(passages, key=lambda p: p.document_id)}
        for row in self._rows(f"{_DOCUMENT} ORDER BY rowid"):
            found = of.get(row[0], [])
            facts = _to_facts(json.loads(row[7]))
            yield Entry(_to_document(row), found, [keys[p.id] for p in found], facts)

    def keys(self) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
        """Yield the text key and the sentence keys of every passage, by id."""
        for text, sentences in self._rows(
            "SELECT text_key, sentence_keys FROM keys ORDER BY passage_id"
        ):
            yield text, _cut(sentences)

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""
        found: dict[int, bytes] = {}
        for marks, part in _in_parts(passage_ids):
            found.update(self._rows(f"{_DUPLICATES} IN ({marks})", *part))
        return [found[passage_id] for passage_id in passage_ids]

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        found: list[tuple[bytes, int]] = []
        for marks, part in _in_parts(duplicate_keys):
            found.extend(self._rows(f"{_REPEATS} IN ({marks}) ORDER BY passage_id", *part))
        return found

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        found: dict[int, Passage] = {}
        for marks, part in _in_parts(passage_ids):
            for row in self._rows(f"{_PASSAGE} WHERE id IN ({marks})", *part):
                found[row[0]] = _to_passage(row)
        return [found[passage_id] for passage_id in passage_ids]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        rows = self._rows(f"{_PASSAGE} WHERE document_id = ? ORDER BY id", document_id)
        return [_to_passage(row) for row in rows]

    def misplaced(self) -> Iterator[int]:
        """Yield the ids of passages whose text is not where they say it is."""
        # Sliced here: SQLite counts the characters of a text from its beginning for every slice.
        texts: dict[str, str] = {}
        for document_id, id_, start, end, text in self._rows(
            'SELECT document_id, id, start, "end", text FROM passages ORDER BY id'
        ):
            if document_id not in texts:
                rows = self._rows("SELECT text FROM documents WHERE id = ?", document_id)
                texts = {document_id: rows[0][0] if rows else ""}
            if texts[document_id][start:end] != text:
                yield id_

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()


def _in_parts(values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the values in parts that one statement takes, with as many question marks."""
    for at in range(0, len(values), _MOST_VARIABLES):
        part = values[at : at + _MOST_VARIABLES]
        yield ",".join("?" * len(part)), part


def _cut(keys: bytes) -> tuple[bytes, ...]:
    return tuple(keys[at : at + LENGTH] for at in range(0, len(keys), LENGTH))


def _to_facts(values: dict[str, Any]) -> FileFacts:
    dropped = tuple(Dropped(**one) for one in values.pop("dropped"))
    notes = tuple(values.pop("notes"))
    return FileFacts(**values, dropped=dropped, notes=notes)


def _to_document(row: Sequence[Any]) -> Document:
    document_id, path, title, text, content_hash, encoding, kept, _ = row
    offsets = OffsetMap(tuple((a, b) for a, b in json.loads(kept)))
    return Document(document_id, path, title, text, content_hash, encoding, offsets)


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
