"""Figures of a few outcomes, computed by hand."""

import pytest

from qa.evaluation import Outcome
from qa.evaluation.figures import compute_figures


def outcome(
    rank: int | None,
    confidence: float,
    removed: float | None,
    *,
    right: str = "",
    characters: int | None = 10,
    f1: float = 0.0,
    seconds: float = 0.1,
) -> Outcome:
    """An outcome at a threshold of .5; ``right`` holds f(irst), a(ny), b(est), e(xact)."""
    return Outcome(
        id="q",
        rank=rank,
        confidence=confidence,
        is_answered=confidence >= 0.5,
        is_first_right="f" in right,
        is_any_right="a" in right,
        is_best_right="b" in right,
        first_quote_characters=characters if confidence >= 0.5 else None,
        is_exact="e" in right,
        f1=f1,
        is_exact_unread=False,
        f1_unread=f1 / 2,
        not_verbatim=0,
        seconds=seconds,
        confidence_removed=removed,
        is_answered_removed=None if removed is None else removed >= 0.5,
    )


def test_by_hand() -> None:
    figures = compute_figures(
        [
            outcome(1, 0.9, 0.6, right="fabe", characters=20, f1=1.0),
            outcome(2, 0.8, 0.1, right="ab", seconds=0.2, f1=0.6),
            outcome(11, 0.4, 0.4, right="b", seconds=0.3),
            outcome(None, 0.7, None),
        ],
        seed=1,
    )
    shares = (figures.recall_1, figures.recall_5, figures.recall_20, figures.mrr)
    assert [share.mean for share in shares] == [0.25, 0.5, 0.75, 0.375]
    quotes = (figures.first_right, figures.any_right, figures.best_right, figures.refused)
    assert [share.mean for share in quotes] == [0.25, 0.5, 0.75, 0.25]
    assert figures.first_quote_characters == pytest.approx(40 / 3)
    phrases = (figures.exact, figures.f1, figures.exact_unread, figures.f1_unread)
    assert [share.mean for share in phrases] == pytest.approx([0.25, 0.4, 0.0, 0.2])
    assert figures.milliseconds_50 == pytest.approx(150)
    # .9, .8, .7, .6 and .1 have a bin each, 1, 1, 0, 0, 0 of them right; one of two is at .4
    assert figures.calibration_error == pytest.approx((0.1 + 0.2 + 0.7 + 0.6 + 0.1 + 2 * 0.1) / 7)
    abstention = figures.abstention
    assert abstention is not None
    assert abstention.questions == 3
    # .9 and .8 win three each; .4 loses, wins, ties
    assert abstention.auroc == pytest.approx(7.5 / 9)
    assert abstention.threshold == 0.4
    assert abstention.false_answers.mean == pytest.approx(2 / 3)
    assert abstention.false_answers_shipped.mean == pytest.approx(1 / 3)
    assert abstention.false_refusals_shipped.mean == pytest.approx(1 / 3)
    assert all(share.low <= share.mean <= share.high for share in (*shares, *quotes))


def test_what_cannot_be_said_is_none() -> None:
    figures = compute_figures([outcome(None, 0.1, None)], seed=1)
    assert figures.abstention is None
    assert figures.first_quote_characters is None
    assert figures.refused.mean == 1
