"""Work begun ahead comes in order, and only a few jobs are taken before their results are."""

import threading
import time
from collections.abc import Iterator

import pytest

from index.ahead import ahead


def test_results_come_in_the_order_of_the_jobs() -> None:
    def slow_if_even(job: int) -> int:
        time.sleep(0.01 if job % 2 == 0 else 0)
        return job * job

    assert list(ahead(slow_if_even, range(20), threads=3)) == [job * job for job in range(20)]


def test_only_a_few_jobs_are_taken_ahead() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for job in range(100):
            taken.append(job)
            yield job

    results = ahead(str, jobs(), threads=2)
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) <= 3 + 2 * 2
    results.close()  # type: ignore[attr-defined]  # a generator


def test_work_is_done_in_other_threads_and_its_errors_arrive() -> None:
    def refuse_seven(job: int) -> str:
        if job == 7:
            raise ValueError("seven")
        return threading.current_thread().name

    results = ahead(refuse_seven, range(10), threads=2)
    names = {next(results) for _ in range(7)}
    assert all(name.startswith("ahead") for name in names)
    with pytest.raises(ValueError, match="seven"):
        next(results)


def test_no_jobs_give_no_results() -> None:
    assert list(ahead(str, [], threads=1)) == []
