"""Evidence → how likely the best quote answers.

A logistic model. Its numbers are shares, or differences from what else the index holds, so they
mean the same in a small index and a large one. docs/quality.md has the figures, and what they leave
open.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from index import content_words, fold, stands_in
from qa.question_types import kinds_asked
from qa.quotes import Span
from qa.retriever import Candidate, Query
from qa.types import Strictness

THRESHOLDS: Mapping[Strictness, float] = {"lenient": 0.1, "balanced": 0.2, "strict": 0.5}
"""The lowest confidence that is answered; docs/quality.md has the rates of each."""


@dataclass(frozen=True)
class Evidence:
    """What the confidence is computed from.

    Attributes:
        lexical: share of the question's idf mass whose terms stand in the span, 0 to 1.
        coverage: lexical coverage of the question, 0 to 1.
        contrast: the passage's late interaction over the median of the other candidates'.
        sentence_contrast: its best sentence's cosine over the median of the others'.
        margin: the span's score over that of the next best passage's span.
        score_contrast: the passage's score over the median of the other candidates'.
        is_worded: 1 when the question has content words in Chinese or numbers, else 0.
        named: share of those words, weighed by their rarity, that stand in the passage, 0 to 1.
        is_translated: 1 when the question has English words, else 0.
        translated: share of their idf that stands in the passage in Chinese, 0 to 1.
        translated_contrast: that share over the median of the other candidates'.
        sharpest: the greatest contrast of a single token of the question.
        lacks_kind: 1 when the question asks for a kind of thing of which the span holds none.
        missed: the span's evidence of that name.
        is_elsewhere: 1 when the question names a place or year the index never mentions, else 0.
    """

    lexical: float
    coverage: float
    contrast: float
    sentence_contrast: float
    margin: float
    score_contrast: float
    is_worded: float
    named: float
    is_translated: float
    translated: float
    translated_contrast: float
    sharpest: float
    lacks_kind: float
    missed: float
    is_elsewhere: float


# What stands for a contrast when there is nothing to compare with: between the typical values of
# questions with and without an answer.
_NO_CONTRAST = {"late": 0.05, "sentence": 0.05, "translated": 0.2, "score": 5.0}
_NO_SHARPEST, _NO_MARGIN = 0.1, 2.0


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
    """Return the evidence for the best span."""
    best = spans[0]
    own = next(c for c in candidates if c.passage.id == best.passage.id)
    others = [c for c in candidates if c is not own]
    words = content_words(question)
    searched = fold(own.passage.searchable)
    named = sum(weight for word, weight in words.items() if stands_in(word, searched))
    asked = kinds_asked(fold(question))
    return Evidence(
        lexical=best.held,
        coverage=query.coverage,
        contrast=_contrast("late", own, others),
        sentence_contrast=_contrast("sentence", own, others),
        margin=best.score - spans[1].score if len(spans) > 1 else _NO_MARGIN,
        score_contrast=_contrast("score", own, others),
        is_worded=float(bool(words)),
        named=named / sum(words.values()) if words else 0.0,
        is_translated=float(bool(query.translations)),
        translated=own.evidence.translated,
        translated_contrast=_contrast("translated", own, others) if query.translations else 0.0,
        sharpest=_sharpest(own, others),
        lacks_kind=float(any(getattr(best.evidence, kind) == 0.0 for kind in asked)),
        missed=best.evidence.missed,
        is_elsewhere=float(query.unknown_name is not None),
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
    return value(own) - float(np.median([value(other) for other in others]))


def _sharpest(own: Candidate, others: Sequence[Candidate]) -> float:
    """Return the greatest contrast of a single token of the question."""
    if not others or not own.token_best.size:
        return _NO_SHARPEST
    median = np.median(np.stack([other.token_best for other in others]), axis=0)
    return float((own.token_best - median).max())
