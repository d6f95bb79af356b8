"""Evidence → how likely the best quote answers.

A logistic model over eight numbers, all but the last fitted on public question sets in both scripts
and in English: each question asked with its paragraph present, with it taken away, and of other
documents altogether. They are shares or differences, so they mean the same in a small index and a
large one. docs/retrieval.md has the figures, and what they leave open.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from index import content_words, fold, terms
from qa.quotes import Span
from qa.retriever import Candidate, Query

ANSWERED_FROM = 0.18
"""Below this nothing is quoted. Low, because a quote names its place and can be checked."""


@dataclass(frozen=True)
class Evidence:
    """What the confidence is computed from.

    Attributes:
        lexical: share of the question's idf mass whose terms stand in the span, 0 to 1.
        coverage: lexical coverage of the question, 0 to 1.
        contrast: the passage's late interaction over the median of the other candidates'.
        margin: the span's score over the next best span's.
        is_worded: 1 when the question has content words in Chinese or numbers, else 0.
        named: share of those words, weighed by their rarity, that stand in the passage, 0 to 1.
        sharpest: the greatest contrast of a single token of the question.
        is_elsewhere: 1 when the question names a place or year the index never mentions, else 0.
    """

    lexical: float
    coverage: float
    contrast: float
    margin: float
    is_worded: float
    named: float
    sharpest: float
    is_elsewhere: float


_WEIGHTS = Evidence(
    lexical=2.24,
    coverage=0.84,
    contrast=6.7,
    margin=5.9,
    is_worded=-3.24,
    named=2.83,
    sharpest=10.7,
    # Not fitted but set: the figures of another city or year are the worst thing to quote, and of
    # 5,138 answerable questions only 10 named a place found nowhere, and 1 such a year.
    is_elsewhere=-4.0,
)
_INTERCEPT = -2.62
# What stands for a contrast when there is nothing to compare with: between the typical values of
# questions with and without an answer.
_NO_CONTRAST, _NO_SHARPEST, _NO_MARGIN = 0.05, 0.1, 0.05


def confidence_of(
    question: str, query: Query, candidates: Sequence[Candidate], spans: Sequence[Span]
) -> float:
    """Return how likely the best span answers, 0 to 1.

    Args:
        question: as it was asked.
        query: the question as retrieval saw it.
        candidates: the passages compared with it, best first.
        spans: the spans found in the best of them, best first.
    """
    if not spans or not query.terms:  # marks alone ask nothing
        return 0.0
    evidence = gather(question, query, candidates, spans)
    weighed = zip(astuple(_WEIGHTS), astuple(evidence), strict=True)
    return 1 / (1 + math.exp(-_INTERCEPT - sum(weight * value for weight, value in weighed)))


def gather(
    question: str, query: Query, candidates: Sequence[Candidate], spans: Sequence[Span]
) -> Evidence:
    """Return the evidence for the best span."""
    best = spans[0]
    passage = best.hit.passage
    contrast, sharpest = _contrasts(passage.id, candidates)
    words = content_words(question)
    searched = fold(passage.searchable)
    held = set(terms(passage.searchable))  # 3.65万 holds 36500
    named = sum(weight for word, weight in words.items() if word in searched or word in held)
    return Evidence(
        lexical=best.lexical,
        coverage=query.coverage,
        contrast=contrast,
        margin=best.total - spans[1].total if len(spans) > 1 else _NO_MARGIN,
        is_worded=float(bool(words)),
        named=named / sum(words.values()) if words else 0.0,
        sharpest=sharpest,
        is_elsewhere=float(query.unknown_name is not None),
    )


def _contrasts(passage_id: int, candidates: Sequence[Candidate]) -> tuple[float, float]:
    """Return how far a passage stands out: over all the question's tokens, and at the sharpest.

    How similar vectors are at all differs from language to language; how much more similar one
    passage is than the others does not.
    """
    own = next(c.token_best for c in candidates if c.passage_id == passage_id)
    others = [c.token_best for c in candidates if c.passage_id != passage_id]
    if not others or not own.size:
        return _NO_CONTRAST, _NO_SHARPEST
    stacked = np.stack(others)
    overall = float(own.mean() - np.median(stacked.mean(axis=1)))
    return overall, float((own - np.median(stacked, axis=0)).max())
