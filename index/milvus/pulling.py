"""A generation on a Milvus server → a generation in an index folder, without a model.

Its files are not those it was written from, byte by byte (SQLite and FAISS have their own ways),
but what they hold is: each passage is compared with the digest it was written with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index import generation
from index.durable import writing
from index.folding import terms
from index.lexical import write_lexical
from index.milvus.checking import DIGEST_FIELDS, digest_of_row
from index.milvus.opened import MilvusGeneration
from index.milvus.segment import MilvusSegment
from index.milvus.tables import damaged, unpack_arrays
from index.part_vectors import PartVectorWriter
from index.store import Entry, Keys, write_store
from index.types import Passage
from index.vectors import write_vectors

Told = Callable[[str, int, int], None]

_TOGETHER = 200
_NAMES = (generation.TOKENS, generation.SENTENCES)


def pull(opened: MilvusGeneration, folder: Path, told: Told) -> None:
    """Write a generation into an empty folder, and seal it.

    Args:
        opened: the generation, read so that what was written last is seen.
        folder: where it goes.
        told: called with ``download``, how many passages are done, and of how many.

    Raises:
        IndexDamagedError: something on the server is not as it was written.
        IndexServerError: the server does not answer.
        IndexFolderError: the disk is full.
    """
    manifest = opened.manifest
    done = 0
    for number, segment in enumerate(opened.parts):
        for count in _write_segment(generation.segment(folder, number), segment):
            done += count
            told("download", done, manifest.passages)
    _write_lexical(folder, opened)
    opened.store.places.write(folder / generation.PLACES)
    generation.seal(
        folder,
        created=manifest.created,
        model=manifest.model,
        model_revision=manifest.model_revision,
        dimension=manifest.dimension,
        max_tokens=manifest.max_tokens,
        token_vectors=manifest.token_vectors,
        reading=manifest.reading,
        documents=manifest.documents,
        passages=manifest.passages,
        segments=[asdict(facts) for facts in manifest.segments],
        sources=manifest.sources,
    )


def _write_segment(folder: Path, segment: MilvusSegment) -> Iterator[int]:
    """Write the files of a segment; yield how many passages were read."""
    with writing(folder):
        folder.mkdir(parents=True)
    count = int(segment.facts["passages"])
    vectors = np.empty((count, int(segment.facts["dimension"])), np.float32)
    keys: list[Keys] = []
    passages: list[Passage] = []
    writers = {name: _writer(folder / name, segment, name) for name in _NAMES}
    for start in range(0, count, _TOGETHER):
        rows = list(range(start, min(start + _TOGETHER, count)))
        found = segment.rows.get(rows, DIGEST_FIELDS)
        for row, data in zip(found, segment.arrays.bytes_of(rows), strict=True):
            what = f"{segment.where.passages}, passage {row['row']},"
            if digest_of_row(row, data) != row["digest"]:
                raise damaged(what, "was altered after it was written")
            _copy(writers, int(row["row"]), unpack_arrays(data, what), segment)
            both = (bytes.fromhex(str(row[name])) for name in ("vector_key", "duplicate_key"))
            keys.append(Keys(*both))
        vectors[rows] = [row["vector"] for row in found]
        passages += segment.store.get_passages(rows)
        yield len(rows)
    for writer in writers.values():
        writer.close()
    write_vectors(folder / generation.VECTORS, vectors)
    entries = _entries(segment, passages, keys)
    write_store(folder / generation.PASSAGES, entries, segment.store.versions())


def _writer(folder: Path, segment: MilvusSegment, name: str) -> PartVectorWriter:
    facts, rows = segment.facts, segment.rows
    counts = np.zeros(int(facts["passages"]), np.int64)
    for row in rows.server.each(rows.collection, "", ("row", name), newest=rows.seen.newest):
        counts[int(row["row"])] = int(row[name])
    return PartVectorWriter(
        folder,
        counts.tolist(),
        int(facts["dimension"]),
        longest=int(facts[f"{name}_longest"]),
        quantiser=segment.quantiser if name == generation.TOKENS else None,
    )


def _copy(
    writers: Mapping[str, PartVectorWriter],
    row: int,
    arrays: Mapping[str, npt.NDArray[Any]],
    segment: MilvusSegment,
) -> None:
    """Copy the vectors of a passage's parts as they are stored."""
    for name, writer in writers.items():
        at = writer.rows_of(row)
        kinds = ("codes",) if len(writer.stored) == 1 else ("levels", "scales")
        try:
            for mine, kind in zip(writer.stored, kinds, strict=True):
                mine[at] = arrays[f"{name}.{kind}"]
            writer.spans[at] = arrays[f"{name}.spans"]
        except (KeyError, ValueError) as error:
            raise damaged(f"{segment.where.parts}, passage {row},", f"holds {error}") from error


def _entries(
    segment: MilvusSegment, passages: Sequence[Passage], keys: Sequence[Keys]
) -> Iterator[Entry]:
    """Yield the documents of a segment, each read when it is wanted."""
    facts = {info.id: facts for info, facts, _ in segment.store.listed()}
    ranges = segment.store.passage_ranges()
    documents = segment.store.documents_of(list(ranges))
    for document_id in ranges:
        document = next(documents, None)
        if document is None or document.id != document_id:
            raise damaged(f"Document {document_id} in {segment.where.texts}", "is missing")
        own = slice(ranges[document_id].start, ranges[document_id].stop)
        yield Entry(document, passages[own], keys[own], facts[document_id])


def _write_lexical(folder: Path, opened: MilvusGeneration) -> None:
    """Write the terms of all passages, in the order of their numbers."""
    places = opened.store.places
    numbers = np.arange(places.passages)
    ids = places.of_numbers(numbers)

    def found() -> Iterator[Sequence[str]]:
        for start in range(0, len(ids), _TOGETHER):
            for passage in opened.store.get_passages(ids[start : start + _TOGETHER].tolist()):
                yield terms(passage.searchable)

    write_lexical(folder / generation.LEXICAL, found())
