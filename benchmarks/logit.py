"""Two regressions with few weights: of choices (conditional logit) and of yes and no (logistic)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from index import EvaluationError

Array = npt.NDArray[np.float64]
_Objective = Callable[[Array], tuple[float, Array]]
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Choice:
    """What there was to choose from for one question.

    Attributes:
        rows: the evidence of each, ``(n, kinds of evidence)``.
        right: which of them are right.
    """

    rows: Array
    right: npt.NDArray[np.bool_]

    @property
    def can_be_missed(self) -> bool:
        """Whether some are right and some are wrong: of the others nothing can be learned."""
        return bool(self.right.any() and not self.right.all())


def fit_choices(sets: Sequence[Sequence[Choice]], penalty: float) -> Array:
    """Return the weights, none below 0, that make the right choice the likeliest.

    A conditional logit (McFadden, 1974): a question's choices share its probability by a softmax
    of their scores; what is maximised is the mean logarithm of what all right ones
    get together.

    Args:
        sets: each counts as much as any other.
        penalty: of the squared weights of evidence in standard deviations.

    Raises:
        EvaluationError: no question has both right and wrong choices.
    """
    from scipy.optimize import minimize

    used = [[one for one in choices if one.can_be_missed] for choices in sets]
    used = [choices for choices in used if choices]
    if not used:
        raise EvaluationError(
            "No question can be answered both rightly and wrongly, so nothing can be fitted. "
            "Give sets with more contexts."
        )
    counts = [1 / (len(choices) * len(used)) for choices in used for _ in choices]
    choices = [one for of_set in used for one in of_set]
    scale = _scale(np.concatenate([one.rows for one in choices]))
    objective = choice_objective(
        [replace(one, rows=one.rows / scale) for one in choices], np.array(counts), penalty
    )
    start = np.zeros(len(scale))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(scale))
    fitted: Array = found.x / scale
    return fitted


def choice_objective(choices: Sequence[Choice], counts: Array, penalty: float) -> _Objective:
    """Return the penalised negative log-likelihood of weights, with its gradient.

    Args:
        choices: those of each question; none may be empty.
        counts: what each question counts, ``(len(choices),)``.
        penalty: of the squared weights.
    """
    rows = np.concatenate([one.rows for one in choices])
    right = np.concatenate([one.right for one in choices]).astype(np.float64)
    lengths = [len(one.right) for one in choices]
    starts = np.cumsum([0, *lengths[:-1]])
    of = np.repeat(np.arange(len(choices)), lengths)  # the question of each row

    def objective(weights: Array) -> tuple[float, Array]:
        scores = rows @ weights
        shares = np.exp(scores - np.maximum.reduceat(scores, starts)[of])
        total = np.add.reduceat(shares, starts)
        rightly = np.add.reduceat(shares * right, starts) + _TINY
        loss = -float(counts @ np.log(rightly / total)) + penalty * float(weights @ weights)
        pull = shares * (right / rightly[of] - 1 / total[of]) * counts[of]
        return loss, -(rows.T @ pull) + 2 * penalty * weights

    return objective


def _scale(rows: Array) -> Array:
    """Return the standard deviation of each column, for one without any what makes it nothing."""
    deviation: Array = rows.std(axis=0)
    return np.where(deviation > 1e-9, deviation, np.inf)


def fit_logistic(
    rows: Array, labels: npt.NDArray[np.bool_], counts: Array, offsets: Array, penalty: float
) -> Array:
    """Return intercept and weights of a logistic regression.

    Args:
        rows: ``(n, kinds of evidence)``.
        labels: what each row should give.
        counts: what each row counts.
        offsets: added to the logit of each row.
        penalty: of the squared weights of evidence in standard deviations; the intercept is free.
    """
    from scipy.optimize import minimize

    scale = _scale(rows)
    objective = logistic_objective(rows / scale, labels, counts, offsets, penalty)
    found = minimize(objective, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B")
    fitted: Array = found.x / np.append(1.0, scale)
    return fitted


def logistic_objective(
    rows: Array, labels: npt.NDArray[np.bool_], counts: Array, offsets: Array, penalty: float
) -> _Objective:
    """Return the penalised cross-entropy of intercept and weights, with its gradient."""
    with_one = np.column_stack([np.ones(len(rows)), rows])
    target = labels.astype(np.float64)
    free = np.append(0.0, np.ones(rows.shape[1]))

    def objective(weights: Array) -> tuple[float, Array]:
        logits = with_one @ weights + offsets
        loss = counts @ (np.logaddexp(0.0, logits) - target * logits)
        errors = counts * (1 / (1 + np.exp(-logits)) - target)
        gradient = with_one.T @ errors + 2 * penalty * free * weights
        return float(loss) + penalty * float(free @ weights**2), gradient

    return objective
