"""How far a figure would move with other questions of the same kind: the bootstrap.

Questions are drawn again with replacement (Efron, 1979), the pairs of two runs together, so that
what a hard question costs both of them is not taken for a difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

RESAMPLES = 10_000
RESAMPLES_OF_PAIRS = 1_000
"""Of statistics that have to be computed anew for each."""
SEED = 1
_DRAWN_AT_ONCE = 4_000_000  # indices in memory


@dataclass(frozen=True)
class Interval:
    """A mean and where 95 % of the resampled means lie."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """Return the mean of per-question values and its 95 % interval (percentiles).

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("no values to resample")
    of_each = np.asarray(values, np.float64)
    chance = np.random.default_rng(seed)
    step = max(1, _DRAWN_AT_ONCE // len(of_each))
    means = [
        of_each[chance.integers(len(of_each), size=(min(step, resamples - at), len(of_each)))].mean(
            axis=1
        )
        for at in range(0, resamples, step)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(of_each.mean()), float(low), float(high))


def paired_difference(
    before: Sequence[float],
    after: Sequence[float],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the mean of ``after - before`` and its 95 % interval.

    Args:
        before: one value for each question.
        after: the same questions' values in the same order.
        resamples: how often the questions are drawn.
        seed: the same seed draws the same questions.

    Raises:
        ValueError: the two are not of one length, or empty.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values before, {len(after)} after: give pairs")
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    return interval(differences.tolist(), resamples=resamples, seed=seed)


def interval_of(
    statistic: Callable[[FloatArray, FloatArray], float],
    first: Sequence[float],
    second: Sequence[float],
    *,
    resamples: int = RESAMPLES_OF_PAIRS,
    seed: int = SEED,
) -> Interval:
    """Return a statistic of two values a question, such as the AUROC, and its 95 % interval.

    Args:
        statistic: computed anew for each resample, which is why there are fewer of them.
        first: one value for each question.
        second: the same questions' other values in the same order.
        resamples: how often the questions are drawn.
        seed: the same seed draws the same questions.

    Raises:
        ValueError: the two are not of one length, or empty.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"{len(first)} values and {len(second)}: give pairs")
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    chance = np.random.default_rng(seed)
    drawn = (chance.integers(len(one), size=len(one)) for _ in range(resamples))
    low, high = np.percentile([statistic(one[rows], other[rows]) for rows in drawn], [2.5, 97.5])
    return Interval(statistic(one, other), float(low), float(high))
