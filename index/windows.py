"""A question and a run of a text → what a reader is shown, and where each token stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from index.types import Span

NOWHERE = 0
"""The token that stands for "no answer here": the first one."""


class Tokenizer(Protocol):
    """A fast tokenizer of transformers."""

    def __call__(self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool) -> Any:  # noqa: ANN401
        """Return ``input_ids`` and ``offset_mapping``."""


@dataclass(frozen=True)
class Pieces:
    """A text in tokens: their ids, and where each stands in it."""

    ids: Sequence[int]
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """What is read at once.

    Attributes:
        ids: of all tokens.
        first: the first token of the context.
        places: where each token of the context stands in it.
        starts: tokens of ``ids`` at which an answer starts; ``NOWHERE`` alone when none does.
        ends: and at which it ends, pairwise.
    """

    ids: tuple[int, ...]
    first: int
    places: tuple[tuple[int, int], ...]
    starts: tuple[int, ...] = (NOWHERE,)
    ends: tuple[int, ...] = (NOWHERE,)


class Framing:
    """Puts questions and sentences between a model's special tokens.

    Args:
        tokenizer: the model's.
        most_tokens: of a window.
    """

    def __init__(self, tokenizer: Tokenizer, most_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._most = most_tokens
        opening, closing = self.pieces("", special=True).ids
        self._opening, self._closing = opening, closing

    def pieces(self, text: str, *, special: bool = False) -> Pieces:
        """Return a text in tokens."""
        found = self._tokenizer(text, add_special_tokens=special, return_offsets_mapping=True)
        return Pieces(found["input_ids"], [(int(a), int(b)) for a, b in found["offset_mapping"]])

    def window(
        self,
        question: Pieces,
        context: Pieces,
        run: Span,
        answers: Sequence[tuple[int, int]] = (),
    ) -> Window:
        """Return a question with a run of a context's sentences, cut at the most tokens.

        Args:
            question: in tokens.
            context: in tokens.
            run: which of its characters are shown.
            answers: where answers stand in the context.
        """
        head = [self._opening, *question.ids, self._closing, self._closing]
        shown = [
            at
            for at, (start, end) in enumerate(context.places)
            if start < run.end and end > run.start and start < end
        ][: max(0, self._most - len(head) - 1)]
        places = tuple(context.places[at] for at in shown)
        ids = (*head, *(context.ids[at] for at in shown), self._closing)
        found = [
            (len(head) + inside[0], len(head) + inside[-1])
            for start, end in answers
            if (inside := _covering(places, start, end))
        ]
        starts = tuple(one[0] for one in found) or (NOWHERE,)
        ends = tuple(one[1] for one in found) or (NOWHERE,)
        return Window(ids, len(head), places, starts, ends)

    def room(self, question: Pieces) -> int:
        """Return how many tokens of a context fit beside a question."""
        return self._most - len(question.ids) - 4


def sizes_of(sentences: Sequence[Span], pieces: Pieces) -> list[int]:
    """Return how many tokens of a text each of its sentences has."""
    sizes = [0] * len(sentences)
    at = 0
    for start, _ in pieces.places:
        while at + 1 < len(sentences) and start >= sentences[at].end:
            at += 1
        sizes[at] += 1
    return sizes


def run_around(sizes: Sequence[int], first: int, stop: int, room: int) -> tuple[int, int]:
    """Return the sentences around some that fit with them, as the first and one past the last.

    As many tokens before them as behind, as far as there are so many.

    Args:
        sizes: tokens of each sentence.
        first: the first of the sentences in the middle.
        stop: one past the last of them.
        room: tokens of all together.
    """
    before, behind = first, stop
    left = room - sum(sizes[first:stop])
    while True:
        fits_before = before > 0 and sizes[before - 1] <= left
        fits_behind = behind < len(sizes) and sizes[behind] <= left
        if not (fits_before or fits_behind):
            return before, behind
        added_before, added_behind = sum(sizes[before:first]), sum(sizes[stop:behind])
        if fits_before and (not fits_behind or added_before < added_behind):
            before -= 1
            left -= sizes[before]
        else:
            left -= sizes[behind]
            behind += 1


def _covering(places: Sequence[tuple[int, int]], start: int, end: int) -> list[int]:
    """Return the tokens that hold a stretch of characters; none unless they hold all of it."""
    inside = [at for at, (a, b) in enumerate(places) if a < end and b > start]
    if not inside or places[inside[0]][0] > start or places[inside[-1]][1] < end:
        return []
    return inside
