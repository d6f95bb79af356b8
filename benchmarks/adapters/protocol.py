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
from dataclasses import dataclass
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
    """

    model: str
    query_prompt: str
    passage_prompt: str
    contexts: dict[str, str]
    questions: dict[str, str]
    top_k: int


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

    ``build_seconds`` includes loading the model; ``median_ms`` is for one question at a time.
    """
    started = time.perf_counter()
    search = build(task)
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
        "packages": {d.metadata["Name"]: d.version for d in metadata.distributions()},
    }
