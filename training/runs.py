"""Which sentences of a context a reader is shown while it learns."""

import random

from index.splitter import sentences
from index.types import Span
from index.windows import Pieces, sizes_of


def runs_around(context: str, pieces: Pieces, at: int, room: int, chance: random.Random) -> Span:
    """Return sentences around a character that fit, some before it and some behind, by chance."""
    spans = sentences(context, 0, len(context)) or [Span(0, len(context))]
    sizes = sizes_of(spans, pieces)
    middle = next((n for n, one in enumerate(spans) if at < one.end), len(spans) - 1)
    first = last = middle
    left = room - sizes[middle]
    while True:
        sides = []
        if first > 0 and sizes[first - 1] <= left:
            sides.append(-1)
        if last + 1 < len(spans) and sizes[last + 1] <= left:
            sides.append(1)
        if not sides:
            return Span(spans[first].start, spans[last].end)
        if chance.choice(sides) < 0:
            first -= 1
            left -= sizes[first]
        else:
            last += 1
            left -= sizes[last]
