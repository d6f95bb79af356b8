"""How well a reader finds phrases in windows around their answers: exact match, F1, and AUROC."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch

from index.types import Phrase
from index.windows import Window
from qa.evaluation.measures import auroc
from qa.evaluation.phrases import exact, f1
from training.batches import Material, in_batches, without_answers
from training.examples import Example
from training.reader import Reader, best_answer
from training.runs import runs_around

_AGREES = 0.5


@dataclass(frozen=True)
class Figures:
    """Of one set, each question read in a window around its answer.

    Attributes:
        questions: how many.
        exact: share of phrases that are an accepted answer.
        f1: mean over the questions.
        auroc: of the score, windows with the answer against the same without its sentences, or
            others.
    """

    questions: int
    exact: float
    f1: float
    auroc: float


def measure(reader: Reader, material: Material, batch_tokens: int = 8192) -> dict[str, Figures]:
    """Return the figures of each set of some material."""
    with_answer, without = [], []
    for example in material.examples:
        chance = Random(example.id)  # noqa: S311
        with_answer.append(_window(material, example, example.context, example.answers[0][0]))
        others = material.distractors.get(example.id) or [without_answers(example)]
        other = others[0] if chance.random() < 0.5 else without_answers(example) or others[0]
        without.append(_window(material, example, other, 0) if other else None)
    found = read(reader, with_answer, batch_tokens)
    wrong = read(reader, [one for one in without if one is not None], batch_tokens)
    wrong_scores = iter(one.score for one in wrong)
    nothing = [None if one is None else next(wrong_scores) for one in without]
    return {
        source: _figures(
            [
                (example, one, score)
                for example, one, score in zip(material.examples, found, nothing, strict=True)
                if example.source == source
            ]
        )
        for source in dict.fromkeys(example.source for example in material.examples)
    }


def found_again(reader: Reader, material: Material, batch_tokens: int = 8192) -> list[Example]:
    """Return the examples of some material whose phrase a reader finds, or half of it at least."""
    windows = [_window(material, one, one.context, one.answers[0][0]) for one in material.examples]
    found = read(reader, windows, batch_tokens)
    return [
        example
        for example, phrase in zip(material.examples, found, strict=True)
        if _f1(example, phrase) >= _AGREES
    ]


def _f1(example: Example, found: Phrase) -> float:
    phrase = example.context[found.start : found.end]
    return max(f1(phrase, example.context[start:end]) for start, end in example.answers)


def _window(material: Material, example: Example, context: str, at: int) -> Window:
    chance = Random(f"{example.id} {at}")  # noqa: S311
    question, pieces = material.pieces_of(example.question), material.pieces_of(context)
    run = runs_around(context, pieces, at, material.framing.room(question), chance)
    return material.framing.window(question, pieces, run)


def read(reader: Reader, windows: Sequence[Window], batch_tokens: int) -> list[Phrase]:
    """Return the best answer of each window, in their order."""
    reader.eval()
    found: dict[int, Phrase] = {}
    place_of = {id(window): at for at, window in enumerate(windows)}
    with torch.inference_mode():
        for batch in in_batches(windows, batch_tokens, 0):
            logits = reader(batch)
            for row, window in enumerate(batch):
                found[place_of[id(window)]] = best_answer(logits, row, window)
    return [found[at] for at in range(len(windows))]


def _figures(rows: Sequence[tuple[Example, Phrase, float | None]]) -> Figures:
    exacts, scores = [], []
    for example, found, _ in rows:
        phrase = example.context[found.start : found.end]
        accepted = [example.context[start:end] for start, end in example.answers]
        exacts.append(any(exact(phrase, one) for one in accepted))
        scores.append(_f1(example, found))
    positives = [found.score for _, found, _ in rows]
    negatives = [score for _, _, score in rows if score is not None]
    count = len(rows)
    return Figures(count, sum(exacts) / count, sum(scores) / count, auroc(positives, negatives))
