"""Outcomes → figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qa.evaluation.bootstrap import Interval, interval
from qa.evaluation.measures import auroc, calibration_error, threshold_refusing
from qa.evaluation.outcomes import Outcome

_MRR_WITHIN = 10
_FALSE_REFUSALS = 0.05


@dataclass(frozen=True)
class Abstention:
    """How well the confidence tells questions with an answer from questions without.

    Each question was asked with the documents that hold its answer, and with them hidden.

    Attributes:
        questions: how many could be asked both ways.
        auroc: chance that the confidence with the answer is above that without, of any two
            questions.
        threshold: the highest one that refuses at most 5 % of the questions with an answer.
        false_answers: share answered without their documents at that threshold.
        false_answers_shipped: the same at the shipped threshold.
        false_refusals_shipped: share refused with their documents at the shipped threshold.
    """

    questions: int
    auroc: float
    threshold: float
    false_answers: Interval
    false_answers_shipped: Interval
    false_refusals_shipped: Interval


@dataclass(frozen=True)
class Figures:
    """The figures of a run; shares are of all questions, a refused one being a miss.

    Attributes:
        questions: how many were asked.
        recall_1: share whose answer's place is the first hit; likewise 5 and 20.
        mrr: mean of 1 / rank, ranks beyond 10 counting nothing.
        first_right: the first quote holds the answer in at most two sentences.
        any_right: any quote does.
        best_right: what would be quoted first if nothing were refused does.
        refused: share not answered.
        first_quote_characters: mean length of the first quotes; None when none was given.
        exact: the phrase marked in the first quote is an accepted answer; without one, the quote.
        f1: mean of its F1 over characters.
        exact_unread: the same of the quotes that are given without a reader.
        f1_unread: the same.
        abstention: None when no question could be asked without its documents.
        changed: share that the rules for follow-ups change when it is asked after another question
            of the file; None when there is no other.
        calibration_error: of the confidence, over ten bins of what ``judged`` gives.
        milliseconds_50: median duration of ``ask``; likewise the 95th percentile.
        not_verbatim: how many quotes do not stand in their document where they say.
    """

    questions: int
    recall_1: Interval
    recall_5: Interval
    recall_20: Interval
    mrr: Interval
    first_right: Interval
    any_right: Interval
    best_right: Interval
    refused: Interval
    first_quote_characters: float | None
    exact: Interval
    f1: Interval
    exact_unread: Interval
    f1_unread: Interval
    abstention: Abstention | None
    changed: Interval | None
    calibration_error: float
    milliseconds_50: float
    milliseconds_95: float
    not_verbatim: int


def compute_figures(outcomes: Sequence[Outcome], *, seed: int) -> Figures:
    """Return the figures of a run; there must be at least one outcome."""

    def mean(value: Callable[[Outcome], float]) -> Interval:
        return interval([value(outcome) for outcome in outcomes], seed=seed)

    changed = [o.is_changed for o in outcomes if o.is_changed is not None]
    quotes = [o.first_quote_characters for o in outcomes if o.first_quote_characters is not None]
    p50, p95 = np.percentile([1000 * outcome.seconds for outcome in outcomes], [50, 95])
    return Figures(
        questions=len(outcomes),
        recall_1=mean(lambda o: is_within(o, 1)),
        recall_5=mean(lambda o: is_within(o, 5)),
        recall_20=mean(lambda o: is_within(o, 20)),
        mrr=mean(lambda o: 1 / o.rank if o.rank and o.rank <= _MRR_WITHIN else 0.0),
        first_right=mean(lambda o: o.is_first_right),
        any_right=mean(lambda o: o.is_any_right),
        best_right=mean(lambda o: o.is_best_right),
        refused=mean(lambda o: not o.is_answered),
        first_quote_characters=float(np.mean(quotes)) if quotes else None,
        exact=mean(lambda o: o.is_exact),
        f1=mean(lambda o: o.f1),
        exact_unread=mean(lambda o: o.is_exact_unread),
        f1_unread=mean(lambda o: o.f1_unread),
        abstention=_abstention(outcomes, seed),
        changed=interval(changed, seed=seed) if changed else None,
        calibration_error=calibration_error(*judged(outcomes)),
        milliseconds_50=float(p50),
        milliseconds_95=float(p95),
        not_verbatim=sum(o.not_verbatim for o in outcomes),
    )


def judged(outcomes: Sequence[Outcome]) -> tuple[list[float], list[bool]]:
    """Return every confidence, and whether what it was put in answers.

    Both of a question: with the documents that answer, and with them hidden, where nothing does.
    """
    hidden = [o.confidence_removed for o in outcomes if o.confidence_removed is not None]
    confidences = [outcome.confidence for outcome in outcomes] + hidden
    return confidences, [outcome.is_best_right for outcome in outcomes] + [False] * len(hidden)


def is_within(outcome: Outcome, k: int) -> bool:
    """Return whether the answer's place is among the first k."""
    return outcome.rank is not None and outcome.rank <= k


def _abstention(outcomes: Sequence[Outcome], seed: int) -> Abstention | None:
    both = [(o, o.confidence_removed) for o in outcomes if o.confidence_removed is not None]
    if not both:
        return None
    present = [outcome.confidence for outcome, _ in both]
    removed = [confidence for _, confidence in both]
    threshold = threshold_refusing(present, _FALSE_REFUSALS)
    return Abstention(
        questions=len(both),
        auroc=auroc(present, removed),
        threshold=threshold,
        false_answers=interval([confidence >= threshold for confidence in removed], seed=seed),
        false_answers_shipped=interval([bool(o.is_answered_removed) for o, _ in both], seed=seed),
        false_refusals_shipped=interval([not o.is_answered for o, _ in both], seed=seed),
    )
