"""A kept report of ``python -m qa eval --json FILE --plots FOLDER``, read back to be shown.

Whoever runs the server puts it into a folder: one JSON file, and beside it the pictures. What is
read is checked, and a picture is only ever shown as one: what it holds is not run.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from index import ReportError

SHARES = (
    *("recall_1", "recall_5", "recall_20", "mrr"),
    *("first_right", "any_right", "best_right", "refused"),
)
"""Figures that come with an interval."""
ABSTENTION = ("false_answers_shipped", "false_refusals_shipped")
NUMBERS = ("calibration_error", "milliseconds_50", "milliseconds_95", "not_verbatim")
PICTURES = ("recall", "risk_coverage", "reliability")
_MOST_BYTES = 64 << 20
_MOST_PICTURE_BYTES = 2 << 20


@dataclass(frozen=True)
class Figure:
    """A measured number; the interval holds 95 % of the resampled ones.

    Attributes:
        name: as ``qa.evaluation.Figures`` has it.
        value: what was measured.
        low: where the interval begins; None when there is none.
        high: where it ends.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class QualityReport:
    """What an evaluation found.

    Attributes:
        path: of the JSON file.
        written: when.
        questions: name of the file of questions.
        asked: how many questions.
        documents: how many documents the index had.
        passages: how many passages.
        model: the embedding model's name.
        figures: in the order they are shown.
        pictures: SVG by name.
    """

    path: Path
    written: datetime
    questions: str
    asked: int
    documents: int
    passages: int
    model: str
    figures: tuple[Figure, ...]
    pictures: Mapping[str, bytes]


def read_quality_report(folder: Path) -> QualityReport | None:
    """Return the newest report in a folder; None when it has none.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    try:
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        return _read(files[-1]) if files else None
    except OSError as error:
        raise ReportError(f"{folder} cannot be read ({error}). Check its permissions.") from error


def _read(path: Path) -> QualityReport:
    try:
        values = json.loads(_bounded(path, _MOST_BYTES))
        settings, figures = values["settings"], values["figures"]
        return QualityReport(
            path=path,
            written=datetime.fromtimestamp(path.stat().st_mtime, timezone.utc),
            questions=Path(str(settings["questions"])).name,
            asked=int(figures["questions"]),
            documents=int(settings["documents"]),
            passages=int(settings["passages"]),
            model=str(settings["model"]),
            figures=_figures(figures),
            pictures=_pictures(path.parent),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ReportError(
            f"{path} is no report of python -m qa eval ({reason}). Write it again with --json."
        ) from error


def _figures(values: dict[str, Any]) -> tuple[Figure, ...]:
    abstention = values["abstention"] or {}
    shares = [(name, values[name]) for name in SHARES]
    shares += [(name, abstention[name]) for name in ABSTENTION if abstention]
    found = [
        Figure(name, _number(one["mean"]), _number(one["low"]), _number(one["high"]))
        for name, one in shares
    ]
    return (*found, *(Figure(name, _number(values[name])) for name in NUMBERS))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{value!r:.40} where a number belongs")
    return float(value)


def _pictures(folder: Path) -> dict[str, bytes]:
    paths = {name: folder / f"{name}.svg" for name in PICTURES}
    return {
        name: _bounded(path, _MOST_PICTURE_BYTES) for name, path in paths.items() if path.is_file()
    }


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} has more than {most:,} bytes")
    return content
