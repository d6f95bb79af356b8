"""What each part of retrieval adds: the same questions, ranked by more and more of the evidence.

Everything is computed from what one question left behind (a ``Trial``), so that every row of the
tables is about the same questions, passages and vectors. The weights in the rows before the learned
ones are round numbers chosen by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.samples import Sample
from index import Index
from qa.evaluation.bootstrap import Interval, interval, paired_difference
from qa.quotes import Span, SpanEvidence, read_sentences
from qa.retriever import PassageEvidence

RANK_CONSTANT = 60
_DEPTH = 100


@dataclass(frozen=True)
class Pair:
    """Two neighbouring sentences of the best passage, or its only one.

    Attributes:
        evidence: as the shipped quotes weigh it.
        late: mean over the question's tokens of the best cosine to a token of the two.
        score: the evidence weighed by the shipped weights.
        is_right: whether they hold an accepted answer.
    """

    evidence: SpanEvidence
    late: float
    score: float
    is_right: bool


@dataclass(frozen=True)
class Trial:
    """What one question left behind.

    Attributes:
        gold: ids of the passages of the documents that answer.
        dense: ids of the nearest passages, best first.
        words: the same by BM25 over words alone.
        words_and_pairs: the same by BM25 over words and character pairs.
        candidates: ids and evidence of those compared token by token, best first as shipped.
        by_quote: id of the passage of the best quote.
        sentences: cosine of each sentence of the best passage, and whether it holds an answer.
        pairs: the runs of two sentences of that passage.
        is_quote_right: whether the best span of all passages read holds an answer.
    """

    gold: frozenset[int]
    dense: tuple[int, ...]
    words: tuple[int, ...]
    words_and_pairs: tuple[int, ...]
    candidates: tuple[tuple[int, PassageEvidence], ...]
    by_quote: int | None
    sentences: tuple[tuple[float, bool], ...]
    pairs: tuple[Pair, ...]
    is_quote_right: bool


@dataclass(frozen=True)
class Step:
    """One row of an ablation on one set.

    Attributes:
        share: of the questions that came out right.
        change: against the row before; None in the first row.
    """

    share: Interval
    change: Interval | None


def try_sample(opened: Index, sample: Sample) -> Trial:
    """Return what a question left behind.

    Args:
        opened: the index the sample was asked of.
        sample: with the shipped weights and the spans of the passages that are read.
    """
    query, gold = sample.query, sample.gold
    nearest, _ = opened.search_dense(query.vector, _DEPTH)
    words = [term for term in query.terms if not term.startswith("_")]
    return Trial(
        gold=frozenset(p.id for id_ in gold.documents for p in opened.passages_of(id_)),
        dense=tuple(nearest.tolist()),
        words=_lexical(opened, words),
        words_and_pairs=_lexical(opened, query.terms),
        candidates=tuple((c.passage.id, c.evidence) for c in sample.candidates),
        by_quote=sample.spans[0].passage.id if sample.spans else None,
        sentences=_sentences(opened, sample),
        pairs=_pairs(opened, sample),
        is_quote_right=bool(sample.answers[:1].any()),
    )


def _lexical(opened: Index, terms: Sequence[str]) -> tuple[int, ...]:
    return tuple(hit.passage_id for hit in opened.search_lexical(terms, _DEPTH)) if terms else ()


def _sentences(opened: Index, sample: Sample) -> tuple[tuple[float, bool], ...]:
    if not sample.candidates:
        return ()
    passage = sample.candidates[0].passage
    cosines = (opened.sentence_vectors(passage.id) @ sample.query.vector).tolist()
    right = [sample.gold.is_in(text) for text in passage.sentence_texts]
    return tuple(zip(cosines, right, strict=True))


def _pairs(opened: Index, sample: Sample) -> tuple[Pair, ...]:
    if not sample.candidates:
        return ()
    best = sample.candidates[0]
    late = read_sentences(opened, sample.query, best).late

    def mean_late(span: Span) -> float:
        inside = [span.start <= s.start < span.end for s in best.passage.sentences]
        return float(late[inside].max(axis=0).mean()) if late.size else 0.0

    return tuple(
        Pair(span.evidence, mean_late(span), span.score, bool(right))
        for span, right in zip(sample.spans, sample.answers.tolist(), strict=True)
        if span.passage.id == best.passage.id
    )


def reciprocal_rank(rankings: Sequence[Sequence[int]], constant: int = RANK_CONSTANT) -> list[int]:
    """Return what any ranking names, by the sum of 1 / (constant + rank), best first.

    After Cormack, Clarke and Büttcher (2009); of equal sums the lower id comes first.
    """
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, start=1):
            sums[id_] = sums.get(id_, 0.0) + 1 / (constant + rank)
    return sorted(sums, key=lambda id_: (-sums[id_], id_))


def _first(ranking: Sequence[int]) -> int | None:
    return ranking[0] if ranking else None


def _by(score: Callable[[PassageEvidence], float]) -> Callable[[Trial], int | None]:
    """Return what ranks the candidates by a score; of equal scores the lower id comes first."""

    def best(trial: Trial) -> int | None:
        ranked = sorted(trial.candidates, key=lambda one: (-score(one[1]), one[0]))
        return ranked[0][0] if ranked else None

    return best


PASSAGES: Mapping[str, Callable[[Trial], int | None]] = {
    "dense: cosine of passage and question": lambda t: _first(t.dense),
    "BM25 of jieba's words": lambda t: _first(t.words),
    "BM25 of words and character pairs": lambda t: _first(t.words_and_pairs),
    "dense and BM25 by reciprocal rank": lambda t: _first(
        reciprocal_rank([t.dense, t.words_and_pairs])
    ),
    "dense + 0.6 BM25 weighed by lexical coverage": _by(lambda e: e.dense + 0.6 * e.lexical),
    "… best sentence's cosine where it is higher": _by(
        lambda e: max(e.dense, e.sentence) + 0.6 * e.lexical
    ),
    "late interaction + 0.3 BM25": _by(lambda e: e.late + 0.3 * e.lexical),
    "… + 0.1 dictionary": _by(lambda e: e.late + 0.3 * e.lexical + 0.1 * e.translated),
    "… + 1.0 missed tokens": _by(
        lambda e: e.late + 0.3 * e.lexical + 0.1 * e.translated + e.missed
    ),
    "learned weights, with the best sentence's cosine": lambda t: _first(
        [id_ for id_, _ in t.candidates]
    ),
    "order by the best quote (shipped)": lambda t: t.by_quote,
}
"""Row → the passage it puts first."""


def _best_pair(score: Callable[[Pair], float]) -> Callable[[Trial], bool]:
    def is_right(trial: Trial) -> bool:
        # The first of equal ones, as everywhere: pairs come best first by the shipped weights.
        return bool(trial.pairs) and max(trial.pairs, key=score).is_right

    return is_right


QUOTES: Mapping[str, Callable[[Trial], bool]] = {
    "best passage: sentence of the highest cosine": lambda t: (
        bool(t.sentences) and max(t.sentences, key=lambda one: one[0])[1]
    ),
    "best passage: pair by the best and the mean cosine": _best_pair(
        lambda pair: pair.evidence.sentence + pair.evidence.sentences
    ),
    "best passage: pair by late interaction": _best_pair(lambda pair: pair.late),
    "… + 1.0 missed tokens, topic inherited": _best_pair(
        lambda pair: pair.late + pair.evidence.missed
    ),
    "best passage: pair by learned weights": _best_pair(lambda pair: pair.score),
    "best five passages: pair by learned weights (shipped)": lambda t: t.is_quote_right,
}
"""Row → whether its first quote holds an answer, nothing being refused."""


def passage_steps(trials: Sequence[Trial]) -> dict[str, Step]:
    """Return R@1 of each way to rank passages, on one set."""
    return _steps({name: [first(t) in t.gold for t in trials] for name, first in PASSAGES.items()})


def quote_steps(trials: Sequence[Trial]) -> dict[str, Step]:
    """Return how often the first quote holds an answer for each way to choose it, on one set."""
    return _steps({name: [is_right(t) for t in trials] for name, is_right in QUOTES.items()})


def _steps(values: Mapping[str, Sequence[bool]]) -> dict[str, Step]:
    steps = {}
    before: Sequence[bool] | None = None
    for name, right in values.items():
        change = None if before is None else paired_difference(before, right)
        steps[name] = Step(interval(right), change)
        before = right
    return steps
