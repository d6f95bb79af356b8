"""What the timed benchmarks share: fresh processes, rounds, ratios, the set-up, results as JSON."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.environments import last_line
from benchmarks.quality import versions_in_use
from index import EvaluationError, replace_text

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "performance"
"""Where results lie, beside the report that is made of them."""
_WORKER_SECONDS = 24 * 3600

Told = Callable[[str], None]
Figures = dict[str, Any]
"""What a benchmark measured, as JSON holds it."""


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the largest of some values."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f}–{self.high:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Return how values spread; at least one."""
    return Spread(min(values), statistics.median(values), max(values))


def ratios(of: Sequence[float], to: Sequence[float]) -> Spread:
    """Return how the ratios of two series spread, round by round: what was measured side by side.

    Args:
        of: a value a round.
        to: what each is divided by.
    """
    return spread([one / other for one, other in zip(of, to, strict=True)])


def in_turns(runs: Mapping[str, Callable[[int], None]], rounds: int, told: Told) -> None:
    """Call everything once a round; every second round backwards, so that nothing is always last.

    Args:
        runs: name → what is called with the number of the round.
        rounds: how many.
        told: called with what is being done.
    """
    for number in range(rounds):
        order = list(runs)[:: -1 if number % 2 else 1]
        for name in order:
            told(f"round {number + 1} of {rounds}: {name}")
            runs[name](number)


def quiet_environment() -> dict[str, str]:
    """Return the environment of every process measured: nothing is fetched, no thread spins."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    own = {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return os.environ | own


def run_worker(name: str, task: Figures, told: Told | None = None) -> Figures:
    """Run a function of ``worker.py`` in a fresh process; return what it gives.

    Args:
        name: of the function.
        task: what it is given.
        told: called with each line that it prints; None = what it prints is nothing to see.

    Raises:
        EvaluationError: it failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        given, result, errors = (Path(scratch) / name for name in ("task", "result", "errors"))
        given.write_text(json.dumps(task), encoding="utf-8")
        with errors.open("wb") as stderr, _started(name, given, result, stderr) as process:
            over = threading.Timer(_WORKER_SECONDS, process.kill)
            over.daemon = True
            over.start()
            for line in process.stdout or ():
                if told is not None:
                    told(line.rstrip())
            process.wait()
            over.cancel()
        if process.returncode != 0 or not result.is_file():
            reason = last_line(errors.read_text(encoding="utf-8", errors="replace"))
            raise EvaluationError(f"Measuring {name} failed: {reason}. Run it again, smaller.")
        found: Figures = json.loads(result.read_text(encoding="utf-8"))
        return found


def _started(name: str, given: Path, result: Path, stderr: IO[bytes]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603  (our own module)
        [sys.executable, "-m", "benchmarks.worker", name, str(given), str(result)],
        cwd=ROOT,
        env=quiet_environment(),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        errors="replace",
    )


def bytes_under(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def native_precision() -> str:
    """Return the precision the bundled model runs in: bfloat16 where the processor has it."""
    flags = _cpu_facts().get("flags", "").split()
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


def set_up(data: str) -> Figures:
    """Return what was measured on what.

    Whoever knows of something that disturbed a measurement adds a ``note`` to it in the file.

    Args:
        data: the documents and questions, in words.
    """
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "data": data,
        "processor": _cpu_facts().get("model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "memory_gib": round(pages * page / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "precision": native_precision(),
        "versions": versions_in_use(),
    }


def _cpu_facts() -> dict[str, str]:
    """Return what Linux says of the first processor; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8").split("\n\n", maxsplit=1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def write_result(path: Path, command: str, setup: Figures, figures: Figures) -> None:
    """Write what was measured, with what it was measured on, as JSON.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"command": command, "setup": setup, "figures": figures}
    replace_text(path, json.dumps(whole, ensure_ascii=False, indent=1) + "\n")


def read_result(path: Path) -> Figures | None:
    """Return what was written; None when nothing was.

    Raises:
        EvaluationError: the file is none of ours.
    """
    if not path.is_file():
        return None
    try:
        found: Figures = json.loads(path.read_text(encoding="utf-8"))
        if found.keys() != {"command", "setup", "figures"}:
            raise ValueError("it has other parts")
    except (ValueError, AttributeError) as error:
        raise EvaluationError(
            f"{path} is no result of a benchmark ({error}). Measure again."
        ) from error
    return found
