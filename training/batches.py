"""What a reader is shown in an epoch: each question with its answer, and once without."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from index.splitter import sentences
from index.types import Span
from index.windows import Framing, Pieces, Window
from training.examples import Example
from training.glosses import is_chinese, told_in_english
from training.noise import noisy
from training.runs import runs_around
from training.swaps import Names, names_of, swapped

_NOISY = 0.15
_ENGLISH = 0.2
_SWAPPED = 0.5
"""Of those that can be."""


@dataclass
class Material:
    """Questions to train on.

    Args:
        examples: with the place of their answer.
        framing: how they are shown.
        distractors: by an example's id, contexts that are like its own and hold no answer.
    """

    examples: Sequence[Example]
    framing: Framing
    distractors: Mapping[str, Sequence[str]]
    _pieces: dict[str, Pieces] = field(default_factory=dict)

    @cached_property
    def _names(self) -> Names:
        return names_of(self.examples)

    def windows(self, epoch: int, seed: int) -> list[Window]:
        """Return the windows of an epoch; the same for the same seed."""
        found: list[Window] = []
        for example in self.examples:
            chance = random.Random(f"{seed} {epoch} {example.source} {example.id}")  # noqa: S311
            found += self._of(example, chance)
        return found

    def _of(self, example: Example, chance: random.Random) -> Iterator[Window]:
        yield from self._shown_as(self._changed(example, chance), chance)

    def _changed(self, example: Example, chance: random.Random) -> Example:
        if chance.random() < _SWAPPED:
            example = swapped(example, self._names, chance)
        if chance.random() < _ENGLISH and is_chinese(example.question):
            example = replace(example, question=told_in_english(example.question, chance))
        if chance.random() < _NOISY:
            context, answers = noisy(example.context, example.answers, chance)
            example = replace(example, context=context, answers=answers)
        return example

    def _shown_as(self, example: Example, chance: random.Random) -> Iterator[Window]:
        if not example.answers:
            yield self._shown(example, example.context, 0, (), chance)
            return
        answer = chance.choice(example.answers)
        yield self._shown(example, example.context, answer[0], example.answers, chance)
        others = self.distractors.get(example.id, ())
        kind = chance.random()
        if others and kind < 0.6:
            other = chance.choice(others)
            yield self._shown(example, other, chance.randrange(len(other)), (), chance)
            return
        cut = without_answers(example) if kind < 0.8 else beside_answers(example, chance)
        if cut:
            yield self._shown(example, cut, chance.randrange(len(cut)), (), chance)

    def _shown(
        self,
        example: Example,
        context: str,
        at: int,
        answers: Sequence[tuple[int, int]],
        chance: random.Random,
    ) -> Window:
        # What was changed by chance is hardly seen again.
        question, pieces = self.framing.pieces(example.question), self.framing.pieces(context)
        run = runs_around(context, pieces, at, self.framing.room(question), chance)
        return self.framing.window(question, pieces, run, answers)

    def pieces_of(self, text: str) -> Pieces:
        """Return a text in tokens; each is cut once."""
        if text not in self._pieces:
            self._pieces[text] = self.framing.pieces(text)
        return self._pieces[text]


def without_answers(example: Example) -> str:
    """Return a context without the sentences that hold its answers."""
    kept = [one for one in _sentences(example) if not _holds(one, example.answers)]
    return "".join(example.context[one.start : one.end] for one in kept)


def beside_answers(example: Example, chance: random.Random) -> str:
    """Return what stands before the answers, or behind them."""
    found = _sentences(example)
    held = [number for number, one in enumerate(found) if _holds(one, example.answers)]
    if not held:
        return example.context
    sides = [side for side in (found[: held[0]], found[held[-1] + 1 :]) if side]
    if not sides:
        return ""
    side = chance.choice(sides)
    return example.context[side[0].start : side[-1].end]


def _sentences(example: Example) -> list[Span]:
    return sentences(example.context, 0, len(example.context))


def _holds(one: Span, answers: Sequence[tuple[int, int]]) -> bool:
    return any(start < one.end and end > one.start for start, end in answers)


def in_batches(windows: Sequence[Window], most_tokens: int, seed: int) -> list[list[Window]]:
    """Return windows in batches of like length, the batches shuffled.

    Args:
        windows: of an epoch.
        most_tokens: of a batch, padding counted.
        seed: of the order.
    """
    chance = random.Random(seed)  # noqa: S311
    shuffled = list(windows)
    chance.shuffle(shuffled)
    batches: list[list[Window]] = []
    for start in range(0, len(shuffled), 512):  # of like length, but not always the same ones
        part = sorted(shuffled[start : start + 512], key=lambda one: len(one.ids))
        batch: list[Window] = []
        for window in part:
            if batch and (len(batch) + 1) * len(window.ids) > most_tokens:
                batches.append(batch)
                batch = []
            batch.append(window)
        batches.append(batch)
    chance.shuffle(batches)
    return batches
