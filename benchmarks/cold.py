"""How long a fresh process takes: importing, showing its help, giving its first answer."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.environments import last_line
from benchmarks.runs import ROOT, Figures, Told, in_turns, native_precision, quiet_environment
from index import REPORT, EvaluationError, build_index
from index.bundled_model import bundled_model_dir

EMPTY, IMPORT, HELP, ANSWER, LOAD = (
    "an empty process",
    "import qa",
    "python -m qa --help",
    "first answer",
    "import torch and sentence-transformers, load the model",
)
_QUESTION = "鄂尔多斯的三端五防线是什么？"
_NOT_FOUND = 3
_IMPORT = """
import time
started = time.perf_counter()
import qa
print(time.perf_counter() - started)
"""
_LOAD = """
import sys, torch
from sentence_transformers import SentenceTransformer
SentenceTransformer(sys.argv[1], model_kwargs={"dtype": getattr(torch, sys.argv[2])})
"""


def measure_cold(*, rounds: int, told: Told, is_warmed: bool = True) -> Figures:
    """Start each kind of process once a round, in turns.

    ``import qa`` is timed inside its process, the others from start to end.

    Args:
        rounds: how many.
        told: called with what is being done.
        is_warmed: whether each is run once before the first round.

    Raises:
        EvaluationError: a process failed.
    """
    with tempfile.TemporaryDirectory(prefix="yinzheng-cold-") as scratch:
        index = Path(scratch) / "index"
        build_index(REPORT, index_dir=index)
        load = ["-c", _LOAD, str(bundled_model_dir()), native_precision()]
        commands = {
            EMPTY: ["-c", "pass"],
            IMPORT: ["-c", _IMPORT],
            HELP: ["-m", "qa", "--help"],
            ANSWER: ["-m", "qa", _QUESTION, "--index", str(index)],
            LOAD: load,
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for arguments in commands.values() if is_warmed else ():
            _run(arguments)  # files into memory, bytecode onto the disk
        runs: dict[str, Callable[[int], None]] = {
            name: partial(_time, name, arguments, seconds) for name, arguments in commands.items()
        }
        in_turns(runs, rounds, told)
    return {"rounds": rounds, "seconds": seconds}


def _time(name: str, arguments: list[str], seconds: dict[str, list[float]], _number: int) -> None:
    started = time.perf_counter()
    said = _run(arguments)
    whole = time.perf_counter() - started
    seconds[name].append(float(said) if name == IMPORT else whole)


def _run(arguments: list[str]) -> str:
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, *arguments],
        cwd=ROOT,
        env=quiet_environment() | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode not in (0, _NOT_FOUND):
        raise EvaluationError(
            f"python {' '.join(arguments[:3])} failed: {last_line(done.stderr)}. Run it by hand."
        )
    return done.stdout
