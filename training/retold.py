"""Questions made of one sentence whose answer is told a second time, in other words.

A question made of a sentence repeats it, so that whoever looks for the same words finds the answer.
News tell twice what matters: in headline and text, as figures and as a remark. The question is made
of one telling, and only the other one is shown (as with articles and what they cite: Li et al.,
2020, arXiv:2005.02925).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from index import fold
from index.folding import words
from index.splitter import sentences
from index.types import Span
from training.examples import Example
from training.made import Made, questions_of, some_of

_SHARED = 0.3
_SAME = 0.85
"""Of what a question has of its sentence, the share that the other telling has: less is something
else, more the same sentence again."""
_FEWEST = 3  # words that a question has of its sentence
_SHORTEST = 2  # characters of an answer
_SHOWN = 150  # characters before the other telling, and behind it
_SAY_SOMETHING = ("n", "v", "a", "m", "t", "i", "j", "l", "s", "?", "z", "f")


@dataclass(frozen=True)
class _Text:
    folded: str
    spans: Sequence[Span]
    said: Sequence[frozenset[str]]
    """By sentence, the words that say something."""


def retold_examples(
    texts: Iterable[str], seed: int, *, of_each: int = 2, source: str = "retold"
) -> Iterator[Example]:
    """Yield questions on what texts tell twice, some of each.

    Args:
        texts: in Chinese.
        seed: of all chance.
        of_each: questions of a text, at most.
        source: what the set is called.
    """
    for number, text in enumerate(texts):
        context = fold(" ".join(text.split()))
        chance = Random(f"{seed} {number}")  # noqa: S311
        spans = sentences(context, 0, len(context))
        said = [_said(context[one.start : one.end]) for one in spans]
        read = _Text(context, spans, said)
        told = {
            made: other for made in questions_of(context, chance) if (other := _again(made, read))
        }
        for at, made in enumerate(some_of(list(told), of_each, chance)):
            shown, places = _shown(made, read, told[made])
            yield Example(f"{number}-{at}", made.question, shown, places, context[:40], source)


def _said(text: str) -> frozenset[str]:
    return frozenset(
        word.text
        for word in words(text)
        if word.tag.startswith(_SAY_SOMETHING) and (len(word.text) > 1 or word.tag == "m")
    )


def _again(made: Made, read: _Text) -> Span | None:
    """Return the other sentence that tells best what a question asks for; None for none."""
    answer = read.folded[slice(*made.answer)]
    told = list(zip(read.spans, read.said, strict=True))
    own = next(said for span, said in told if _holds(span, made))
    asked = _said(made.question) & own
    if len(asked) < _FEWEST or len(answer) < _SHORTEST:
        return None
    shares = {
        span: len(asked & said) / len(asked)
        for span, said in told
        if not _holds(span, made) and answer in read.folded[span.start : span.end]
    }
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and _SHARED <= shares[best] < _SAME else None


def _holds(span: Span, made: Made) -> bool:
    return span.start <= made.answer[0] < span.end


def _shown(made: Made, read: _Text, told: Span) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return sentences around one without that of a question, and where the answer stands there."""
    near = Span(told.start - _SHOWN, told.end + _SHOWN)
    inside = [one for one in read.spans if near.start <= one.start and one.end <= near.end]
    context = "".join(read.folded[one.start : one.end] for one in inside if not _holds(one, made))
    answer = read.folded[slice(*made.answer)]
    starts = [at for at in range(len(context)) if context.startswith(answer, at)]
    return context, tuple((at, at + len(answer)) for at in starts)
