"""Results of the timed benchmarks as pictures."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.indexing import FLOOR, OURS
from benchmarks.load import percentile
from benchmarks.performance import all_of, beyond_model, is_measured
from benchmarks.querying import ASK, FORWARD, SCAN
from benchmarks.runs import Figures, spread
from index import cache_dir

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours of the palette of Okabe and Ito (2008), which the colour-blind tell apart too.
_BLUE, _VERMILION, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#767676"
_MIB = 2**20


def draw_index(figures: Figures, path: Path) -> None:
    """Draw passages a second of everybody: a bar to the median, a line from least to largest."""
    systems = {name: one for name, one in figures["systems"].items() if is_measured(one)}
    figure = _new_figure(7.0, 1.2 + 0.32 * len(systems))
    axes = figure.subplots()
    for row, (name, one) in enumerate(reversed(systems.items())):
        rate = spread([figures["passages"] / seconds for seconds in one["seconds"]])
        color = _VERMILION if name.startswith(OURS) else _GREY if name.startswith(FLOOR) else _BLUE
        axes.barh(row, rate.middle, color=color)
        axes.plot([rate.low, rate.high], [row, row], color="black", linewidth=1)
        axes.annotate(f"{rate.middle:.1f}", (rate.high, row), (4, -3), textcoords="offset points")
    axes.set_yticks(range(len(systems)), list(reversed(systems)))
    axes.set_xlabel("passages a second")
    axes.set_title(f"Indexing {figures['documents']:,} documents")
    axes.margins(x=0.12)
    _save(figure, path)


def draw_scale(figures: Figures, path: Path) -> None:
    """Draw time, disk, memory and latency over the number of passages, on log axes."""
    figure = _new_figure(9.0, 6.4)
    panels = figure.subplots(2, 2)
    sizes = figures["sizes"]
    counts = [one["passages"] for one in sizes]

    def draw(axes: "Axes", label: str, color: str, value: Callable[[Figures], float]) -> None:
        # A log axis shows no zero, and memory may shrink.
        values = [max(value(one), 0.01) for one in sizes]
        axes.plot(counts, values, marker="o", markersize=4, color=color, label=label)

    time, disk, memory, latency = panels.flat
    draw(time, "indexing, no forward pass", _BLUE, lambda one: one["grown"]["seconds"])
    draw(time, "adding a document", _GREEN, lambda one: median(one["grown"]["add_seconds"]))
    draw(disk, "on disk", _BLUE, lambda one: one["grown"]["disk_bytes"] / _MIB)
    draw(disk, "vectors alone", _GREY, lambda one: one["vector_bytes"] / _MIB)
    draw(
        memory, "asking, beyond the model", _BLUE, lambda one: beyond_model(one, "anonymous") / _MIB
    )
    draw(memory, "asking, mapped files", _GREY, lambda one: beyond_model(one, "mapped") / _MIB)
    draw(
        memory,
        "indexing, at most, with the model",
        _VERMILION,
        lambda one: one["grown"]["peak_bytes"] / _MIB,
    )
    draw(latency, "ask, p95", _VERMILION, lambda one: _milliseconds(one, ASK, 95))
    draw(latency, "ask, p50", _BLUE, lambda one: _milliseconds(one, ASK, 50))
    draw(latency, "query forward pass", _GREY, lambda one: _milliseconds(one, FORWARD, 50))
    draw(latency, "flat scan", _GREEN, lambda one: _milliseconds(one, SCAN, 50))
    titles = ("Time, s", "Disk, MiB", "Memory, MiB", "A question, ms")
    for axes, title in zip(panels.flat, titles, strict=True):
        axes.set(xscale="log", yscale="log", title=title, xlabel="passages")
        axes.grid(color="#E6E6E6", linewidth=0.8)
        axes.legend(frameon=False, fontsize="small")
    _save(figure, path)


def _milliseconds(size: Figures, name: str, percent: int) -> float:
    return percentile(all_of(size["milliseconds"][name]), percent)


def _new_figure(width: float, height: float) -> "Figure":
    # matplotlib keeps a list of fonts; it belongs with what else can be made again.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_dir() / "matplotlib"))
    # A figure of its own, without pyplot, needs no display and leaves nothing behind.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib import rc_context

    # Without a date and with a fixed salt the same figures give the same file.
    with rc_context({"svg.hashsalt": "yinzheng"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
