"""A virtual environment for each neighbour: made on demand, with pinned packages, without CUDA."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import filelock

from index import YinzhengError

_INSTALL_SECONDS = 3600
_COMPLETE = "installed.txt"  # written last: an environment without it is made anew
_CUDA = ("nvidia-", "cuda-")


class PeerError(YinzhengError):
    """A neighbour cannot be installed or run."""


def ensure_environment(name: str, requirements: Sequence[str], folder: Path) -> Path:
    """Return the Python of an environment that holds exactly these requirements.

    Args:
        name: what the environment is for; part of its folder's name.
        requirements: as pip takes them. Other requirements get another environment.
        folder: where environments lie; made when it is missing.

    Raises:
        PeerError: pip failed, or would install CUDA packages.
        OSError: the folder cannot be written.
    """
    digest = sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:8]
    place = folder / f"{name}-{digest}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / f".{place.name}.lock"):
        if not (place / _COMPLETE).is_file():
            _create(place, python, requirements)
    return python


def _create(place: Path, python: Path, requirements: Sequence[str]) -> None:
    try:
        venv.create(place, clear=True, with_pip=True, symlinks=os.name != "nt")
    except subprocess.CalledProcessError as error:  # some systems package pip's part separately
        raise PeerError(
            f"Python could not put pip into {place}. Install its venv and ensurepip modules."
        ) from error
    plan = place / "plan.json"
    pip_install(python, "--dry-run", "--report", str(plan), *requirements)
    refuse_cuda(json.loads(plan.read_text(encoding="utf-8")))
    pip_install(python, *requirements)
    (place / _COMPLETE).write_text("\n".join(requirements) + "\n", encoding="utf-8")


def refuse_cuda(plan: dict[str, list[dict[str, dict[str, str]]]]) -> None:
    """Raise PeerError when pip's installation report names a CUDA package."""
    names = [item["metadata"]["name"].lower().replace("_", "-") for item in plan["install"]]
    found = sorted(name for name in names if name.startswith(_CUDA))
    if found:
        raise PeerError(
            f"pip would install {len(found)} CUDA packages ({', '.join(found[:3])}, …), several "
            "gigabytes that are not used here. Let pip's own configuration find a build of torch "
            "for the processor."
        )


def pip_install(python: Path, *arguments: str) -> None:
    """Run that Python's ``pip install``; raise PeerError with pip's own words when it fails."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(  # noqa: S603  our own environment's pip, our own pinned list
            [*command, *arguments],
            # What PYTHONPATH shows would count as installed, and be missing when a neighbour runs.
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"pip took more than {_INSTALL_SECONDS} s. Try again.") from error
    if done.returncode != 0:
        raise PeerError(f"pip failed: {last_line(done.stderr)}")


def last_line(output: str) -> str:
    """Return the last line that says something: of a traceback or of pip, the error itself."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
