"""The two regressions: gradients by finite differences, weights that are known found again."""

import numpy as np
import pytest

from benchmarks.logit import (
    Array,
    Choice,
    choice_objective,
    fit_choices,
    fit_logistic,
    logistic_objective,
)
from index import EvaluationError

TRUE = np.array([3.0, 0.0, 1.5])


def choices(chance: np.random.Generator, count: int) -> list[Choice]:
    """Questions of which exactly one choice is right, drawn by the softmax of the true scores."""
    made = []
    for _ in range(count):
        rows = chance.normal(size=(6, 3)) * [1.0, 20.0, 0.1]
        scores = rows @ (TRUE / [1.0, 20.0, 0.1])
        shares = np.exp(scores) / np.exp(scores).sum()
        made.append(Choice(rows, np.arange(6) == chance.choice(6, p=shares)))
    return made


def assert_gradient(objective: object, at: Array) -> None:
    assert callable(objective)
    _, gradient = objective(at)
    for column in range(len(at)):
        step = np.zeros(len(at))
        step[column] = 1e-6
        slope = (objective(at + step)[0] - objective(at - step)[0]) / 2e-6
        assert gradient[column] == pytest.approx(slope, abs=1e-6)


def test_gradient_of_the_choices() -> None:
    chance = np.random.default_rng(1)
    made = [
        Choice(chance.normal(size=(n, 3)), np.arange(n) < right)
        for n, right in [(2, 1), (5, 2), (3, 1)]
    ]
    objective = choice_objective(made, np.array([0.5, 0.2, 0.3]), penalty=0.1)
    assert_gradient(objective, chance.normal(size=3))


def test_likelihood_of_the_choices_by_hand() -> None:
    """Scores 1, 0, 0 of which the first two are right: (e + 1) / (e + 2)."""
    one = Choice(np.array([[1.0], [0.0], [0.0]]), np.array([True, True, False]))
    loss, _ = choice_objective([one], np.array([1.0]), penalty=0.25)(np.array([1.0]))
    assert loss == pytest.approx(-np.log((np.e + 1) / (np.e + 2)) + 0.25)


def test_true_weights_of_choices_are_found() -> None:
    fitted = fit_choices([choices(np.random.default_rng(2), 3000)], penalty=1e-4)
    assert fitted * [1.0, 20.0, 0.1] == pytest.approx(TRUE, abs=0.25)
    assert (fitted >= 0).all()


def test_what_speaks_against_gets_no_weight() -> None:
    mirrored = [
        Choice(one.rows * [1, 1, -1], one.right) for one in choices(np.random.default_rng(3), 400)
    ]
    fitted = fit_choices([mirrored], penalty=1e-3)
    assert fitted[2] == 0
    assert fitted[0] > 0


def test_each_set_counts_the_same() -> None:
    chance = np.random.default_rng(4)
    small, large = choices(chance, 40), choices(chance, 60)
    once = fit_choices([small, large], penalty=1e-3)
    assert fit_choices([small, large * 3], penalty=1e-3) == pytest.approx(once, rel=5e-3)
    together = fit_choices([small + large * 3], penalty=1e-3)
    assert np.abs(together / np.maximum(once, 1e-9) - 1).max() > 0.01


def test_questions_that_cannot_be_missed_change_nothing() -> None:
    made = choices(np.random.default_rng(5), 50)
    rows = made[0].rows
    extra = [Choice(rows, np.ones(6, np.bool_)), Choice(rows, np.zeros(6, np.bool_))]
    assert fit_choices([made + extra], 1e-3).tolist() == fit_choices([made], 1e-3).tolist()
    assert fit_choices([made, extra], 1e-3).tolist() == fit_choices([made], 1e-3).tolist()
    with pytest.raises(EvaluationError, match="nothing can be fitted"):
        fit_choices([extra], 1e-3)


def test_a_column_that_never_changes_gets_no_weight() -> None:
    made = [
        Choice(np.column_stack([one.rows, np.ones(6)]), one.right)
        for one in choices(np.random.default_rng(6), 50)
    ]
    assert fit_choices([made], 1e-3)[3] == 0


def test_gradient_of_the_logistic_regression() -> None:
    chance = np.random.default_rng(7)
    objective = logistic_objective(
        chance.normal(size=(9, 2)),
        chance.random(9) < 0.5,
        chance.random(9),
        chance.normal(size=9),
        penalty=0.1,
    )
    assert_gradient(objective, chance.normal(size=3))


def test_true_weights_of_the_logistic_regression_are_found() -> None:
    """Intercept -1, weights 2 and -0.04 (of evidence fifty times as wide), an offset of its own."""
    chance = np.random.default_rng(8)
    rows = chance.normal(size=(20_000, 2)) * [1, 50]
    offsets = np.where(chance.random(20_000) < 0.3, -4.0, 0.0)
    logits = -1 + rows @ np.array([2, -0.04]) + offsets
    labels = chance.random(20_000) < 1 / (1 + np.exp(-logits))
    counts = np.full(20_000, 1 / 20_000)
    fitted = fit_logistic(rows, labels, counts, offsets, penalty=1e-6)
    assert fitted * [1, 1, 50] == pytest.approx([-1, 2, -2], abs=0.1)
