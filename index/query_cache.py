"""The vectors of questions asked before, in memory, so many as a number of bytes allows."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.embedder import Encoded

MOST_BYTES = 32 << 20
"""About a thousand questions of 20 tokens each."""


class QueryCache:
    """Keeps what was used last. Thread-safe.

    Args:
        most_bytes: of vectors, at most.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Encoded] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, query: str) -> "Encoded | None":
        """Return a question's vectors, not to be written to, or None."""
        with self._lock:
            if query in self._kept:
                self._kept.move_to_end(query)
            return self._kept.get(query)

    def put(self, query: str, encoded: "Encoded") -> None:
        """Keep a question's vectors; what has not been used for longest goes."""
        for array in (encoded.vector, encoded.tokens.vectors, encoded.tokens.spans):
            array.flags.writeable = False  # several threads will hold it
        with self._lock:
            if query in self._kept:
                return
            self._kept[query] = encoded
            self._bytes += _size(query, encoded)
            while self._bytes > self._most_bytes:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(query: str, encoded: "Encoded") -> int:
    parts = encoded.tokens
    return len(query) + encoded.vector.nbytes + parts.vectors.nbytes + parts.spans.nbytes
