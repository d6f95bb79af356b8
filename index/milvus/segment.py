"""A segment of a generation on a Milvus server, read in the parts that one in a folder has."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from index.milvus.client import MilvusServer, Row
from index.milvus.last_used import LastUsed
from index.milvus.names import SegmentNames
from index.milvus.rows import Rows, Seen
from index.milvus.tables import (
    FOUND_FIELDS,
    PASSAGE_FIELDS,
    damaged,
    in_parts,
    joined,
    part_keys,
    quoted,
    unpack_arrays,
    unpack_record,
    whole,
)
from index.part_vectors import (
    IntArray,
    PartVectors,
    Stored,
    coded_products,
    int8_products,
    restore,
)
from index.quantiser import ProductQuantiser
from index.store import facts_from
from index.types import (
    Document,
    DocumentInfo,
    FileFacts,
    OffsetMap,
    Passage,
    Span,
    TokenVectorKind,
    Version,
)

FloatArray = npt.NDArray[np.float32]

_PARTS_KEPT = 256
_TEXTS_TOGETHER = 100  # of up to 64 kB
_DOCUMENTS_TOGETHER = 50
_KEYS_TOGETHER = 200
_HEX = frozenset("0123456789abcdef")


class MilvusSegment:
    """The parts of a segment.

    Args:
        server: that has it.
        where: its collections.
        facts: what the generation says of it.
        seen: what of it has to be seen.
    """

    def __init__(
        self, server: MilvusServer, where: SegmentNames, facts: Mapping[str, Any], seen: Seen
    ) -> None:
        self.server = server
        self.where = where
        self.facts = facts
        self.seen = seen
        self.rows = Rows(server, where.passages, seen)
        self.texts = SegmentTexts(server, where.texts, seen)
        self.store = MilvusStore(self)
        self.vectors = MilvusVectors(self)
        self.arrays = PartArrays(self)
        self.tokens = MilvusParts(self, self.arrays, "tokens")
        self.sentences = MilvusParts(self, self.arrays, "sentences")

    @cached_property
    def quantiser(self) -> ProductQuantiser | None:
        """What the codes of tokens mean; None where they are stored as int8."""
        if self.facts["token_vectors"] != "pq":
            return None
        arrays = unpack_arrays(self.texts.read("quantiser"), self.where.texts)
        return ProductQuantiser(arrays["centroids"])


class SegmentTexts:
    """The texts of a segment, or of a generation.

    Args:
        server: that has them.
        collection: in which they are.
        seen: what of them has to be seen.
    """

    def __init__(self, server: MilvusServer, collection: str, seen: Seen) -> None:
        self._server = server
        self._collection = collection
        self._seen = seen

    def read(self, name: str) -> bytes:
        """Return a text by its name.

        Raises:
            IndexDamagedError: it is not there, or altered.
        """
        found = self.read_if_there(name)
        if found is None:
            raise damaged(f"{name!r} in {self._collection}", "is missing")
        return found

    def read_if_there(self, name: str) -> bytes | None:
        """Return a text by its name; None when nobody has written it."""
        return self.read_those([name]).get(name)

    def read_those(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return texts by their names; what nobody has written is left out.

        They are asked for by their keys: any other condition looks at every row there is.

        Raises:
            IndexDamagedError: one of them is altered.
        """
        rows = {str(row["name"]): row for row in self._by_key([f"{name}#0" for name in names])}
        others = [
            f"{name}#{number}"
            for name in names
            if f"{name}#0" in rows
            for number in range(1, int(rows[f"{name}#0"]["pieces"]))
        ]
        rows |= {str(row["name"]): row for row in self._by_key(others)}
        found = {}
        for name in names:
            if first := rows.get(f"{name}#0"):
                keys = (f"{name}#{number}" for number in range(int(first["pieces"])))
                own = [rows[key] for key in keys if key in rows]
                found[name] = joined(own, f"{name!r} in {self._collection}")
        return found

    def _by_key(self, keys: Sequence[str]) -> Iterator[Row]:
        for some in in_parts(keys, _TEXTS_TOGETHER):
            yield from self.where(f"name in {quoted(some)}")

    def where(self, condition: str) -> list[Row]:
        """Return the rows of texts that a condition holds for, of which there are few."""
        return self._server.get(self._collection, condition, _TEXT_FIELDS, newest=self._seen.newest)

    def every(self, condition: str) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the bytes of every text that a condition holds for."""
        rows = self._server.each(
            self._collection,
            condition,
            _TEXT_FIELDS,
            newest=self._seen.newest,
            together=_TEXTS_TOGETHER,
        )
        yield from _texts(rows, self._collection)

    def these(self, condition: str) -> list[tuple[str, bytes]]:
        """Return the texts that a condition holds for, of which there are few."""
        return list(_texts(self.where(condition), self._collection))


_TEXT_FIELDS = ("name", "piece", "pieces", "data")


def _texts(rows: Iterable[Row], collection: str) -> Iterator[tuple[str, bytes]]:
    # A text of one piece is not kept until the last row has come.
    waiting: dict[str, list[Row]] = {}
    for row in rows:
        name = str(row["name"]).rpartition("#")[0]
        own = waiting.setdefault(name, [])
        own.append(row)
        if len(own) == int(row["pieces"]):
            yield name, joined(waiting.pop(name), f"{name!r} in {collection}")
    for name, own in waiting.items():
        yield name, joined(own, f"{name!r} in {collection}")


class MilvusVectors:
    """The vectors of a segment's passages."""

    def __init__(self, segment: MilvusSegment) -> None:
        self._segment = segment

    def __len__(self) -> int:
        return int(self._segment.facts["passages"])

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._segment.facts["dimension"])

    def search(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the rows and cosines of the k nearest passages, best first."""
        if k <= 0 or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rows = self._segment.rows
        found = rows.server.nearest(
            rows.collection, query_vector, k, FOUND_FIELDS, newest=rows.seen.newest
        )
        kept = [rows.keep(one) for one in found]
        numbers = np.array([int(one["row"]) for one in found], np.int64)
        vectors = np.array([one["vector"] for one in kept], np.float32)
        # The server adds up in an order of its own; these are the numbers a folder gives.
        cosines = np.einsum("ij,j->i", vectors.reshape(len(kept), -1), query_vector.reshape(-1))
        best = np.lexsort((numbers, -cosines))
        return numbers[best], cosines[best].astype(np.float32)

    def rows(self, rows: IntArray) -> FloatArray:
        """Return the vectors of passages, ``(len(rows), dimension)``."""
        found = self._segment.rows.get(rows.tolist(), ("vector",))
        return np.array([one["vector"] for one in found], np.float32).reshape(-1, self.dimension)


class PartArrays:
    """The vectors of the parts of passages, those asked for last kept in memory."""

    def __init__(self, segment: MilvusSegment) -> None:
        self._segment = segment
        self._kept: LastUsed[int, Mapping[str, npt.NDArray[Any]]] = LastUsed(_PARTS_KEPT)

    def of(self, rows: Sequence[int]) -> list[Mapping[str, npt.NDArray[Any]]]:
        """Return the arrays of passages, in the order asked for."""
        found = {row: known for row in rows if (known := self._kept.get(row)) is not None}
        missing = [row for row in dict.fromkeys(rows) if row not in found]
        for some in in_parts(missing, _KEYS_TOGETHER):
            for row, arrays in self._fetch(some).items():
                self._kept.put(row, arrays)
                found[row] = arrays
        return [found[row] for row in rows]

    def _fetch(self, rows: Sequence[int]) -> dict[int, Mapping[str, npt.NDArray[Any]]]:
        what = f"{self._segment.where.parts}, passage"
        read = zip(rows, self.bytes_of(rows), strict=True)
        return {row: unpack_arrays(data, f"{what} {row},") for row, data in read}

    def bytes_of(self, rows: Sequence[int]) -> list[bytes]:
        """Return the arrays of passages as bytes, in the order asked for.

        Raises:
            IndexDamagedError: a piece is missing or altered.
        """
        segment = self._segment
        counts = [int(one["pieces"]) for one in segment.rows.get(rows, ("pieces",))]
        keys = [key for row, n in zip(rows, counts, strict=True) for key in part_keys(row, n)]
        where = f"piece in {json.dumps(keys)}"
        got = segment.server.get(
            segment.where.parts, where, ("piece", "data"), newest=segment.seen.newest
        )
        pieces = {int(one["piece"]): str(one["data"]) for one in got}
        found = []
        for row, count in zip(rows, counts, strict=True):
            try:
                found.append(whole(pieces[key] for key in part_keys(row, count)))
            except (KeyError, ValueError) as error:
                what = f"{segment.where.parts}, passage {row},"
                raise damaged(what, "is missing, or a piece of it is") from error
        return found


class MilvusParts:
    """The vectors of the tokens, or of the sentences, of a segment's passages.

    Args:
        segment: whose.
        arrays: what both are read from.
        name: ``tokens`` or ``sentences``.
    """

    def __init__(self, segment: MilvusSegment, arrays: PartArrays, name: str) -> None:
        self._segment = segment
        self._arrays = arrays
        self._name = name

    def __len__(self) -> int:
        return int(self._segment.facts["passages"])

    @property
    def total(self) -> int:
        """How many parts all passages have together."""
        return int(self._segment.facts[self._name])

    @property
    def kind(self) -> TokenVectorKind:
        """How the vectors are stored."""
        is_coded = self._name == "tokens" and self._segment.facts["token_vectors"] == "pq"
        return "pq" if is_coded else "int8"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._segment.facts["dimension"])

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """What its codes were made with; None for int8."""
        return self._segment.quantiser if self.kind == "pq" else None

    def get(self, row: int) -> PartVectors:
        """Return the parts of one passage, restored to float32."""
        stored, spans = self.stored_of(row)
        quantiser = self.quantiser
        vectors = restore(*stored) if quantiser is None else quantiser.decode(stored[0])
        return PartVectors(vectors, spans.astype(np.int64))

    def prepare(self, rows: Sequence[int]) -> None:
        """Fetch the parts of passages that will be asked for, all at once."""
        if rows:
            self._arrays.of(rows)

    def stored_of(self, row: int) -> tuple[Stored, npt.NDArray[Any]]:
        """Return the parts of one passage as they are stored, and their spans."""
        (arrays,) = self._arrays.of([row])
        names = (
            [f"{self._name}.codes"]
            if self.kind == "pq"
            else [f"{self._name}.levels", f"{self._name}.scales"]
        )
        try:
            return tuple(arrays[name] for name in names), arrays[f"{self._name}.spans"]
        except KeyError as error:
            where = self._segment.where.parts
            raise damaged(f"{where}, passage {row},", "holds something else") from error

    def products(self, pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
        """Return the product of vectors and stored parts, float32 ``(vectors, parts)``."""
        quantiser = self.quantiser
        if quantiser is not None:
            return coded_products(quantiser, pieces, vectors)
        return int8_products(pieces, vectors)


class MilvusStore:
    """The documents and passages of a segment."""

    def __init__(self, segment: MilvusSegment) -> None:
        self._segment = segment

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return int(self._segment.facts["documents"])

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return int(self._segment.facts["passages"])

    def close(self) -> None:
        """Do nothing: the connection belongs to the generation."""

    def document(self, document_id: str) -> Document:
        """Return one document; KeyError when it is not here."""
        for found in self.documents_of([document_id]):
            return found
        raise KeyError(document_id)

    def documents_of(self, ids: Sequence[str]) -> Iterator[Document]:
        """Yield documents in the order asked for, some read at once; what is not here is not."""
        for some in in_parts(ids, _DOCUMENTS_TOGETHER):
            names = [f"{kind}/{one}" for one in some for kind in ("head", "text")]
            texts = self._segment.texts.read_those(names)
            for one in some:
                if f"head/{one}" in texts or f"text/{one}" in texts:
                    yield self._to_document(one, texts)

    def _to_document(self, document_id: str, texts: Mapping[str, bytes]) -> Document:
        with self._readable(document_id):
            head = json.loads(texts[f"head/{document_id}"])
            kept, text = json.loads(texts[f"text/{document_id}"])
            return Document(
                id=str(head["id"]),
                path=str(head["path"]),
                title=str(head["title"]),
                text=str(text),
                content_hash=str(head["content_hash"]),
                encoding=str(head["encoding"]),
                offsets=OffsetMap(tuple((int(a), int(b)) for a, b in kept)),
            )

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        if not _HEX.issuperset(prefix):
            return []
        where = f'kind == "head" and content_hash like "{prefix}%"'
        names = [name for name, _ in self._segment.texts.these(where)]
        found = self.documents_of([name.removeprefix("head/") for name in names])
        return sorted(found, key=lambda document: document.path)

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        if not _HEX.issuperset(prefix):
            return []
        where = f'kind == "version" and content_hash like "{prefix}%"'
        found = [self._to_version(data) for _, data in self._segment.texts.these(where)]
        return sorted(found, key=lambda version: version.indexed)

    def versions(self) -> list[Version]:
        """Return every recorded version."""
        found = list(self._segment.texts.every('kind == "version"'))
        return [self._to_version(data) for _, data in sorted(found)]

    def _to_version(self, data: bytes) -> Version:
        with self._readable("a version"):
            id_, path, digest, key, name, indexed = json.loads(data)
            return Version(id_, path, digest, bytes.fromhex(key), name, indexed)

    def heads(self) -> list[Mapping[str, Any]]:
        """Return what there is to list of every document, by its first passage."""
        found = []
        for name, data in self._segment.texts.every('kind == "head"'):
            with self._readable(name):
                head = json.loads(data)
                found.append((int(head["first"]), head))
        return [head for _, head in sorted(found, key=lambda one: one[0])]

    def infos(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        return [info for info, _, _ in self.listed()]

    def listed(self) -> list[tuple[DocumentInfo, FileFacts, str]]:
        """Return of every document what a list says, what reading showed, and since when it is."""
        found = []
        for head in self.heads():
            with self._readable(str(head.get("id"))):
                facts = facts_from(json.dumps(head["facts"]))
                info = DocumentInfo(
                    str(head["id"]),
                    str(head["path"]),
                    str(head["title"]),
                    int(head["passages"]),
                    facts.kind,
                    str(head["encoding"]),
                    str(head["content_hash"]),
                )
                found.append((info, facts, str(head["indexed"])))
        return sorted(found, key=lambda one: one[0].path)

    def duplicate_keys(self, rows: Sequence[int]) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""
        found = self._segment.rows.get(rows, ("duplicate_key",))
        return [bytes.fromhex(str(one["duplicate_key"])) for one in found]

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, row) of all passages with one of the keys, by row."""
        found: list[tuple[bytes, int]] = []
        for some in in_parts(duplicate_keys, _KEYS_TOGETHER):
            where = f"duplicate_key in {quoted(key.hex() for key in some)}"
            rows = self._segment.server.each(
                self._segment.where.passages,
                where,
                ("row", "duplicate_key"),
                newest=self._segment.seen.newest,
            )
            found += [(bytes.fromhex(str(r["duplicate_key"])), int(r["row"])) for r in rows]
        return sorted(found, key=lambda one: one[1])

    def get_passages(self, rows: Sequence[int]) -> list[Passage]:
        """Return passages by row, in the order asked for."""
        found = self._segment.rows.get(rows, PASSAGE_FIELDS)
        return [self._to_passage(one) for one in found]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        where = f"document in {quoted([document_id])}"
        server, collection = self._segment.server, self._segment.where.passages
        newest = self._segment.seen.newest
        found = server.each(collection, where, PASSAGE_FIELDS, newest=newest)
        return sorted(map(self._to_passage, found), key=lambda passage: passage.id)

    def _to_passage(self, row: Row) -> Passage:
        what = f"{self._segment.where.passages}, passage {row['row']},"
        values = unpack_record(str(row["record"]), what)
        with self._readable(what):
            document_id, start, end, text, headings, spans, page = values
            sentences = tuple(Span(int(first), int(last)) for first, last in spans)
            names = tuple(map(str, headings))
            return Passage(
                int(row["row"]), str(document_id), int(start), int(end), str(text), names,
                sentences, None if page is None else int(page),
            )  # fmt: skip

    def passage_ranges(self) -> dict[str, range]:
        """Return the rows of each document's passages, in their order."""
        return {
            str(head["id"]): range(int(head["first"]), int(head["first"]) + int(head["passages"]))
            for head in self.heads()
        }

    def characters(self) -> int:
        """Return how many characters all documents have together."""
        return sum(int(head["characters"]) for head in self.heads())

    @contextmanager
    def _readable(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise damaged(f"{what} in {self._segment.where.texts}", f"holds {error!r}") from error
