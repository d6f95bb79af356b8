"""The weights of all evidence, fitted on question sets; writes ``qa/data/weights.json``.

Three fits, each on what the one before it gives: of passages and of runs of sentences by the
likelihood that the highest score goes to one that answers (a softmax over those of the same
question), of the confidence by logistic regression, every question once with its paragraph present
and once with it taken away. Each set counts as much as any other, however many questions it has.
What phrases count, where they are read, is fitted by itself: all other weights stay.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.logit import Choice, fit_choices, fit_logistic
from benchmarks.samples import Sample, SampleSet, weigh
from index import replace_text
from qa.confidence import THRESHOLDS, Evidence, confidence_of
from qa.confidence import gather as gather_evidence
from qa.evaluation.measures import auroc
from qa.quotes import SpanEvidence
from qa.weights import Weights

INTERCEPT = "intercept"
FIXED: Mapping[str, float] = {"is_elsewhere": -5.0}
"""Weights of the confidence set by hand: too rare in question sets to be fitted on them."""
_FIXED_READ: Mapping[str, float] = {"is_elsewhere": -8.0}
"""Those where phrases were read: one that stands there in the wrong year must not outweigh it."""
ANY_OTHER = "any other"
_PHRASE, _ENGLISH = "phrase", "is_translated"
_PASSAGE_PENALTY, _SPAN_PENALTY, _CONFIDENCE_PENALTY = 1e-3, 3e-4, 1e-3
_DIGITS = 4


@dataclass(frozen=True)
class SetFigures:
    """How well weights do on one set.

    Attributes:
        passage_1: share of the questions whose best passage is of a document that answers.
        recall_1: the same of the passage of the best span, which is what ``retrieve`` ranks by.
        first_right: share whose best span holds the answer.
        auroc: of the confidence, with the documents that answer present against hidden.
    """

    passage_1: float
    recall_1: float
    first_right: float
    auroc: float


def fit_weights(
    sets: Sequence[SampleSet],
    first: Mapping[str, float],
    *,
    is_scale_free: bool,
    confidence: Mapping[str, float] | None = None,
    groups: Sequence[SampleSet] = (),
) -> Weights:
    """Return the weights fitted on samples of question sets.

    Args:
        sets: at least one, asked with the weights of one model; what they name is weighed.
        first: the weights before passages are compared token by token, which are not fitted.
        is_scale_free: whether evidence is standardised for each question, as for another model.
        confidence: taken as it is; None = it is fitted.
        groups: the same sets in small indexes, for the confidence only.

    Raises:
        EvaluationError: no question has both passages, or runs, that answer and that do not.
    """
    names = list(sets[0].present[0].query.weights.passage)
    weights = Weights(first, dict.fromkeys(names, 0.0), {}, {}, is_scale_free)
    passages = [[_passages(one, weights) for one in s.present] for s in sets]
    fitted = fit_choices(passages, _PASSAGE_PENALTY)
    weights = replace(weights, passage=dict(zip(names, fitted.tolist(), strict=True)))

    names = _evidence(SpanEvidence)
    weights = replace(weights, span=dict.fromkeys(names, 0.0))
    spans = [[_spans(weigh(one, weights)) for one in s.present] for s in sets]
    fitted = fit_choices(spans, _SPAN_PENALTY)
    weights = replace(weights, span=dict(zip(names, fitted.tolist(), strict=True)))

    if confidence is None:
        weighed = [weigh_set(one, weights) for one in [*sets, *groups]]
        confidence = fit_confidence(weighed)
    return replace(weights, confidence=confidence)


def add_phrases(
    sets: Sequence[SampleSet], unread: Weights, groups: Sequence[SampleSet] = ()
) -> Weights:
    """Return weights that count phrases, too.

    Three numbers are fitted: few questions are left that the reader was not trained on. Phrases
    do not count for how sure the answer to a question with English words is: the reader is no judge
    of those. The intercepts of both are then moved so that as many questions are refused as without
    phrases.

    Args:
        sets: at least one, with phrases read.
        unread: weights that count none.
        groups: the same sets in small indexes, for the confidence only.

    Raises:
        EvaluationError: no question has both runs that answer and that do not.
    """
    spans = [[_scores_and_phrases(weigh(one, unread)) for one in s.present] for s in sets]
    score, phrase = fit_choices(spans, _SPAN_PENALTY).tolist()
    weights = replace(unread, span={**unread.span, _PHRASE: phrase / max(score, 1e-9)})
    chinese, english = ([_asked_in(one, english=e) for one in sets] for e in (False, True))
    if not any(one.present for one in chinese):
        return weights
    around = [_asked_in(one, english=False) for one in groups]
    weighed = [weigh_set(one, weights) for one in (*chinese, *around)]
    read = replace(weights, confidence=_moved_confidence(weighed, weights.confidence))
    intercept = read.confidence[INTERCEPT] + _stricter(chinese, unread, read)
    # What is added for English words stands beside the intercept.
    both = unread.confidence[INTERCEPT] + unread.confidence.get(_ENGLISH, 0.0)
    of_language = {INTERCEPT: intercept, _ENGLISH: both - intercept}
    read = replace(read, confidence={**read.confidence, **of_language})
    of_language[_ENGLISH] += _stricter(english, unread, read)
    return replace(read, confidence={**read.confidence, **of_language})


def _asked_in(one: SampleSet, *, english: bool) -> SampleSet:
    def asked(samples: Sequence[Sample]) -> list[Sample]:
        return [sample for sample in samples if bool(sample.query.translations) is english]

    return SampleSet(one.name, asked(one.present), asked(one.hidden), asked(one.foreign))


def _scores_and_phrases(sample: Sample) -> Choice:
    rows = [(span.score, span.evidence.phrase) for span in sample.spans]
    return Choice(np.array(rows, np.float64).reshape(-1, 2), sample.answers)


def _moved_confidence(
    sets: Sequence[SampleSet], confidence: Mapping[str, float]
) -> dict[str, float]:
    asked = [ask for one in sets for ask in _asked(one, len(sets), (_PHRASE,), confidence)]
    moved = fit_logistic(
        np.array([one.row for one in asked], np.float64),
        np.array([one.is_right for one in asked], np.bool_),
        np.array([one.count for one in asked], np.float64),
        np.array([one.offset for one in asked], np.float64),
        _CONFIDENCE_PENALTY,
    )
    by = dict(zip((INTERCEPT, _PHRASE), moved.tolist(), strict=True))
    found = {name: confidence.get(name, 0.0) + by.get(name, 0.0) for name in {**confidence, **by}}
    return {**found, **_FIXED_READ}


def _stricter(sets: Sequence[SampleSet], unread: Weights, read: Weights) -> float:
    """Return what to add so that as many questions that have an answer are refused as before.

    So each strictness goes on meaning what it meant.
    """
    asked = [one for one in sets if one.present]
    if not asked:
        return 0.0
    before, after = (_logits(asked, weights) for weights in (unread, read))
    counts = np.concatenate([np.full(len(one.present), 1 / len(one.present)) for one in asked])
    lowest = THRESHOLDS["balanced"]
    limit = float(np.log(lowest / (1 - lowest)))
    refused = float(counts[before < limit].sum())
    order = np.argsort(after)
    at = int(np.searchsorted(np.cumsum(counts[order]), refused))
    return limit - float(after[order][min(at, len(order) - 1)])


def _logits(sets: Sequence[SampleSet], weights: Weights) -> npt.NDArray[np.float64]:
    """Return the logit of the confidence in every question whose documents are there."""
    found = [_confidences(weigh_set(one, weights).present) for one in sets]
    told = np.clip(np.concatenate(found), 1e-9, 1 - 1e-9)
    logits: npt.NDArray[np.float64] = np.log(told / (1 - told))
    return logits


def _evidence(kind: type[SpanEvidence] | type[Evidence]) -> list[str]:
    return [field.name for field in fields(kind) if field.name != _PHRASE]


def weigh_set(one: SampleSet, weights: Weights) -> SampleSet:
    """Return a set with its samples weighed anew."""
    return SampleSet(
        one.name,
        [weigh(sample, weights) for sample in one.present],
        [weigh(sample, weights) for sample in one.hidden],
        [weigh(sample, weights) for sample in one.foreign],
    )


def _passages(sample: Sample, weights: Weights) -> Choice:
    rows = weights.rows([one.evidence for one in sample.candidates], weights.passage)
    return Choice(rows.astype(np.float64), sample.is_gold)


def _spans(sample: Sample) -> Choice:
    weights = sample.query.weights
    rows = weights.rows([one.evidence for one in sample.spans], weights.span)
    return Choice(rows.astype(np.float64), sample.answers)


def fit_confidence(sets: Sequence[SampleSet]) -> dict[str, float]:
    """Return the weights of the confidence over the evidence of each sample's best span.

    Two logistic regressions: one tells questions whose documents are present from those whose are
    not; the other stretches and shifts its outcome (Platt, 1999), so that it means how likely the
    span answers.
    """
    names = [name for name in _evidence(Evidence) if name not in FIXED]
    asked = [ask for one in sets for ask in _asked(one, len(sets), names, FIXED)]
    rows = np.array([one.row for one in asked], np.float64)
    offsets = np.array([one.offset for one in asked], np.float64)
    counts = np.array([one.count for one in asked], np.float64)
    present = np.array([one.is_present for one in asked], np.bool_)
    right = np.array([one.is_right for one in asked], np.bool_)
    first = fit_logistic(rows, present, counts, offsets, _CONFIDENCE_PENALTY)
    told = rows @ first[1:] + first[0]
    shift, stretch = fit_logistic(told[:, None], right, counts, offsets, 0.0).tolist()
    fitted = [shift + stretch * first[0], *(stretch * first[1:])]
    free = dict(zip([INTERCEPT, *names], map(float, fitted), strict=True))
    known = _evidence(Evidence)
    return {name: FIXED.get(name, free.get(name, 0.0)) for name in [INTERCEPT, *known]}


@dataclass(frozen=True)
class _Asked:
    """The evidence of one sample, what the weights given beforehand make of it, and its count."""

    row: list[float]
    offset: float
    count: float
    is_present: bool
    is_right: bool


def _asked(
    one: SampleSet, sets: int, names: Sequence[str], given: Mapping[str, float]
) -> Iterator[_Asked]:
    samples = [(s, True) for s in one.present]
    samples += [(s, False) for s in (*one.hidden, *one.foreign)]
    samples = [(s, is_present) for s, is_present in samples if s.spans and s.query.terms]
    for sample, is_present in samples:
        text = sample.gold.question.text
        evidence = gather_evidence(text, sample.query, sample.candidates, sample.best_spans)
        yield _Asked(
            row=[getattr(evidence, name) for name in names],
            offset=sum(w * getattr(evidence, name, 1.0) for name, w in given.items()),
            count=1 / (len(samples) * sets),
            is_present=is_present,
            # What stands elsewhere by chance answers nothing.
            is_right=is_present and bool(sample.answers[0]),
        )


def measure(one: SampleSet, weights: Weights) -> SetFigures:
    """Return how well weights do on a set."""
    weighed = weigh_set(one, weights)
    present = weighed.present
    return SetFigures(
        passage_1=float(np.mean([s.is_gold[0] for s in present])),
        recall_1=float(np.mean([_is_first_gold(s) for s in present])),
        first_right=float(np.mean([s.answers[:1].any() for s in present])),
        auroc=auroc(_confidences(present), _confidences(weighed.hidden)),
    )


def _is_first_gold(sample: Sample) -> bool:
    return bool(sample.spans) and sample.spans[0].passage.document_id in sample.gold.documents


def _confidences(samples: Sequence[Sample]) -> list[float]:
    return [
        confidence_of(s.gold.question.text, s.query, s.candidates, s.best_spans) for s in samples
    ]


def leave_one_out(
    sets: Sequence[SampleSet],
    groups: Sequence[SampleSet],
    fit: Callable[[Sequence[SampleSet], Sequence[SampleSet]], Weights],
) -> list[SetFigures]:
    """Return the figures of each set with weights fitted on the others; none of a single set.

    Args:
        sets: one or more.
        groups: the same in small indexes.
        fit: returns the weights fitted on sets and groups.
    """
    if len(sets) == 1:
        return []
    found = []
    for one in sets:
        others = [other for other in sets if other is not one]
        apart = [group for group in groups if not group.name.startswith(f"{one.name}, ")]
        found.append(measure(one, fit(others, apart)))
    return found


def write_weights(path: Path, shipped: Path, fitted: Mapping[str, Weights]) -> None:
    """Write weights, rounded, in place of those of the same models; a reader sees all or nothing.

    Args:
        path: the file to write.
        shipped: the file whose other entries, and whose order, are kept.
        fitted: weights by the entry's name.
    """
    entries = json.loads(shipped.read_text(encoding="utf-8"))
    entries.update({name: _rounded(asdict(weights)) for name, weights in fitted.items()})
    replace_text(path, json.dumps(entries, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _rounded(entry: dict[str, object]) -> dict[str, object]:
    return {
        key: {name: float(f"{weight:.{_DIGITS}g}") for name, weight in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in entry.items()
    }
