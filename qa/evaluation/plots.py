"""An evaluation as pictures. The only file that knows matplotlib."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from index import cache_dir
from qa.evaluation.figures import is_within, judged
from qa.evaluation.measures import reliability, risk_coverage
from qa.evaluation.runner import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Two colours of the palette of Okabe and Ito (2008), which the colour-blind tell apart too.
_BLUE, _VERMILION = "#0072B2", "#D55E00"
_GREY = "#767676"
_INCHES = (7.0, 4.4)


def write_plots(evaluation: Evaluation, folder: str | Path) -> list[Path]:
    """Write recall, risk against coverage, and reliability as SVG; return the files.

    Args:
        evaluation: what is shown.
        folder: made when it is not there; files of the same names are replaced.
    """
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"recall": _recall, "risk_coverage": _risk_coverage, "reliability": _reliability}
    paths = [folder / f"{name}.svg" for name in pictures]
    for path, draw in zip(paths, pictures.values(), strict=True):
        figure, axes = _new_figure()
        draw(evaluation, axes)
        _save(figure, path)
    return paths


def _new_figure() -> "tuple[Figure, Axes]":
    # matplotlib keeps a list of fonts; it belongs with what else can be made again.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_dir() / "matplotlib"))
    # A figure of its own, without pyplot, needs no display and leaves nothing behind.
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib import rc_context

    # Without a date and with a fixed salt the same figures give the same file.
    with rc_context({"svg.hashsalt": "yinzheng"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def _recall(evaluation: Evaluation, axes: "Axes") -> None:
    outcomes, top_k = evaluation.outcomes, evaluation.settings.top_k
    ks = range(1, top_k + 1)
    shares = [sum(is_within(o, k) for o in outcomes) / len(outcomes) for k in ks]
    axes.plot(ks, shares, color=_BLUE, marker="o", markersize=4)
    for k in (1, 5, top_k):
        axes.annotate(
            f"{shares[k - 1]:.3f}", (k, shares[k - 1]), (0, -16), textcoords="offset points"
        )
    axes.set_title(
        f"How often the answer's place is among the first k ({len(outcomes):,} questions)"
    )
    axes.set_xlabel("k")
    axes.set_ylabel("R@k")
    axes.set_xticks([1, *range(5, top_k + 1, 5)])
    axes.set_ylim(min(0.8, max(0.0, shares[0] - 0.1)), 1.01)


def _risk_coverage(evaluation: Evaluation, axes: "Axes") -> None:
    confidences = [outcome.confidence for outcome in evaluation.outcomes]
    right = [outcome.is_best_right for outcome in evaluation.outcomes]
    coverage, risk = risk_coverage(confidences, right)
    axes.plot(coverage, risk, color=_BLUE, drawstyle="steps-post")
    threshold = evaluation.settings.threshold
    at = sum(confidence >= threshold for confidence in confidences) / len(confidences)
    shown = f"shipped threshold {threshold:g}: {at:.1%} answered"
    axes.axvline(at, color=_VERMILION, linestyle="--", label=shown)
    axes.legend(loc="upper left", frameon=False)
    axes.set_title("How many first quotes are wrong when only the surest are given")
    axes.set_xlabel("share of the questions answered, the most confident first")
    axes.set_ylabel("share of these whose first quote is wrong")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, max(0.1, 1.25 * max(risk)))


def _reliability(evaluation: Evaluation, axes: "Axes") -> None:
    bins = reliability(*judged(evaluation.outcomes))
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="as confident as right")
    confidences, shares = [one.confidence for one in bins], [one.right for one in bins]
    axes.plot(confidences, shares, color=_BLUE, marker="o", label="measured, with how many")
    for one in bins:
        axes.annotate(
            f"{one.count:,}", (one.confidence, one.right), (6, -12), textcoords="offset points"
        )
    axes.legend(loc="lower right", frameon=False)
    error = evaluation.figures.calibration_error
    axes.set_title(f"How far the confidence can be taken at its word (mean error {error:.3f})")
    axes.set_xlabel("mean confidence of ten bins")
    axes.set_ylabel("share whose best quote answers")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(-0.06, 1.05)  # room for the numbers below the points
