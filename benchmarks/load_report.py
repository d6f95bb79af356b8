"""What a load did to a server, as a table and as a page of the documentation."""

import os
import platform
from pathlib import Path

from rich.table import Table

from benchmarks.load import Measured, percentile

REPORT = Path(__file__).parent.parent / "docs" / "load.md"
_PERCENT = (50, 95, 99)
_MIB = 1024 * 1024


def to_table(measured: Measured) -> Table:
    """Return the times by door."""
    table = Table(title=_conditions(measured))
    for name in ("door", "answers", *(f"p{percent} s" for percent in _PERCENT), "longest s"):
        table.add_column(name, justify="left" if name == "door" else "right")
    for row in _rows(measured):
        table.add_row(*row)
    return table


def write_report(measured: Measured, command: str, path: Path) -> None:
    """Write the page."""
    heads = ["door", "answers", *(f"p{percent} s" for percent in _PERCENT), "longest s"]
    lines = [
        "# Under load",
        "",
        f"Written by `{command}`. {_conditions(measured)}",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in _rows(measured)),
        "",
        *(f"- {line}" for line in facts(measured)),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def facts(measured: Measured) -> list[str]:
    """Return what else was measured, a sentence each."""
    sizes = [size for _, size in measured.memory]
    rebuilds = " and ".join(f"{seconds:.0f} s" for seconds in measured.rebuilds)
    return [
        f"Errors: {len(measured.errors)}. An answer that lacks a quote it had before the load is "
        "one, and so is every status but 200.",
        f"The index was rebuilt from nothing meanwhile, in {rebuilds}.",
        f"A file that only claims to be a PDF was uploaded. The server: {measured.refused}",
        f"Memory of the server: at most {max(sizes) / _MIB:,.0f} MiB; in the last fifth of the "
        f"time {measured.growth:+.1%} against the second (medians; the first is the warm-up).",
    ]


def _conditions(measured: Measured) -> str:
    plan = measured.plan
    return (
        f"{plan.readers} readers for {plan.seconds:.0f} s, each asking again {plan.pause:.0f} s "
        f"after an answer in the mean; the readers and the server share one machine with "
        f"{os.cpu_count()} cores ({platform.machine()})."
    )


def _rows(measured: Measured) -> list[list[str]]:
    return [
        [
            door,
            f"{len(seconds):,}",
            *(f"{percentile(seconds, percent):.2f}" for percent in _PERCENT),
            f"{max(seconds):.2f}",
        ]
        for door, seconds in sorted(measured.seconds.items())
    ]
