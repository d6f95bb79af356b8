"""Numbers and tables as the reports write them."""

from collections.abc import Iterable, Sequence

from qa.evaluation import Interval

NONE = "–"
"""Stands for a number that there is none of."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def counted(number: int, name: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def share(value: float) -> str:
    """Return a number between 0 and 1."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """Return a change."""
    return f"{round(value, 3) + 0.0:+.3f}"  # not -0.000


def optional(value: float | None) -> str:
    """Return a number between 0 and 1, if there is one."""
    return NONE if value is None else share(value)


def within(value: Interval) -> str:
    """Return a mean and its interval."""
    return f"{share(value.mean)} ({share(value.low)}–{share(value.high)})"
