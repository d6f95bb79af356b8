"""Whether a segment on a Milvus server is as it was written."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from index.errors import IndexDamagedError
from index.milvus.client import Row
from index.milvus.segment import MilvusSegment
from index.milvus.tables import digest_of

_TOGETHER = 200
_MOST_NAMED = 20
DIGEST_FIELDS = (
    *("row", "document", "duplicate_key", "vector_key", "pieces", "digest", "record", "vector"),
)
"""What is read of a passage to compare it with its digest."""


def faults_of(segment: MilvusSegment, *, deep: bool) -> Iterator[str]:
    """Yield everything that is wrong with a segment, the first of each kind by name.

    Args:
        segment: read so that what was written last is seen.
        deep: look at every passage; otherwise they are only counted.
    """
    server, where, facts = segment.server, segment.where, segment.facts
    for collection, said in ((where.passages, "passages"), (where.parts, "pieces")):
        found = server.count(collection)
        if found != facts[said]:
            yield f"{collection} has {found:,} {said}, {facts[said]:,} were written"
            deep = False
    if deep:
        faults = _inside(segment)
        yield from islice(faults, _MOST_NAMED)
        more = sum(1 for _ in faults)
        if more:
            yield f"{where.passages} has {more:,} more of these"


def _inside(segment: MilvusSegment) -> Iterator[str]:
    digest, texts = hashlib.sha256(), _Texts(segment)
    count = int(segment.facts["passages"])
    for start in range(0, count, _TOGETHER):
        rows = list(range(start, min(start + _TOGETHER, count)))
        try:
            found = segment.rows.get(rows, DIGEST_FIELDS)
            data = parts_of(segment, found)
        except IndexDamagedError as error:
            yield str(error)
            continue
        texts.fetch(found)
        for row, of_row in zip(found, data, strict=True):
            digest.update(str(row["digest"]).encode("ascii"))
            if digest_of_row(row, of_row) != row["digest"]:
                yield f"{segment.where.passages} has another passage {row['row']} than was written"
            elif not texts.hold(row):
                yield (
                    f"{segment.where.passages} has a passage {row['row']} that is not a slice of "
                    "its document"
                )
    if digest.hexdigest() != segment.facts["digest"]:
        yield f"{segment.where.passages} holds other passages than were written"


class _Texts:
    """Whether passages are slices of their documents; those looked at last are kept."""

    def __init__(self, segment: MilvusSegment) -> None:
        self._store = segment.store
        self._known: dict[str, str] = {}

    def fetch(self, rows: Sequence[Row]) -> None:
        """Read the documents of passages, all at once."""
        ids = list(dict.fromkeys(str(row["document"]) for row in rows))
        known = {id_: self._known[id_] for id_ in ids if id_ in self._known}
        missing = [id_ for id_ in ids if id_ not in known]
        self._known = known | {one.id: one.text for one in self._store.documents_of(missing)}

    def hold(self, row: Row) -> bool:
        (passage,) = self._store.get_passages([int(row["row"])])
        text = self._known.get(passage.document_id)
        return text is not None and text[passage.start : passage.end] == passage.text


def parts_of(segment: MilvusSegment, rows: Sequence[Row]) -> list[bytes]:
    """Return the bytes of the parts' vectors of passages, as they were written.

    Raises:
        IndexDamagedError: a piece is missing or altered.
    """
    return segment.arrays.bytes_of([int(row["row"]) for row in rows])


def digest_of_row(row: Row, data: bytes) -> str:
    """Return the digest of a passage as it is now."""
    return digest_of(
        str(row["record"]).encode(),
        bytes.fromhex(str(row["vector_key"])),
        bytes.fromhex(str(row["duplicate_key"])),
        np.asarray(row["vector"], np.float32).tobytes(),
        data,
    )
