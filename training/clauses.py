"""Clauses that can be asked for: reasons, aims, ways, results, lists, offices, definitions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

_IN = "[^,。;:！？!?]"  # of a clause
_Patterns = Sequence[tuple[str, re.Pattern[str], Sequence[str]]]

_ASKED_BEFORE: _Patterns = (
    # What is asked in place of it stands before the clause that it belongs to.
    (
        "reason",
        re.compile(
            rf"(?P<answer>(?:因为|由于){_IN}{{4,60}}),(?:所以|因此)?(?P<what>{_IN}{{6,50}})"
        ),
        ("为什么", "为何", "因为什么"),
    ),
    (
        "aim",
        re.compile(rf"(?P<answer>为了{_IN}{{4,50}}),(?P<what>{_IN}{{6,50}})"),
        ("为什么", "出于什么目的", "为了什么"),
    ),
    (
        "way",
        re.compile(rf"(?P<answer>通过{_IN}{{4,50}}),(?P<what>{_IN}{{6,50}})"),
        ("如何", "怎样", "通过什么"),
    ),
)
_ASKED_INSIDE: _Patterns = (
    (
        "result",
        re.compile(rf"(?:导致|造成|引发|使得)了?(?P<answer>{_IN}{{4,50}})"),
        ("什么", "什么后果", "什么结果"),
    ),
    (
        "list",
        re.compile(
            r"(?:包括|包含|分为|分别[是为]|涉及|设有|分布在)"
            rf"(?P<answer>(?:(?!、){_IN}){{2,20}}(?:、(?:(?!、){_IN}){{2,24}})+)"
        ),
        ("哪些", "什么", "哪几个"),
    ),
    (
        "office",
        re.compile(rf"(?:担任|出任|兼任|当选为?|被任命为)了?(?P<answer>{_IN}{{4,40}})"),
        ("什么职务", "什么职位", "什么"),
    ),
    (
        "where",
        re.compile(rf"(?:位于|坐落于|坐落在|地处)(?P<answer>{_IN}{{3,40}})"),
        ("哪里", "什么地方", "何处"),
    ),
    (
        "definition",
        re.compile(
            r"(?:^|(?<=[,;。]))[㐀-鿿A-Za-z]{2,12}(?:是指|指的是|(?<![要为就不但还而也都正可于总若凡即或便只算])是)"
            rf"(?P<answer>{_IN}{{6,60}})"
        ),
        ("什么", "怎样的"),
    ),
)
CLAUSES = frozenset(kind for kind, _, _ in (*_ASKED_BEFORE, *_ASKED_INSIDE))
"""The kinds that are found."""


@dataclass(frozen=True)
class Asked:
    """A phrase that can be asked for.

    Attributes:
        kind: of what.
        start: of what is asked for in the question's words.
        end: one past it.
        words: the question's.
        answer: where the part of it stands that answers.
        last: where the question ends; None = with the clause.
    """

    kind: str
    start: int
    end: int
    words: str
    answer: tuple[int, int]
    last: int | None = None


def clauses(text: str, chance: Random) -> Iterator[Asked]:
    """Yield the clauses of a sentence that can be asked for.

    Args:
        text: folded.
        chance: which words ask for them.
    """
    for kind, pattern, words in _ASKED_BEFORE:
        for match in pattern.finditer(text):
            start, end = match.start("answer"), match.start("what")
            asked = chance.choice(words)
            yield Asked(kind, start, end, asked, match.span("answer"), match.end("what"))
    for kind, pattern, words in _ASKED_INSIDE:
        for match in pattern.finditer(text):
            span = match.span("answer")
            yield Asked(kind, *span, chance.choice(words), span)
