"""A generation of an index folder → collections on a Milvus server, then named in the alias.

What is written is written under new names. Only when all of it has been counted and a sample read
back does the alias of the index move, and every reader follows. Killed at any moment, the old
generation goes on serving, and the next attempt goes on where this one was.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from index import generation
from index.ahead import ahead
from index.errors import IndexServerError
from index.manifest import MANIFEST, Manifest
from index.milvus.batches import TOGETHER, Written, packed, put, read_written, write_to
from index.milvus.client import MilvusServer
from index.milvus.lease import Writing
from index.milvus.lexical import term_text
from index.milvus.names import Names, SegmentNames
from index.milvus.rows import Seen
from index.milvus.segment import MilvusSegment, SegmentTexts
from index.milvus.tables import PARTS, TEXTS, Text, pack_arrays, passages_table
from index.opened import OpenedGeneration, Segment
from index.part_vectors import PartVectorStore
from index.store import Entry
from index.types import Version

if TYPE_CHECKING:
    from index.spread import Others

Told = Callable[[str, int, int], None]

_TEXTS_TOGETHER = 50
_SAMPLE = 50
_WRITERS = 3
_FLUSHED_FROM = 10_000
"""Passages from which on a server is told to put them on its disk in one piece, with an index. It
has written down each row before it says so; smaller segments it puts there by itself."""
_TERMS_A_TEXT = 2000


@dataclass(frozen=True)
class Pushed:
    """What was written.

    Attributes:
        generation: its name.
        passages: how many passages were written.
        shared: how many were there already, in segments of other generations.
    """

    generation: str
    passages: int
    shared: int


def push(
    folder: Path,
    server: MilvusServer,
    writing: Writing,
    told: Told,
    *,
    known: Mapping[str, str] | None = None,
    others: "Others | None" = None,
) -> Pushed:
    """Write a generation, check it, and put it in use.

    Args:
        folder: of the sealed generation.
        server: with the address of the index.
        writing: the right to change it.
        told: called with ``upload``, how many passages are done, and of how many.
        known: what segments that were read from the server are called there.
        others: who writes passages in this process's place; they sign in as it does.

    Raises:
        IndexDamagedError: the folder is not as it was built.
        IndexBusyError: another process has taken over; the generation in use stays.
        IndexServerError: the server does not take it; the generation in use stays.
    """
    names = Names(server.address.collection)
    with ExitStack() as stack:
        opened = OpenedGeneration(folder)
        stack.callback(opened.close)
        generation.check_files(folder, opened.manifest)
        pushing = _Push(server, names, opened, told, known=known or {}, others=others)
        segments = [pushing.segment(number) for number in range(len(opened.parts))]
        pushing.generation(segments, writing)
    return Pushed(folder.name, pushing.written, opened.manifest.passages - pushing.written)


def segment_name(manifest: Manifest, number: int) -> str:
    """Return what a segment of a folder is called on a server: by what its files hold."""
    start = f"{generation.SEGMENTS}/{number}/"
    files = {
        name.removeprefix(start): facts.sha256
        for name, facts in manifest.files.items()
        if name.startswith(start)
    }
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode("ascii")).hexdigest()[:20]


class _Push:
    def __init__(
        self,
        server: MilvusServer,
        names: Names,
        opened: OpenedGeneration,
        told: Told,
        *,
        known: Mapping[str, str],
        others: "Others | None",
    ) -> None:
        self._server = server
        self._names = names
        self._opened = opened
        self._told = told
        self._known = known
        if others is not None:
            self._hand_out: Callable[[bytes], bytes] = others.write
            self._writers: int = others.count
        else:
            self._hand_out = partial(write_to, server)
            # The server takes as long for a batch as it takes to make the next one.
            self._writers = 1 if server.is_lite else _WRITERS
        self._done = 0
        self.written = 0

    # ---- a segment -------------------------------------------------------------------------------

    def segment(self, number: int) -> dict[str, Any]:
        """Write a segment unless it is there; return what a generation says of it."""
        part = self._opened.parts[number]
        name = segment_name(self._opened.manifest, number)
        name = self._known.get(name, name)
        known = self._complete(name)
        if known is not None:
            self._done += part.facts.passages
            return known
        where = self._names.of_segment(name)
        self._create(where, part)
        tally = _Tally(part.store.versions())
        batches = self._batches(where, part, tally)
        for count, written in ahead(partial(self._write, where), batches, threads=self._writers):
            tally.add(written)
            self._done += count
            self.written += count
            self._told("upload", self._done, self._opened.manifest.passages)
        facts = {"name": name, **asdict(part.facts), **tally.facts(), **_coding(part)}
        self._write_texts(where.texts, [*_segment_texts(part, tally, facts)])
        if part.facts.passages > _FLUSHED_FROM:
            for collection in where.all():
                self._server.flush(collection)
        self._check(where, part, facts)
        # Written last: a segment that says what it is, is complete.
        self._write_texts(where.texts, [Text("segment", "segment", json.dumps(facts).encode())])
        return facts

    def _create(self, where: SegmentNames, part: Segment) -> None:
        """Make a segment's collections, all at once: a server takes its time for each."""
        dimension, count = self._opened.manifest.dimension, part.facts.passages
        wanted = (
            (where.passages, passages_table(dimension), count),
            (where.parts, PARTS, 0),  # of which nothing is ever nearest
            (where.texts, TEXTS, 0),
        )
        with ThreadPoolExecutor(len(wanted)) as pool:
            made = [
                pool.submit(self._server.create, name, table, rows=rows)
                for name, table, rows in wanted
            ]
            for one in made:
                one.result()

    def _complete(self, name: str) -> dict[str, Any] | None:
        """Return what a segment says of itself; None when it is not there as a whole."""
        where = self._names.of_segment(name)
        if not all(map(self._server.exists, where.all())):
            return None
        try:
            self._server.make_ready(where.texts)
        except IndexServerError:  # begun, and stopped before it had its index
            return None
        return read_json(SegmentTexts(self._server, where.texts, Seen(always=True)), "segment")

    def _batches(self, where: SegmentNames, part: Segment, tally: "_Tally") -> "Iterator[_Batch]":
        """Yield what is written of a segment, some documents together."""
        for entries in _together(part.store.entries()):
            passages = [passage for entry in entries for passage in entry.passages]
            keys = [key for entry in entries for key in entry.keys]
            texts = (_document_texts(e, tally.indexed.get(e.document.id, "")) for e in entries)
            data = packed(self._server.address, where, part, passages, keys)
            yield _Batch(data, list(chain.from_iterable(texts)), len(passages))

    def _write(self, where: SegmentNames, batch: "_Batch") -> tuple[int, Written]:
        """Have a batch written; return how many passages it has, and what was counted."""
        written = read_written(self._hand_out(batch.passages))
        self._write_texts(where.texts, batch.texts)
        return batch.size, written

    def _write_texts(self, collection: str, texts: Sequence[Text]) -> None:
        put(self._server, collection, "name", [row for text in texts for row in text.rows()])

    def _check(self, where: SegmentNames, part: Segment, facts: Mapping[str, Any]) -> None:
        """Count what was written, and read some of it back.

        Raises:
            IndexServerError: something of it is not there.
        """
        found = (self._server.count(where.passages), self._server.count(where.parts))
        if found != (facts["passages"], facts["pieces"]):
            raise IndexServerError(
                f"{where.passages} on {self._server.address.server} has {found[0]:,} passages and "
                f"{found[1]:,} pieces where {facts['passages']:,} and {facts['pieces']:,} were "
                "written. Drop it and try again, or ask the server's log."
            )
        rows = range(facts["passages"])
        sample = sorted(Random(facts["name"]).sample(rows, min(_SAMPLE, len(rows))))  # noqa: S311
        segment = MilvusSegment(self._server, where, facts, Seen(always=True))
        for row, passage in zip(sample, part.store.get_passages(sample), strict=True):
            same = segment.store.get_passages([row]) == [passage]
            theirs, mine = segment.tokens.get(row).vectors, part.tokens.get(row).vectors
            if not same or not np.array_equal(theirs, mine):
                raise IndexServerError(
                    f"{where.passages} on {self._server.address.server} gives back another passage "
                    f"{row} than was written. Drop it and try again."
                )

    # ---- the generation --------------------------------------------------------------------------

    def generation(self, segments: Sequence[Mapping[str, Any]], writing: Writing) -> None:
        """Write what a generation says of itself, then put it in use."""
        opened = self._opened
        collection = self._names.of_generation(opened.folder.name)
        self._server.create(collection, TEXTS, rows=0)
        duplicates = opened.store.duplicates()
        said = {
            "format": 1,
            "name": opened.folder.name,
            "manifest": json.loads((opened.folder / MANIFEST).read_text(encoding="utf-8")),
            "segments": segments,
        }
        self._write_texts(
            collection,
            [
                Text("generation", "generation", json.dumps(said, ensure_ascii=False).encode()),
                Text("places", "places", pack_arrays({"places": opened.store.places.table})),
                Text("duplicates", "duplicates", json.dumps(duplicates).encode()),
            ],
        )
        writing.check()
        self._server.point(self._names.alias, collection)


class _Batch(NamedTuple):
    """Documents: their passages, packed, their texts, and how many passages they have."""

    passages: bytes
    texts: Sequence[Text]
    size: int


class _Tally:
    """What is counted while a segment is written."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self.indexed: dict[str, str] = {}
        for version in versions:
            newest = max(self.indexed.get(version.document_id, ""), version.indexed)
            self.indexed[version.document_id] = newest
        self.frequency: Counter[str] = Counter()
        self._lengths = 0
        self._digest = hashlib.sha256()
        self._pieces = 0

    def add(self, written: Written) -> None:
        self.frequency.update(written.frequency)
        self._lengths += written.terms
        self._pieces += written.pieces
        for digest in written.digests:
            self._digest.update(digest.encode("ascii"))

    def facts(self) -> dict[str, Any]:
        return {
            "terms": self._lengths,
            "term_texts": max(1, len(self.frequency) // _TERMS_A_TEXT),
            "pieces": self._pieces,
            "digest": self._digest.hexdigest(),
        }


def _coding(part: Segment) -> dict[str, Any]:
    return {
        "dimension": part.vectors.dimension,
        "token_vectors": part.tokens.kind,
        "tokens": part.tokens.total,
        "sentences": part.sentences.total,
        "tokens_longest": _longest(part.tokens),
        "sentences_longest": _longest(part.sentences),
    }


def _longest(parts: PartVectorStore) -> int:
    """Return the longest text that the spans of parts may count in."""
    return int(np.iinfo(parts.spans.dtype).max)


def _segment_texts(part: Segment, tally: _Tally, facts: Mapping[str, Any]) -> Iterator[Text]:
    count = int(facts["term_texts"])
    texts: list[dict[str, int]] = [{} for _ in range(count)]
    for term, frequency in tally.frequency.items():
        texts[term_text(term, count)][term] = frequency
    for number, held in enumerate(texts):
        yield Text(f"terms/{number}", "terms", json.dumps(held).encode("ascii"))
    quantiser = part.tokens.quantiser
    if quantiser is not None:
        data = pack_arrays({"centroids": quantiser.centroids})
        yield Text("quantiser", "quantiser", data)
    of_document: Counter[str] = Counter()
    for version in part.store.versions():
        number = of_document[version.document_id]
        of_document[version.document_id] += 1
        yield _version_text(version, number)


def _version_text(version: Version, number: int) -> Text:
    values = [
        *(version.document_id, version.path, version.content_hash, version.text_key.hex()),
        *(version.generation, version.indexed),
    ]
    data = json.dumps(values, ensure_ascii=False).encode()
    name = f"version/{version.document_id}/{number:06d}"
    return Text(name, "version", data, version.document_id, version.content_hash)


def _document_texts(entry: Entry, indexed: str) -> Iterator[Text]:
    document = entry.document
    head = {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "content_hash": document.content_hash,
        "encoding": document.encoding,
        "facts": asdict(entry.facts),
        "passages": len(entry.passages),
        "first": entry.passages[0].id,
        "characters": len(document.text),
        "indexed": indexed,
    }
    for kind, values in (("head", head), ("text", [document.offsets.kept, document.text])):
        data = json.dumps(values, ensure_ascii=False).encode()
        yield Text(f"{kind}/{document.id}", kind, data, document.id, document.content_hash)


def _together(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield documents, so many at a time that they have about as many passages as go together."""
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if sum(len(one.passages) for one in batch) >= TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def read_json(texts: SegmentTexts, name: str) -> dict[str, Any] | None:
    """Return what a text says; None when nobody has written it."""
    data = texts.read_if_there(name)
    if data is None:
        return None
    found: dict[str, Any] = json.loads(data)
    return found
