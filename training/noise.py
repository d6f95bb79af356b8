"""Contexts with noise as extraction leaves it, and their answers where they stand then."""

from collections.abc import Sequence
from random import Random

from index import fold
from qa.evaluation.noise import Kind, changes

_KINDS: Sequence[Kind] = ("pinyin", "spaces", "breaks", "ocr")
"""Scripts and widths are one to the reader: what it is shown is folded."""
_RATE = 0.03


def noisy(
    text: str, answers: Sequence[tuple[int, int]], chance: Random
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a text with noise around the answers, folded, and where those stand in it."""
    found = changes(text, chance.choice(_KINDS), _RATE, chance.randrange(2**32))
    kept = {at for start, end in answers for at in range(start, end)}
    starts: list[int] = []  # of each character in the new text
    size = 0
    parts = []
    for at, one in enumerate(text):
        parts.append(one if at in kept else found.get(at, one))
        starts.append(size)
        size += len(parts[-1])
    moved = tuple((starts[start], starts[end - 1] + 1) for start, end in answers)
    return fold("".join(parts)), moved
