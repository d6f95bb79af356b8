"""The formulas of BM25, with the lengths tantivy computes with.

Σ idf(t) · tf·(k1 + 1) / (tf + k1·(1 − b + b·length / mean length)) over the query's terms, and
idf(t) = ln(1 + (N − n + 0.5) / (n + 0.5)) (Robertson and Zaragoza, 2009; Lucene's form of the idf).
"""

import math
from bisect import bisect_right

K1 = 1.2
B = 0.75
_EXACT = 24  # lengths below this have a byte value of their own


def idf(frequency: int, passages: int) -> float:
    """Return the inverse document frequency of a term that stands in so many of the passages."""
    return math.log1p((passages - frequency + 0.5) / (frequency + 0.5))


def share_of_idf(tf: int, length: int, mean_length: float) -> float:
    """Return how many times its idf a term gives a passage, 0 to k1 + 1.

    Args:
        tf: how often the term stands in the passage.
        length: how many terms the passage has.
        mean_length: how many terms the passages of the index have in the mean.
    """
    norm = K1 * (1 - B + B * stored_length(length) / mean_length)
    return tf * (K1 + 1) / (tf + norm)


def stored_length(length: int) -> int:
    """Return a passage's length as tantivy knows it: rounded down to what fits in one byte."""
    return _STORED[bisect_right(_STORED, length) - 1]


def _decoded(byte: int) -> int:
    # Lucene's SmallFloat.byte4ToInt: a float of three bits' mantissa, after 24 exact values.
    if byte < _EXACT:
        return byte
    mantissa, shift = (byte - _EXACT) & 7, ((byte - _EXACT) >> 3) - 1
    return _EXACT + (mantissa if shift < 0 else (mantissa | 8) << shift)


_STORED = [_decoded(byte) for byte in range(256)]
