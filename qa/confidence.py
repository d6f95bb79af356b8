"""Evidence → how likely the best quote answers.

A logistic model. Its numbers are shares, or differences from what else the index holds, so they
mean the same in a small index and a large one. docs/quality.md has the figures, and what they leave
open.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from index import content_words, fold, stands_in
from qa.question_types import asks_for_several
from qa.quotes import Span, worth_citing
from qa.retriever import Candidate, FloatArray, Query
from qa.stages import staged
from qa.types import Strictness

THRESHOLDS: Mapping[Strictness, float] = {"lenient": 0.06, "balanced": 0.12, "strict": 0.4}
"""The lowest confidence that is answered; docs/quality.md has the rates of each. Balanced refuses
about one answerable question in twenty."""


@dataclass(frozen=True)
class Evidence:
    """What the confidence is computed from.

    Attributes:
        lexical: share of the question's idf mass whose terms stand in the span, 0 to 1.
        is_worded: 1 when the question has content words in Chinese or numbers, else 0.
        named: share of those words, weighed by their rarity, that stand in the passage, 0 to 1.
        is_translated: 1 when the question has English words, else 0.
        translated: share of their idf that stands in the passage in Chinese, 0 to 1.
        margin: the span's score over that of the next best passage's span; where several things
            are asked for, of the next that is not cited.
        score_contrast: the passage's score over the median of the other candidates', those cited
            beside it left out.
        sentence_contrast: its best sentence's cosine over the median of the others'.
        missed: the passage's evidence of that name: what another candidate has for a token of the
            question and this one lacks.
        weakest: mean of the least similar quarter of the question's tokens: whether something in it
            has no counterpart at all.
        is_elsewhere: 1 when the question names a place or year the index never mentions, else 0.
        phrase: the score of the likeliest phrase in the span, where phrases were read; 0 for a
            question with English words, of which the reader is no good judge.
    """

    lexical: float
    is_worded: float
    named: float
    is_translated: float
    translated: float
    margin: float
    score_contrast: float
    sentence_contrast: float
    missed: float
    weakest: float
    is_elsewhere: float
    phrase: float = 0.0


# What stands for a contrast when there is nothing to compare with: between the typical values of
# questions with and without an answer.
_NO_CONTRAST = {"sentence": 0.05, "score": 5.0}
_NO_MARGIN = 2.0
_NO_WEAKEST = 0.75  # of a model that cannot place its tokens


@staged("confidence")
def confidence_of(
    question: str, query: Query, candidates: Sequence[Candidate], spans: Sequence[Span]
) -> float:
    """Return how likely the best span answers, 0 to 1.

    Args:
        question: as it was asked.
        query: the question as retrieval saw it.
        candidates: the passages compared with it, best first.
        spans: the best span of each passage that was read, best first.
    """
    if not spans or not query.terms:  # marks alone ask nothing
        return 0.0
    evidence = gather(question, query, candidates, spans)
    weights = query.weights.confidence
    logit = sum(weight * getattr(evidence, name, 1.0) for name, weight in weights.items())
    return 1 / (1 + math.exp(-logit))


def gather(
    question: str, query: Query, candidates: Sequence[Candidate], spans: Sequence[Span]
) -> Evidence:
    """Return the evidence for the best span.

    Where several things are asked for, it is compared with what is not cited: that there are other
    good answers then speaks for it and not against it.
    """
    best = spans[0]
    own = next(c for c in candidates if c.passage.id == best.passage.id)
    several = asks_for_several(question)
    answers = worth_citing(spans, several=True) if several else [best]
    rest = spans[len(answers) :]
    beside = {span.passage.id for span in answers}
    others = [c for c in candidates if c.passage.id not in beside]
    words = content_words(question)
    searched = fold(own.passage.searchable)
    named = sum(weight for word, weight in words.items() if stands_in(word, searched))
    return Evidence(
        lexical=best.held,
        is_worded=float(bool(words)),
        named=named / sum(words.values()) if words else 0.0,
        is_translated=float(bool(query.translations)),
        translated=own.evidence.translated,
        margin=best.score - rest[0].score if rest else _NO_MARGIN,
        score_contrast=_contrast("score", own, others),
        sentence_contrast=_contrast("sentence", own, others),
        missed=own.evidence.missed,
        weakest=_weakest(own.token_best),
        is_elsewhere=float(query.unknown_name is not None),
        phrase=0.0 if query.translations else best.evidence.phrase,
    )


def _contrast(name: str, own: Candidate, others: Sequence[Candidate]) -> float:
    """Return how far a candidate stands out from the others.

    How similar vectors are at all differs from language to language; how much more similar one
    passage is than the others does not.
    """

    def value(candidate: Candidate) -> float:
        return candidate.score if name == "score" else float(getattr(candidate.evidence, name))

    if not others:
        return _NO_CONTRAST[name]
    return value(own) - median(value(other) for other in others)


def _weakest(token_best: FloatArray) -> float:
    """Return the mean of the lowest quarter of the values, of at least one."""
    if not token_best.size:
        return _NO_WEAKEST
    return float(np.sort(token_best)[: max(1, token_best.size // 4)].mean())
