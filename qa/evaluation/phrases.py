"""Phrases against accepted answers: exact match and F1 over characters, as CMRC 2018 counts them.

Cui et al., 2019 (arXiv:1810.07366): Han characters and runs of other letters as units, without
marks; F1 by the longest common run of units.
"""

import re
from collections.abc import Sequence

_UNIT = re.compile(r"[㐀-鿿]|[^\W_㐀-鿿]+")


def units(text: str) -> list[str]:
    """Return what is compared: Han characters, and runs of other letters and digits."""
    return _UNIT.findall(text.lower())


def f1(found: str, expected: str) -> float:
    """Return F1 of two phrases, 0 to 1."""
    mine, theirs = units(found), units(expected)
    if not mine or not theirs:
        return float(mine == theirs)
    common = _longest_common(mine, theirs)
    precision, recall = common / len(mine), common / len(theirs)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def exact(found: str, expected: str) -> bool:
    """Return whether two phrases are the same but for marks."""
    return units(found) == units(expected)


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    best = 0
    before = [0] * (len(other) + 1)
    for unit in one:
        row = [0] * (len(other) + 1)
        for at, theirs in enumerate(other, start=1):
            if unit == theirs:
                row[at] = before[at - 1] + 1
                best = max(best, row[at])
        before = row
    return best
