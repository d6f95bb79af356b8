"""What every adapter does: read the task, index the contexts, ask, write the rankings.

An adapter is run as ``PYTHON ADAPTER.py METHOD TASK.json RESULT.json``. It runs in the neighbour's
environment, so this file uses the standard library only.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

Search = Callable[[str, int], list[str]]
"""Takes a question and how many are wanted; returns the ids of contexts, best first."""


@dataclass(frozen=True)
class Task:
    """What is to be indexed and asked, and with which weights.

    Attributes:
        model: an ordinary sentence-transformers folder.
        query_prompt: stands before every question when it is embedded.
        passage_prompt: stands before every context when it is embedded.
        contexts: id → text.
        questions: id → text.
        top_k: how many contexts to return for a question.
        folder: holds the contexts as files in UTF-8, named by their ids, in place of ``contexts``;
            reading them counts as building.
        precision: of the weights, as torch names it: float32, bfloat16.
    """

    model: str
    query_prompt: str
    passage_prompt: str
    contexts: dict[str, str]
    questions: dict[str, str]
    top_k: int
    folder: str = ""
    precision: str = "float32"


def serve(methods: dict[str, Callable[[Task], Search]]) -> None:
    """Run the method named on the command line and write its result.

    Args:
        methods: a method's name → what builds the index for a task and returns its search.

    Raises:
        KeyError: the command line names another method.
    """
    method, task_path, result_path = sys.argv[1:]
    task = Task(**json.loads(Path(task_path).read_text(encoding="utf-8")))
    result = run(methods[method], task)
    beside = Path(result_path + ".part")
    beside.write_text(json.dumps(result), encoding="utf-8")
    beside.replace(result_path)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that a neighbour left waiting for a network must not hold the process up.
    os._exit(0)


def run(build: Callable[[Task], Search], task: Task) -> dict[str, object]:
    """Return the rankings, how long it took, and the packages it was done with.

    ``build_seconds`` includes loading the model; ``milliseconds`` are those of each question, asked
    one at a time; ``peak_bytes`` is the most memory the process ever held.
    """
    started = time.perf_counter()
    search = build(_read(task))
    built = time.perf_counter() - started
    search(next(iter(task.questions.values())), task.top_k)  # the first call pays for warming up
    ranked, seconds = {}, []
    for question_id, question in task.questions.items():
        started = time.perf_counter()
        ranked[question_id] = search(question, task.top_k)
        seconds.append(time.perf_counter() - started)
    return {
        "ranked": ranked,
        "build_seconds": built,
        "median_ms": 1000 * statistics.median(seconds),
        "milliseconds": [1000 * one for one in seconds],
        "peak_bytes": peak_bytes(),
        "packages": {d.metadata["Name"]: d.version for d in metadata.distributions()},
    }


def _read(task: Task) -> Task:
    if not task.folder:
        return task
    files = sorted(Path(task.folder).iterdir())
    return replace(task, contexts={file.stem: file.read_text(encoding="utf-8") for file in files})


def peak_bytes() -> int:
    """Return the most memory that this process ever held; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    # What getrusage says would count the process this one was forked from.
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return 1024 * int(lines["VmHWM"].split()[0])
