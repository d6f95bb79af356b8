"""Rows of a collection that never change, a few thousand of them kept in memory."""

import json
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from index.milvus.client import MilvusServer, Row
from index.milvus.last_used import LastUsed
from index.milvus.tables import damaged, in_parts

_KEPT = 4096
_SETTLED = 7.0
"""Seconds after which whoever does not ask for the newest sees it: five, and some."""
_ASKED_TOGETHER = 1000


class Seen:
    """Whether a question has to see what was written in the last seconds, which takes longer.

    Whoever opens a generation cannot know when its last row was written; some seconds later it was
    some seconds ago.

    Args:
        always: whether it has to, however late.
    """

    def __init__(self, *, always: bool = False) -> None:
        self._until = math.inf if always else time.monotonic() + _SETTLED

    @property
    def newest(self) -> bool:
        """Whether it has to now."""
        return time.monotonic() < self._until


class Rows:
    """The rows of a segment's passages.

    Args:
        server: that has them.
        collection: in which they are.
        seen: what of them has to be seen.
    """

    def __init__(self, server: MilvusServer, collection: str, seen: Seen) -> None:
        self.server = server
        self.collection = collection
        self.seen = seen
        self._kept: LastUsed[int, Row] = LastUsed(_KEPT)

    def get(self, rows: Sequence[int], fields: Sequence[str]) -> list[Row]:
        """Return some fields of rows, in the order asked for; only what is not known is fetched.

        Raises:
            IndexDamagedError: one of them is not there.
        """
        found = {row: known for row in rows if (known := self._known(row, fields)) is not None}
        missing = [row for row in dict.fromkeys(rows) if row not in found]
        for some in in_parts(missing, _ASKED_TOGETHER):
            where = f"row in {json.dumps(list(some))}"
            asked = dict.fromkeys(("row", *fields))
            for got in self.server.get(
                self.collection, where, list(asked), newest=self.seen.newest
            ):
                found[int(got["row"])] = self.keep(got)
        if absent := [row for row in missing if row not in found]:
            raise damaged(self.collection, f"has no passage {absent[0]}")
        return [found[row] for row in rows]

    def keep(self, row: Row) -> Row:
        """Remember what was read of a row, beside what is known of it already."""
        number = int(row["row"])
        # Who comes in between at worst forgets a field, which is then fetched again.
        known = {**(self._kept.get(number) or {}), **_smaller(row)}
        self._kept.put(number, known)
        return known

    def _known(self, row: int, fields: Sequence[str]) -> Row | None:
        known = self._kept.get(row)
        return known if known is not None and known.keys() >= set(fields) else None


def _smaller(row: Row) -> dict[str, Any]:
    """Return a row with its vector in 4 bytes a number, and its words in one text."""
    smaller = dict(row)
    if "vector" in row:
        smaller["vector"] = np.asarray(row["vector"], np.float32)
    if "terms" in row and not isinstance(row["terms"], str):
        smaller["terms"] = " ".join(row["terms"])
    return smaller
