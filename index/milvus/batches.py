"""Some passages on their way into a server's collections: handed to whoever writes them.

That is a thread, a process, or another machine, all of which are handed the same bytes: what a
segment's files hold of the passages. Their terms are found, rows made and written there, and what
is counted comes back.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from index.folding import terms
from index.lexical import LONGEST_TERM
from index.milvus.address import MilvusAddress, credentials
from index.milvus.client import MilvusServer, Row
from index.milvus.names import SegmentNames
from index.milvus.tables import (
    digest_of,
    in_parts,
    pack_arrays,
    pack_record,
    part_rows,
    written_terms,
)
from index.opened import Segment
from index.store import Keys
from index.types import Passage, Span

TOGETHER = 100
"""Passages written in one go: 10 MB and less."""
_LENGTH = 8  # bytes that say how long the first part is


@dataclass
class Written:
    """What is counted of passages that were written.

    Attributes:
        digests: of each, in order.
        pieces: how many rows their vectors of parts took.
        terms: how many terms they have together.
        frequency: in how many of them each term stands.
    """

    digests: list[str]
    pieces: int
    terms: int
    frequency: Counter[str]


def packed(
    address: MilvusAddress,
    where: SegmentNames,
    part: Segment,
    passages: Sequence[Passage],
    keys: Sequence[Keys],
) -> bytes:
    """Return what ``write`` needs of some passages of a segment."""
    vectors = part.vectors.rows(np.array([one.id for one in passages], np.int64))
    said, blobs = [], [vectors.tobytes()]
    for passage, key in zip(passages, keys, strict=True):
        arrays = stored_parts(part, passage.id)
        blobs.append(pack_arrays(arrays))
        said.append(
            {
                "row": passage.id,
                "values": _values(passage),
                "keys": [key.vectors.hex(), key.duplicate.hex()],
                "counts": [len(arrays["tokens.spans"]), len(arrays["sentences.spans"])],
                "bytes": len(blobs[-1]),
            }
        )
    header = {
        "address": str(address),
        "passages": where.passages,
        "parts": where.parts,
        "dimension": vectors.shape[1],
        "said": said,
    }
    first = json.dumps(header).encode("ascii")
    return b"".join([len(first).to_bytes(_LENGTH, "little"), first, *blobs])


def write(data: bytes) -> bytes:
    """Write passages by a connection of this process's own; return what ``read_written`` reads.

    Raises:
        IndexServerError: the server does not answer, or does not take them.
    """
    header, _ = _unpacked(data)
    return write_to(_server(str(header["address"])), data)


@lru_cache(maxsize=4)
def _server(address: str) -> MilvusServer:
    return MilvusServer(MilvusAddress.parse(address), credentials())


def write_to(server: MilvusServer, data: bytes) -> bytes:
    """Write passages that ``packed`` has packed; return what ``read_written`` reads."""
    header, blob = _unpacked(data)
    said, dimension = header["said"], int(header["dimension"])
    vectors = np.frombuffer(blob, np.float32, len(said) * dimension).reshape(-1, dimension)
    at = vectors.nbytes
    rows, parts, counted = [], [], Written([], 0, 0, Counter())
    for one, vector in zip(said, vectors, strict=True):
        arrays = bytes(blob[at : at + int(one["bytes"])])
        at += int(one["bytes"])
        own = part_rows(int(one["row"]), arrays)
        row = _row(one, vector, arrays, len(own), counted, as_words=server.has_bm25)
        rows.append(row)
        parts += own
    put(server, str(header["passages"]), "row", rows)
    put(server, str(header["parts"]), "piece", parts)
    answer = [counted.digests, counted.pieces, counted.terms, counted.frequency]
    return json.dumps(answer).encode("ascii")


def read_written(data: bytes) -> Written:
    """Return what was counted."""
    digests, pieces, count, frequency = json.loads(data)
    return Written(digests, pieces, count, Counter(frequency))


def _row(
    said: dict[str, Any],
    vector: "np.ndarray[Any, Any]",
    arrays: bytes,
    pieces: int,
    counted: Written,
    *,
    as_words: bool,
) -> Row:
    """Return the row of a passage, and count it."""
    passage = _passage(int(said["row"]), said["values"])
    vector_key, duplicate_key = (bytes.fromhex(one) for one in said["keys"])
    record = pack_record(_values(passage), f"Passage {passage.id}")
    digest = digest_of(record.encode(), vector_key, duplicate_key, vector.tobytes(), arrays)
    found = terms(passage.searchable)
    short = [term[:LONGEST_TERM] for term in found]
    counted.digests.append(digest)
    counted.pieces += pieces
    counted.terms += len(short)
    counted.frequency.update(set(short))
    tokens, sentences = said["counts"]
    return {
        "row": passage.id,
        "document": passage.document_id,
        "duplicate_key": duplicate_key.hex(),
        "vector_key": vector_key.hex(),
        "pieces": pieces,
        "tokens": tokens,
        "sentences": sentences,
        "digest": digest,
        "record": record,
        "terms": written_terms(found, as_words=as_words),
        "vector": vector,
    }


def put(server: MilvusServer, collection: str, key: str, rows: Sequence[Row]) -> None:
    """Write rows that an attempt before this one has not written."""
    for some in in_parts(rows, TOGETHER):
        values = [row[key] for row in some]
        there = server.count(collection, f"{key} in {json.dumps(values)}")
        if there == len(some):
            continue
        if there:
            server.put(collection, some)
        else:
            server.add(collection, some)


def stored_parts(part: Segment, row: int) -> dict[str, Any]:
    """Return the vectors of a passage's tokens and sentences as they are stored, by name."""
    found: dict[str, Any] = {}
    for name, store in (("tokens", part.tokens), ("sentences", part.sentences)):
        stored, found[f"{name}.spans"] = store.stored_of(row)
        names = ("codes",) if store.kind == "pq" else ("levels", "scales")
        found |= {f"{name}.{kind}": one for kind, one in zip(names, stored, strict=True)}
    return found


def _values(passage: Passage) -> list[Any]:
    """Return what a record holds of a passage."""
    return [
        *(passage.document_id, passage.start, passage.end, passage.text),
        *(passage.headings, [(s.start, s.end) for s in passage.sentences], passage.page),
    ]


def _passage(row: int, values: Sequence[Any]) -> Passage:
    document_id, start, end, text, headings, spans, page = values
    sentences = tuple(Span(first, last) for first, last in spans)
    return Passage(row, document_id, start, end, text, tuple(headings), sentences, page)


def _unpacked(data: bytes) -> tuple[dict[str, Any], memoryview]:
    size = int.from_bytes(data[:_LENGTH], "little")
    header: dict[str, Any] = json.loads(data[_LENGTH : _LENGTH + size])
    return header, memoryview(data)[_LENGTH + size :]
