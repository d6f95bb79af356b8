"""The turn that questions wait for."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from index import ServerBusyError
from qa.server.gate import Gate


def hold(gate: Gate, inside: threading.Event, release: threading.Event) -> None:
    with gate.passing():
        inside.set()
        assert release.wait(10)


def test_no_more_run_at_once_than_may() -> None:
    gate = Gate(running=3, waiting=40)
    most, now, lock = 0, 0, threading.Lock()

    def work(_: int) -> int:
        nonlocal most, now
        with gate.passing():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock:
                now -= 1
        return 1

    with ThreadPoolExecutor(40) as threads:
        assert sum(threads.map(work, range(40))) == 40
    assert most == 3
    assert (gate.running, gate.waiting) == (0, 0)


def test_one_too_many_is_refused_at_once_and_the_others_come_through() -> None:
    gate = Gate(running=1, waiting=1)
    inside, release = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(hold, gate, inside, release)
        assert inside.wait(10)
        second = threads.submit(hold, gate, threading.Event(), release)
        while gate.waiting == 0:
            time.sleep(0.001)
        assert (gate.running, gate.waiting) == (1, 1)
        began = time.perf_counter()
        with pytest.raises(ServerBusyError, match=r"2 questions .* Ask again"), gate.passing():
            pass
        assert time.perf_counter() - began < 0.5
        release.set()
        first.result(10)
        second.result(10)
    with gate.passing():
        assert gate.running == 1


def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    gate = Gate(running=1, waiting=5, patience=0.05)
    inside, release = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(hold, gate, inside, release)
        assert inside.wait(10)
        with pytest.raises(ServerBusyError, match="waited"), gate.passing():
            pass
        assert (gate.running, gate.waiting) == (1, 0)
        release.set()
        first.result(10)


def test_a_failure_frees_the_place() -> None:
    gate = Gate(running=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), gate.passing():
            raise ValueError("no")
    assert (gate.running, gate.waiting) == (0, 0)
