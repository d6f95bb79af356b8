"""Contexts as extraction leaves them: blanks inside words, characters lost or doubled, readings.

Nothing inside an answer is changed.
"""

from collections.abc import Iterator, Sequence
from random import Random

_SHARE = 0.03
_READINGS = ("(wu)", "(tong)", "(shi)", "(zhen)", "(liang)", "(x)")


def noisy(
    text: str, answers: Sequence[tuple[int, int]], chance: Random
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a text with noise in it, and where the answers stand in it now."""
    starts: list[int] = []  # of each character in the new text
    size = 0
    parts = []
    for part in _parts(text, answers, chance):
        starts.append(size)
        parts.append(part)
        size += len(part)
    moved = tuple((starts[start], starts[end - 1] + 1) for start, end in answers)
    return "".join(parts), moved


def _parts(text: str, answers: Sequence[tuple[int, int]], chance: Random) -> Iterator[str]:
    """Yield what becomes of each character."""
    for at, one in enumerate(text):
        if chance.random() >= _SHARE or any(start <= at < end for start, end in answers):
            yield one
        else:
            yield chance.choice((f"{one} ", "", one * 2, f"{one}{chance.choice(_READINGS)}"))
