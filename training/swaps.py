"""Contexts in which the answer is another one of its kind, so that it is read, not remembered.

Whoever has learnt a question by heart answers it from memory, whatever stands in the text; with
answers that change from one epoch to the next that is of no use (Longpre et al., 2021,
arXiv:2109.05052). Digits become other digits, names other names; whatever holds the answer
elsewhere in context and question changes with it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random

from index.folding import words
from training.examples import Example

_DIGITS = re.compile(r"\d")
_NUMBER = re.compile(r"[\d.,年月日号%\-~至到]*\d[\d.,年月日号%]*[㐀-鿿]{0,3}")
_NAMES = ("nr", "ns", "nt", "nz")

Names = Mapping[str, Sequence[str]]
"""By kind, names that are answers."""


def names_of(examples: Iterable[Example]) -> Names:
    """Return the answers that are names, by kind."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for example in examples:
        for answer in _texts(example):
            kind = _kind(answer)
            if kind is not None:
                found[kind][answer] = None
    return {kind: list(names) for kind, names in found.items()}


def swapped(example: Example, names: Names, chance: Random) -> Example:
    """Return an example with another answer of the same kind; as it is where that is unclear.

    Args:
        example: with the places of its answers.
        names: that may stand in place of names.
        chance: which one.
    """
    answers = set(_texts(example))
    if len(answers) != 1:
        return example
    (own,) = answers
    other = _other(own, names, chance)
    if other is None or other == own:
        return example
    places = [match.start() for match in re.finditer(re.escape(own), example.context)]
    grown = len(other) - len(own)
    moved = {start: start + number * grown for number, start in enumerate(places)}
    if not all(start in moved for start, _ in example.answers):
        return example
    return replace(
        example,
        question=example.question.replace(own, other),
        context=example.context.replace(own, other),
        answers=tuple((moved[start], moved[start] + len(other)) for start, _ in example.answers),
    )


def _texts(example: Example) -> list[str]:
    return [example.context[start:end] for start, end in example.answers]


def _other(own: str, names: Names, chance: Random) -> str | None:
    if _NUMBER.fullmatch(own):
        return _DIGITS.sub(lambda digit: _digit(digit[0], chance), own)
    kind = _kind(own)
    return None if kind is None else chance.choice(names.get(kind) or [own])


def _digit(own: str, chance: Random) -> str:
    # 1 stays 1, and 0 stays 0: what begins with them is mostly a year or a month.
    return own if own in "01" else str(chance.randint(2, 9))


def _kind(answer: str) -> str | None:
    """Return what kind of name an answer is: a foreign one, or jieba's tag; None for none."""
    if "·" in answer and len(answer) <= 20:
        return "foreign"
    cut = words(answer)
    if len(cut) != 1 or len(answer) < 2:
        return None
    tag = cut[0].tag
    return tag if tag in _NAMES else None
