"""Documents and passages of a segment in SQLite: text, offsets, headings, what they are known by.

A passage's id in it is its row in the segment, from 0 on. Always written from nothing, so that no
free page holds what was taken out.

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
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from index.durable import writing
from index.errors import IndexDamagedError
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

# The long columns last: SQLite walks through what stands before the one that is asked for.
_TABLES = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, title TEXT NOT NULL, content_hash TEXT NOT NULL,
    encoding TEXT NOT NULL, facts TEXT NOT NULL, offsets TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    headings TEXT NOT NULL, sentences TEXT NOT NULL, page INTEGER
);
-- Apart from the texts: a question asks for the keys of some hundred passages.
CREATE TABLE keys (
    passage_id INTEGER PRIMARY KEY, duplicate_key BLOB NOT NULL, vector_key BLOB NOT NULL
);
CREATE TABLE versions (
    document_id TEXT NOT NULL, path TEXT NOT NULL, content_hash TEXT NOT NULL,
    text_key BLOB NOT NULL, generation TEXT NOT NULL, indexed TEXT NOT NULL
);
"""
_INDEXES = """
CREATE INDEX documents_of_content ON documents (content_hash);
CREATE INDEX passages_of_document ON passages (document_id, start);
CREATE INDEX keys_of_duplicate ON keys (duplicate_key);
CREATE INDEX keys_of_vectors ON keys (vector_key);
CREATE INDEX versions_of_content ON versions (content_hash);
CREATE INDEX versions_of_document ON versions (document_id);
"""
_DOCUMENT = "SELECT id, path, title, text, content_hash, encoding, offsets, facts FROM documents"
_PASSAGE = 'SELECT id, document_id, start, "end", text, headings, sentences, page FROM passages'
_KEYS = "SELECT passage_id, vector_key, duplicate_key FROM keys"
_VECTOR_ROWS = (
    "SELECT vector_key, min(passage_id) FROM keys WHERE vector_key IN ({}) GROUP BY vector_key"
)
_DUPLICATES = "SELECT passage_id, duplicate_key FROM keys WHERE passage_id"
_DUPLICATES_OF_DOCUMENTS = (
    "SELECT p.document_id, count(*) FROM keys k JOIN passages p ON p.id = k.passage_id "
    "WHERE k.duplicate_key IN "
    "(SELECT duplicate_key FROM keys GROUP BY duplicate_key HAVING count(*) > 1) "
    "GROUP BY p.document_id"
)
_INFO = (
    "SELECT d.id, d.path, d.title, (SELECT count(*) FROM passages WHERE document_id = d.id), "
    "d.facts, d.encoding, d.content_hash FROM documents d"
)
_REPEATS = "SELECT duplicate_key, passage_id FROM keys WHERE duplicate_key"
_MOST_VARIABLES = 500
_COUNTED_TOGETHER = 64  # documents
_LEAST_LIMIT = 1 << 20  # bytes: below this SQLite cannot hold its own statements
_DOCUMENT_TYPES = (str, str, str, str, str, str, str, str)
_INFO_TYPES = (str, str, str, int, str, str, str)
_VERSION_TYPES = (str, str, str, bytes, str, str)
_KEY_TYPES = (int, bytes, bytes)
_PASSAGE_TYPES = (int, str, int, int, str, str, str, (int, type(None)))


@dataclass(frozen=True, slots=True)
class Keys:
    """What a passage's vectors and its duplicates are found by.

    Attributes:
        vectors: key of its folded searchable text and of where its sentences stand in it.
        duplicate: key of its words alone.
    """

    vectors: bytes
    duplicate: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with its passages, the keys of each, and what reading it showed."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[Keys]
    facts: FileFacts


def write_store(path: Path, entries: Iterable[Entry], versions: Iterable[Version]) -> None:
    """Write documents, passages and the versions of documents into a new file.

    Raises:
        IndexFolderError: the disk has no room for it.
    """
    with writing(path, sqlite3.Error), closing(sqlite3.connect(path)) as connection, connection:
        create_tables(connection)
        for entry in entries:
            add_entry(connection, entry)
        connection.executemany(_insert("versions", 6), map(_version_row, versions))
        for statement in _INDEXES.split(";"):  # behind the rows: sorted once
            connection.execute(statement)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make an empty file one that holds documents and passages; its indexes are not made yet."""
    connection.executescript(_TABLES)


def add_entry(connection: sqlite3.Connection, entry: Entry) -> None:
    """Add a document with its passages, whose ids no other has."""
    connection.execute(_insert("documents", 8), _document_row(entry))
    connection.executemany(_insert("passages", 8), map(_passage_row, entry.passages))
    connection.executemany(_insert("keys", 3), map(_key_row, entry.passages, entry.keys))


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 (our own names)


def _document_row(entry: Entry) -> tuple[str, ...]:
    document = entry.document
    return (
        document.id,
        document.path,
        document.title,
        document.content_hash,
        document.encoding,
        json.dumps(asdict(entry.facts), ensure_ascii=False),
        json.dumps(document.offsets.kept),
        document.text,
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
    return passage.id, keys.duplicate, keys.vectors


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
    """The documents and passages of a segment, read-only.

    Raises:
        IndexDamagedError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # one connection serves every thread of the page
        try:
            self._connection = _open_untrusted(path)
            self._finalizer = weakref.finalize(self, self._connection.close)
            self.passages: int
            self.documents: int
            (self.passages,) = self._rows("SELECT count(*) FROM passages")[0]
            (self.documents,) = self._rows("SELECT count(*) FROM documents")[0]
        except (sqlite3.Error, OSError) as error:
            raise _damaged(path, f"cannot be read ({error})") from error

    @classmethod
    def over(cls, path: Path, connection: sqlite3.Connection) -> "Store":
        """Return what reads by a connection of this process's own, which stays open."""
        same = cls.__new__(cls)
        same._path = path
        same._lock = threading.Lock()
        same._connection = connection
        return same

    def close(self) -> None:
        """Close the file; does nothing the second time."""
        self._finalizer()

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            KeyError: the index has no such document.
        """
        rows = self._rows(f"{_DOCUMENT} WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        return self._to_document(rows[0])

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        rows = self._rows(
            f"{_DOCUMENT} WHERE content_hash BETWEEN ? AND ? ORDER BY path", prefix, f"{prefix}g"
        )
        return [self._to_document(row) for row in rows]

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        rows = self._rows(
            "SELECT * FROM versions WHERE content_hash BETWEEN ? AND ? ORDER BY indexed, rowid",
            prefix,
            f"{prefix}g",
        )
        return [self._to_version(row) for row in rows]

    def versions(self) -> list[Version]:
        """Return every recorded version, in the order they were recorded."""
        rows = self._rows("SELECT * FROM versions ORDER BY rowid")
        return [self._to_version(row) for row in rows]

    def infos(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        rows = self._rows(
            "SELECT d.id, d.path, d.title, count(p.id), d.facts, d.encoding, d.content_hash "
            "FROM documents d LEFT JOIN passages p ON p.document_id = d.id "
            "GROUP BY d.id ORDER BY d.path"
        )
        return [self._to_info(row) for row in rows]

    def info(self, document_id: str) -> DocumentInfo | None:
        """Return what there is to list of a document; None when it is not here."""
        rows = self._rows(f"{_INFO} WHERE d.id = ?", document_id)
        return self._to_info(rows[0]) if rows else None

    def facts(self, document_id: str) -> FileFacts:
        """Return what reading a document's file showed.

        Raises:
            KeyError: it is not here.
        """
        rows = self._rows("SELECT facts FROM documents WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        with self._checked(rows[0], (str,)) as checked:
            return facts_from(checked[0])

    def document_ids(self) -> list[str]:
        """Return the id of every document."""
        return [id_ for (id_,) in self._rows("SELECT id FROM documents")]

    def place_of(self, passage_id: int) -> tuple[str, str]:
        """Return the path and the id of the document that a passage is part of."""
        rows = self._rows(
            "SELECT d.path, d.id FROM passages p JOIN documents d ON d.id = p.document_id "
            "WHERE p.id = ?",
            passage_id,
        )
        if not rows:
            raise _damaged(self._path, f"has no passage {passage_id}")
        return rows[0][0], rows[0][1]

    def vector_rows(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return a passage of each vector key that is here."""
        return self._found(_VECTOR_ROWS, keys)

    def _found(self, sql: str, keys: Sequence[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for marks, part in _in_parts(keys):
            for row in self._rows(sql.format(marks), *part):
                with self._checked(row, (bytes, int)) as checked:
                    found[checked[0]] = checked[1]
        return found

    def versions_of(self, document_ids: Sequence[str]) -> list[Version]:
        """Return the recorded versions of some documents, in the order they were recorded."""
        found: list[Any] = []
        for marks, part in _in_parts(document_ids):
            found += self._rows(
                f"SELECT rowid, * FROM versions WHERE document_id IN ({marks})",  # noqa: S608
                *part,
            )
        return [self._to_version(row[1:]) for row in sorted(found, key=lambda row: row[0])]

    def repeated(self) -> Iterator[tuple[bytes, int]]:
        """Yield (duplicate key, passage id) of every passage, by key; a part at a time."""
        after = (b"", -1)
        sql = (
            "SELECT duplicate_key, passage_id FROM keys WHERE (duplicate_key, passage_id) > (?, ?) "
            "ORDER BY duplicate_key, passage_id LIMIT 10000"
        )
        while rows := self._rows(sql, *after):
            yield from rows
            after = rows[-1]

    def listed(self) -> list[tuple[DocumentInfo, FileFacts, str]]:
        """Return of every document what a list says, what reading showed, and since when it is."""
        indexed: dict[str, str] = dict(
            self._rows("SELECT document_id, max(indexed) FROM versions GROUP BY document_id")
        )
        facts = dict(self._rows("SELECT id, facts FROM documents"))
        return [
            (info, facts_from(facts[info.id]), str(indexed.get(info.id, "")))
            for info in self.infos()
        ]

    def duplicates(self) -> dict[str, int]:
        """Return how many passages of each document stand elsewhere in this store too."""
        return dict(self._rows(_DUPLICATES_OF_DOCUMENTS))

    def duplicate_keys_of(self, document_id: str) -> list[bytes]:
        """Return the duplicate key of each passage of a document; none when it is not here."""
        rows = self._rows(
            "SELECT duplicate_key FROM keys WHERE passage_id IN "
            "(SELECT id FROM passages WHERE document_id = ?)",
            document_id,
        )
        return [key for (key,) in rows]

    def counts_of(self, duplicate_keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return how many passages have each of the keys, where there are any."""
        return self._found(
            "SELECT duplicate_key, count(*) FROM keys WHERE duplicate_key IN ({}) "
            "GROUP BY duplicate_key",
            list(dict.fromkeys(duplicate_keys)),
        )

    def entries(self) -> Iterator[Entry]:
        """Yield every document with everything that belongs to it, in the order written."""
        for (document_id,) in self._rows("SELECT id FROM documents ORDER BY rowid"):
            yield self.entry(document_id)

    def entry(self, document_id: str) -> Entry:
        """Return a document with everything that belongs to it.

        Raises:
            KeyError: it is not here.
        """
        rows = self._rows(f"{_DOCUMENT} WHERE id = ?", document_id)
        if not rows:
            raise KeyError(document_id)
        passages = self.passages_of(document_id)
        of_document = "(SELECT id FROM passages WHERE document_id = ?)"
        found = self._rows(f"{_KEYS} WHERE passage_id IN {of_document}", document_id)
        keys = {row[0]: self._to_keys(row) for row in found}
        if missing := [passage.id for passage in passages if passage.id not in keys]:
            raise _damaged(self._path, f"has no keys of passage {missing[0]}")
        own = [keys[passage.id] for passage in passages]
        return Entry(self._to_document(rows[0]), passages, own, self._to_facts(rows[0]))

    def keys(self) -> Iterator[bytes]:
        """Yield the vector key of every passage, by id; a part at a time."""
        after = -(1 << 63)
        sql = f"{_KEYS} WHERE passage_id > ? ORDER BY passage_id LIMIT 10000"
        while rows := self._rows(sql, after):
            yield from (self._to_keys(row).vectors for row in rows)
            after = rows[-1][0]

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""
        found: dict[int, bytes] = {}
        for marks, part in _in_parts(passage_ids):
            found.update(self._rows(f"{_DUPLICATES} IN ({marks})", *part))
        if missing := [passage_id for passage_id in passage_ids if passage_id not in found]:
            raise _damaged(self._path, f"has no keys of passage {missing[0]}")
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
                found[row[0]] = self._to_passage(row)
        missing = [passage_id for passage_id in passage_ids if passage_id not in found]
        if missing:
            raise _damaged(self._path, f"has no passage {missing[0]}")
        return [found[passage_id] for passage_id in passage_ids]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        rows = self._rows(f"{_PASSAGE} WHERE document_id = ? ORDER BY id", document_id)
        return [self._to_passage(row) for row in rows]

    def passage_ranges(self) -> dict[str, range]:
        """Return the ids of each document's passages, which follow one another, in their order."""
        # Answered from an index alone: no text is read.
        ranges: dict[str, range] = {}
        for document_id, first, last, count in self._rows(
            "SELECT document_id, min(id), max(id), count(*) FROM passages "
            "GROUP BY document_id ORDER BY min(id)"
        ):
            ranges[document_id] = range(first, last + 1)
            if len(ranges[document_id]) != count:
                raise _damaged(self._path, f"has passages of others between {first} and {last}")
        return ranges

    def characters(self) -> int:
        """Return how many characters all documents have together."""
        (last,) = self._rows("SELECT coalesce(max(rowid), 0) FROM documents")[0]
        total = 0
        # A part at a time: every text is read, and questions wait for the connection.
        for at in range(0, last, _COUNTED_TOGETHER):
            (found,) = self._rows(
                "SELECT coalesce(sum(length(text)), 0) FROM documents "
                "WHERE rowid > ? AND rowid <= ?",
                at,
                at + _COUNTED_TOGETHER,
            )[0]
            total += found
        return total

    def misplaced(self) -> Iterator[int]:
        """Yield the ids of passages whose text is not where they say it is."""
        # Sliced here: SQLite counts the characters of a text from its beginning for every slice.
        texts: dict[str, str] = {}
        sql = (
            'SELECT document_id, id, start, "end", text FROM passages WHERE id > ? '
            "ORDER BY id LIMIT 2000"
        )
        after = -(1 << 63)
        while found := self._rows(sql, after):  # not all at once: a build holds its own beside them
            for document_id, id_, start, end, text in found:
                if document_id not in texts:
                    rows = self._rows("SELECT text FROM documents WHERE id = ?", document_id)
                    texts = {document_id: rows[0][0] if rows else ""}
                if texts[document_id][start:end] != text:
                    yield id_
            after = found[-1][1]

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

    def _to_document(self, row: Sequence[Any]) -> Document:
        with self._checked(row, _DOCUMENT_TYPES) as checked:
            document_id, path, title, text, content_hash, encoding, kept, _ = checked
            offsets = OffsetMap(tuple(_pairs(kept)))
            return Document(document_id, path, title, text, content_hash, encoding, offsets)

    def _to_facts(self, row: Sequence[Any]) -> FileFacts:
        with self._checked(row, _DOCUMENT_TYPES) as checked:
            return facts_from(checked[-1])

    def _to_info(self, row: Sequence[Any]) -> DocumentInfo:
        with self._checked(row, _INFO_TYPES) as checked:
            id_, path, title, passages, facts, encoding, digest = checked
            kind = facts_from(facts).kind
            return DocumentInfo(id_, path, title, passages, kind, encoding, digest)

    def _to_version(self, row: Sequence[Any]) -> Version:
        with self._checked(row, _VERSION_TYPES) as checked:
            return Version(*checked)

    def _to_keys(self, row: Sequence[Any]) -> Keys:
        with self._checked(row, _KEY_TYPES) as checked:
            _, vectors, duplicate = checked
            return Keys(vectors, duplicate)

    @contextmanager
    def _checked(self, row: Sequence[Any], types: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Lend a row whose columns are of the types that belong there."""
        try:
            if not all(map(isinstance, row, types)) or len(row) != len(types):
                raise TypeError("a column of another type")
            yield row
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _damaged(self._path, f"holds {error} in row {row[0]!r:.50}") from error


def facts_from(text: str) -> FileFacts:
    """Return what reading a file showed, from JSON."""
    values = json.loads(text)
    dropped = tuple(Dropped(str(one["reason"]), int(one["count"])) for one in values["dropped"])
    garbled = values["garbled"]
    return FileFacts(
        kind=str(values["kind"]),
        removed_noise=int(values["removed_noise"]),
        merged=int(values["merged"]),
        dropped=dropped,
        garbled=None if garbled is None else int(garbled),
        notes=tuple(map(str, values["notes"])),
        reading=str(values["reading"]),
    )


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


def _in_parts(values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the values in parts that one statement takes, with as many question marks."""
    for at in range(0, len(values), _MOST_VARIABLES):
        part = values[at : at + _MOST_VARIABLES]
        yield ",".join("?" * len(part)), part


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
        connection.executescript(_TABLES + _INDEXES)
        return _schema_of(connection)


def _schema_of(connection: sqlite3.Connection) -> tuple[Any, ...]:
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 100")
    return tuple(sorted(rows.fetchall(), key=repr))


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
