"""Measures of a confidence, by hand and by brute force."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluation.measures import (
    Bin,
    auroc,
    calibration_error,
    reliability,
    risk_coverage,
    threshold_refusing,
)

# Few distinct values, so that ties are common.
SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=30)


def brute_force_auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    wins = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    return sum(wins) / len(wins)


def test_auroc_by_hand() -> None:
    # Of six pairs .8 wins both, .4 wins one and ties one, .2 ties one: 2 + 1.5 + .5 = 4
    assert auroc([0.8, 0.4, 0.2], [0.4, 0.2]) == pytest.approx(4 / 6)
    assert auroc([1, 2], [0, 0.5]) == 1
    assert auroc([0.5], [0.5]) == 0.5
    assert math.isnan(auroc([], [1.0]))


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_won(positives: list[float], negatives: list[float]) -> None:
    expected = brute_force_auroc(positives, negatives)
    assert auroc(positives, negatives) == pytest.approx(expected)


@given(SCORES, st.sampled_from([0.0, 0.05, 0.2, 0.5]))
def test_the_threshold_is_the_highest_that_refuses_so_few(
    confidences: list[float], share: float
) -> None:
    threshold = threshold_refusing(confidences, share)

    def refused(at: float) -> float:
        return sum(confidence < at for confidence in confidences) / len(confidences)

    assert refused(threshold) <= share + 1e-9
    higher = [confidence for confidence in confidences if confidence > threshold]
    assert all(refused(at) > share for at in higher)


def test_threshold_by_hand() -> None:
    # One of twenty is five per cent.
    assert threshold_refusing([n / 20 for n in range(20)], 0.05) == 1 / 20
    assert threshold_refusing([0.3, 0.3, 0.9], 0.5) == 0.3


def test_reliability_by_hand() -> None:
    confidences, right = [0.05, 0.15, 0.19, 1.0], [True, False, True, True]
    first, second, last = reliability(confidences, right)
    assert (first, last) == (Bin(1, 0.05, 1.0), Bin(1, 1.0, 1.0))
    assert (second.count, second.right) == (2, 0.5)
    assert second.confidence == pytest.approx(0.17)
    # (.95 + 2 · .33 + 0) / 4
    assert calibration_error(confidences, right) == pytest.approx(0.4025)


def test_risk_coverage_by_hand() -> None:
    coverage, risk = risk_coverage([0.2, 0.9, 0.5, 0.5], [True, True, False, True])
    assert coverage == [0.25, 0.75, 1.0]
    assert risk == pytest.approx([0.0, 1 / 3, 1 / 4])


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1))
def test_every_point_is_what_a_threshold_gives(pairs: list[tuple[float, bool]]) -> None:
    coverage, risk = risk_coverage([c for c, _ in pairs], [r for _, r in pairs])
    for threshold, share, wrong in zip(
        sorted({c for c, _ in pairs}, reverse=True), coverage, risk, strict=True
    ):
        answered = [right for confidence, right in pairs if confidence >= threshold]
        assert share == pytest.approx(len(answered) / len(pairs))
        assert wrong == pytest.approx(answered.count(False) / len(answered))
