"""What a build did, as data: for ``--report`` and for whoever reads it with a program."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from index.durable import replace_text
from index.types import BuildReport, FileReport


def report_as_json(report: BuildReport) -> dict[str, object]:
    """Return a build's report as JSON has it: what was done, totals, and every file."""
    return {
        "index": report.index_dir,
        "generation": report.generation,
        "is_new": report.is_new,
        "token_vectors": report.token_vectors,
        "notes": list(report.notes),
        "totals": totals(report),
        "files": [_file(file) for file in report.files],
    }


def totals(report: BuildReport) -> dict[str, Any]:
    """Return the sums over all files, and of the build as a whole."""
    facts = [file.facts for file in report.files if file.facts is not None]
    dropped = Counter[str]()
    for one in facts:
        dropped.update({drop.reason: drop.count for drop in one.dropped})
    looked_at = [one.garbled for one in facts if one.garbled is not None]
    return {
        "files": dict(sorted(Counter(file.status for file in report.files).items())),
        "documents": report.documents,
        "paragraphs_kept": report.passages,
        "lines_merged": sum(one.merged for one in facts),
        "dropped": dict(sorted(dropped.items())),
        "duplicates": sum(file.duplicates for file in report.files),
        "suspected_garble": sum(looked_at) if looked_at else None,
        "noise_removed": report.removed_noise,
        "embedded": report.embedded,
        "reused": report.reused,
        "seconds": round(report.seconds, 3),
    }


def _file(file: FileReport) -> dict[str, object]:
    facts = file.facts
    return {
        "path": file.path,
        "status": file.status,
        "reason": file.reason,
        "kind": facts.kind if facts else None,
        "encoding": file.encoding or None,
        "paragraphs_kept": file.kept,
        "lines_merged": facts.merged if facts else 0,
        "dropped": {drop.reason: drop.count for drop in facts.dropped} if facts else {},
        "duplicates": file.duplicates,
        "suspected_garble": facts.garbled if facts else None,
        "noise_removed": facts.removed_noise if facts else 0,
        "notes": list(facts.notes) if facts else [],
        "seconds": round(file.seconds, 3),
    }


def write_report(report: BuildReport, path: str | Path) -> None:
    """Write a build's report as a JSON file, replacing one that is there."""
    text = json.dumps(report_as_json(report), ensure_ascii=False, indent=2)
    replace_text(Path(path).expanduser(), text + "\n")
