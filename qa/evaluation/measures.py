"""Measures of a confidence, computed from numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BINS = 10


def auroc(
    positives: Sequence[float] | FloatArray, negatives: Sequence[float] | FloatArray
) -> float:
    """Return the chance that a positive scores above a negative, ties counting one half.

    By the ranks of the positives (Mann and Whitney, 1947). NaN when either side is empty.
    """
    if not len(positives) or not len(negatives):
        return float("nan")
    scores = np.concatenate([positives, negatives])
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place]  # tied scores share the mean of their ranks
    n, m = len(positives), len(negatives)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def threshold_refusing(confidences: Sequence[float], share: float) -> float:
    """Return the highest threshold that refuses at most this share of the confidences.

    Refused is what lies below the threshold, not what lies on it.
    """
    ordered = np.sort(np.asarray(confidences, np.float64))
    # The last of equal confidences may be refused only with all of them.
    refusable = int(np.floor(share * len(ordered) + 1e-9))
    return float(ordered[min(refusable, len(ordered) - 1)])


@dataclass(frozen=True)
class Bin:
    """Questions of like confidence: how many, their mean confidence, the share that was right."""

    count: int
    confidence: float
    right: float


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> list[Bin]:
    """Return the bins of a reliability diagram that hold questions, ten equally wide ones."""
    of_each = np.asarray(confidences, np.float64)
    was_right = np.asarray(right, np.float64)
    bins: npt.NDArray[np.int64] = np.minimum((of_each * BINS).astype(np.int64), BINS - 1)
    return [
        Bin(
            int((bins == number).sum()),
            float(of_each[bins == number].mean()),
            float(was_right[bins == number].mean()),
        )
        for number in np.unique(bins)
    ]


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the expected calibration error: |confidence - share right|, weighed by bin size.

    After Naeini, Cooper and Hauskrecht (2015).
    """
    bins = reliability(confidences, right)
    total = sum(one.count for one in bins)
    return sum(one.count / total * abs(one.confidence - one.right) for one in bins)


def risk_coverage(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[list[float], list[float]]:
    """Return coverage and risk when the most confident questions are answered first.

    Coverage is the share of questions answered, risk the share of those that are wrong; one point
    for each distinct confidence, since equal ones cannot be told apart.
    """
    order = np.argsort(-np.asarray(confidences, np.float64), kind="stable")
    ordered = np.asarray(confidences, np.float64)[order]
    wrong = np.cumsum(~np.asarray(right, np.bool_)[order])
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1
    return (ends / len(ordered)).tolist(), (wrong[ends - 1] / ends).tolist()
