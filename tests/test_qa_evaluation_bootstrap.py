"""Intervals against what is known of the mean."""

import math

import numpy as np
import pytest

from qa.evaluation import Interval, interval, paired_difference
from qa.evaluation.bootstrap import interval_of


def test_the_interval_of_a_share_is_the_binomial_one() -> None:
    values = [1.0] * 300 + [0.0] * 100
    found = interval(values)
    half = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert found.mean == 0.75
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.006)


def test_equal_values_leave_no_doubt() -> None:
    assert interval([0.5] * 7) == Interval(0.5, 0.5, 0.5)
    shifted = paired_difference([0.1, 0.2], [0.35, 0.45])
    assert (shifted.mean, shifted.low, shifted.high) == pytest.approx((0.25, 0.25, 0.25))


def test_pairs_are_drawn_together() -> None:
    chance = np.random.default_rng(5)
    hard = chance.integers(0, 2, 200)  # what a question costs both runs
    before, after = hard * 0.9, hard * 0.9 + 0.01
    paired = paired_difference(before.tolist(), after.tolist())
    alone = interval(before.tolist())
    assert paired.high - paired.low < 1e-9
    assert alone.high - alone.low > 0.1
    assert paired.mean == pytest.approx(0.01)


def test_the_difference_has_a_sign_and_a_seed() -> None:
    before, after = [0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]
    there, back = paired_difference(before, after), paired_difference(after, before)
    assert there == paired_difference(before, after)
    assert (there.mean, there.low, there.high) == (0.5, -back.high, -back.low)
    values = np.random.default_rng(2).random(50).tolist()
    assert interval(values, seed=1) == interval(values, seed=1) != interval(values, seed=2)


def test_many_values_are_drawn_in_parts() -> None:
    values = np.random.default_rng(3).random(5000)
    found = interval(values.tolist(), resamples=1000)
    half = 1.96 * values.std() / math.sqrt(5000)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.15)


def test_what_cannot_be_paired_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 values before, 1 after"):
        paired_difference([0.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_a_statistic_of_both_values() -> None:
    chance = np.random.default_rng(4)
    before = chance.random(300)
    after = before + chance.normal(0.1, 0.2, 300)
    found = interval_of(lambda a, b: float((b - a).mean()), before.tolist(), after.tolist())
    paired = paired_difference(before.tolist(), after.tolist())
    assert found.mean == pytest.approx(paired.mean)
    assert (found.low, found.high) == pytest.approx((paired.low, paired.high), abs=0.004)
    with pytest.raises(ValueError, match="1 values and 2"):
        interval_of(lambda a, b: float((b - a).mean()), [0.0], [1.0, 2.0])
