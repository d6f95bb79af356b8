"""Environments are made by the real venv and pip, from wheels written here: no network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.environments import PeerError, ensure_environment, pip_install, refuse_cuda


def write_wheel(folder: Path, name: str, *needs: str) -> Path:
    """Write an installable package that holds one module, by the wheel format's own rules."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "ANSWER = 42\n")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needed}"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_an_environment_is_refused_with_cuda_made_without_and_kept(tmp_path: Path) -> None:
    write_wheel(tmp_path, "nvidia_big")
    wheel = str(write_wheel(tmp_path, "tiny_peer", "nvidia-big"))
    venvs = tmp_path / "venvs"
    with pytest.raises(PeerError, match=r"1 CUDA packages \(nvidia-big, …\)"):
        ensure_environment("tiny", [wheel], venvs)
    assert not list(venvs.glob("**/tiny_peer.py"))
    assert not list(venvs.glob("**/installed.txt"))

    (tmp_path / "nvidia_big-1.0-py3-none-any.whl").unlink()
    write_wheel(tmp_path, "tiny_peer")
    python = ensure_environment("tiny", [wheel], venvs)  # what was begun is made anew
    script = "import tiny_peer; print(tiny_peer.ANSWER); import jieba"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "42\n"
    assert "No module named 'jieba'" in done.stderr, "ours is not seen"

    Path(wheel).unlink()  # nothing is installed a second time
    assert ensure_environment("tiny", [wheel], venvs) == python


def test_what_pip_says_is_handed_on() -> None:
    with pytest.raises(PeerError, match=r"pip failed: .*no_such_package"):
        pip_install(Path(sys.executable), "--dry-run", "no_such_package==1")


@pytest.mark.parametrize("name", ["nvidia-cublas", "nvidia_cudnn_cu13", "CUDA-toolkit"])
def test_names_of_cuda_packages(name: str) -> None:
    kept = [{"metadata": {"name": "torch"}}, {"metadata": {"name": "barracuda"}}]
    refuse_cuda({"install": kept})
    with pytest.raises(PeerError, match="CUDA"):
        refuse_cuda({"install": [*kept, {"metadata": {"name": name}}]})
