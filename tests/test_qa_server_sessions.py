"""Sessions: how long they live, and what the file gives away."""

from pathlib import Path

import pytest

from index import ServerSettingError
from qa.server.sessions import Session, SessionStore


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_survives_a_restart_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "sessions.sqlite"
    store = SessionStore(path, idle_seconds=100)
    number = store.begin("李明", "print")
    device = store.remember_device("李明")
    store.close()
    assert path.stat().st_mode & 0o077 == 0
    kept = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert "李明".encode() in kept
    assert number.encode() not in kept
    assert device.encode() not in kept
    store = SessionStore(path, idle_seconds=100)
    assert store.find(number) == Session("李明", "print")
    assert store.knows_device(device, "李明")
    assert not store.knows_device(device, "chen")
    store.end(number)
    assert store.find(number) is None
    store.close()


def test_a_session_ends_unused_and_in_any_case_after_seven_times_as_long(tmp_path: Path) -> None:
    clock = Clock()
    store = SessionStore(tmp_path / "s", idle_seconds=100, now=clock)
    unused, used = store.begin("a", ""), store.begin("b", "")
    for _ in range(8):
        clock.now += 80
        assert store.find(used) is not None
    assert store.find(unused) is None
    clock.now += 80  # 720 seconds since it began
    assert store.find(used) is None
    store.close()


def test_a_name_has_at_most_twenty_sessions(tmp_path: Path) -> None:
    clock = Clock()
    store = SessionStore(tmp_path / "s", idle_seconds=1000, now=clock)
    other = store.begin("b", "")
    numbers = []
    for _ in range(25):
        clock.now += 1
        numbers.append(store.begin("a", ""))
    assert [store.find(one) is not None for one in numbers] == [False] * 5 + [True] * 20
    assert store.find(other) is not None
    store.close()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(ServerSettingError, match=r"cannot be kept in .*--data"):
        SessionStore(tmp_path / "s", idle_seconds=1)
