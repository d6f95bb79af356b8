"""An evaluation as JSON, for other programs and for comparing two runs."""

import json
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from index import replace_text
from qa.evaluation.runner import Evaluation

_PACKAGES = (
    *("yinzheng", "faiss-cpu", "jieba", "numpy", "opencc"),
    *("sentence-transformers", "tantivy", "torch"),
)


def write_json(evaluation: Evaluation, path: str | Path) -> None:
    """Write settings, versions, figures and one row a question; a reader sees all or nothing."""
    text = json.dumps(as_json(evaluation), ensure_ascii=False, indent=1, allow_nan=False)
    replace_text(Path(path).expanduser(), text + "\n")


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """Return an evaluation as JSON has it; the figures are explained in ``figures.py``."""
    return {
        "settings": asdict(evaluation.settings),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in _PACKAGES},
        "figures": asdict(evaluation.figures),
        "questions": [asdict(outcome) for outcome in evaluation.outcomes],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return None
