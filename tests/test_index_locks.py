"""Locks end with whoever has them, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index import IndexBusyError, SettingError
from index.locks import GoneError, Lease, is_held, unheld, writer

ROOT = Path(__file__).parent.parent
HOLD = """
import sys, time
from pathlib import Path
from index.locks import Lease, writer
if sys.argv[1] == "read":
    lease = Lease(Path(sys.argv[2]))
    print("held", flush=True)
    time.sleep(60)
else:
    with writer(Path(sys.argv[2])):
        print("held", flush=True)
        time.sleep(60)
"""


def holder(kind: str, path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, kind, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text("{}")
    return path


def test_leases_are_shared_and_keep_removers_out(manifest: Path) -> None:
    assert is_held(manifest) is False
    first, second = Lease(manifest), Lease(manifest)
    first.release()
    first.release()
    assert is_held(manifest) is True
    second.release()
    with unheld(manifest) as free:
        assert free is True
        with pytest.raises(GoneError):
            Lease(manifest)
    Lease(manifest).release()


def test_a_generation_renamed_while_it_is_opened_is_gone(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    flock = fcntl.flock

    def rename_first(descriptor: int, operation: int) -> None:
        manifest.rename(manifest.with_name("elsewhere"))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", rename_first)
    with pytest.raises(GoneError):
        Lease(manifest)


def test_a_lease_needs_a_regular_file(manifest: Path) -> None:
    (manifest.parent / "link").symlink_to(manifest)
    os.mkfifo(manifest.parent / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError):  # noqa: PT011  (its words are the system's)
            Lease(manifest.parent / name)
    with unheld(manifest.parent / "nothing") as free:
        assert free is None


def test_where_nothing_can_be_locked_nothing_may_be_removed(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import fcntl

    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    Lease(manifest).release()
    with unheld(manifest) as free:
        assert free is None
    assert is_held(manifest) is None


def test_a_killed_reader_holds_nothing(manifest: Path) -> None:
    with holder("read", manifest) as process:
        assert is_held(manifest) is True
        process.send_signal(signal.SIGKILL)
    assert is_held(manifest) is False


def test_a_second_writer_is_told_who_writes_and_may_wait(tmp_path: Path) -> None:
    with holder("write", tmp_path) as process:
        told = rf"Another process \(pid {process.pid}, since \d{{4}}-\d\d-\d\d [\d:]+\) is changing"
        started = time.monotonic()
        with pytest.raises(IndexBusyError, match=told), writer(tmp_path):
            pass
        assert time.monotonic() - started < 2
        with pytest.raises(IndexBusyError, match=told), writer(tmp_path, wait=0.3):
            pass
        assert time.monotonic() - started > 0.3
        process.send_signal(signal.SIGKILL)
        with writer(tmp_path, wait=30):
            assert str(os.getpid()) in (tmp_path / ".owner").read_text()
    assert not (tmp_path / ".owner").exists()


@pytest.mark.parametrize("left", ["", "{", "[]", '{"pid": 1}', '{"pid": 99999999, "host": "x"}'])
def test_what_an_owner_left_is_not_believed_blindly(tmp_path: Path, left: str) -> None:
    import filelock

    (tmp_path / ".owner").write_text(left)
    with (
        filelock.FileLock(tmp_path / ".lock"),
        pytest.raises(IndexBusyError, match="Another process is changing"),
        writer(tmp_path),
    ):
        pass


@pytest.mark.parametrize("wait", [-1.0, float("nan")])
def test_waiting_takes_a_number_of_seconds(tmp_path: Path, wait: float) -> None:
    with pytest.raises(SettingError, match="number of seconds"), writer(tmp_path, wait=wait):
        pass
