"""One thing measured in a fresh process: ``python -m benchmarks.worker NAME TASK RESULT``."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.adapters.protocol import peak_bytes
from benchmarks.runs import Figures, bytes_under

# The adapters of the neighbours import theirs before the clock runs, too.
_ENGINES = ("torch", "sentence_transformers", "faiss", "tantivy", "jieba")


def _index(task: Figures) -> Figures:
    """Index a folder from nothing."""
    from index import build_index

    for name in _ENGINES:
        with contextlib.suppress(ImportError):  # another engine may do its work by now
            import_module(name)
    started = time.perf_counter()
    report = build_index(task["documents"], index_dir=task["index"], model=task["model"])
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "failed": len(report.failed),
        "disk_bytes": bytes_under(Path(task["index"])),
    }


def _forward(task: Figures) -> Figures:
    """Run texts through the bare model."""
    from benchmarks.forward import time_pass

    return time_pass(task["texts"], task["precision"])


def _grow(task: Figures) -> Figures:
    """Index composed documents, then add some one by one."""
    from benchmarks.growing import grow

    return grow(task)


def _examine(task: Figures) -> Figures:
    """Ask a grown index, and look at its memory."""
    from benchmarks.growing import examine

    return examine(task)


_WORKERS: dict[str, Callable[[Figures], Figures]] = {
    "index": _index,
    "forward": _forward,
    "grow": _grow,
    "examine": _examine,
}


def main(arguments: Sequence[str]) -> None:
    """Do what the task says; write what was measured, with the most memory held."""
    name, task, result = arguments
    found = _WORKERS[name](json.loads(Path(task).read_text(encoding="utf-8")))
    found["peak_bytes"] = peak_bytes()
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
