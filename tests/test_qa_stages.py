"""Times of stages: they add up, and cost nothing where nobody asks."""

import threading
import time

import pytest

from index import Index
from qa import ask
from qa.stages import measuring, note, stage, staged


def test_times_of_stages_inside_each_other_add_up() -> None:
    began = time.perf_counter()
    with measuring() as measured:
        with stage("outer"):
            time.sleep(0.02)
            with stage("inner"):
                time.sleep(0.05)
            with stage("inner"):
                time.sleep(0.05)
        with stage("outer"):
            time.sleep(0.02)
    took = time.perf_counter() - began
    assert set(measured.seconds) == {"outer", "inner"}
    assert measured.seconds["inner"] >= 0.1
    assert measured.seconds["outer"] >= 0.04
    assert sum(measured.seconds.values()) <= took
    assert measured.seconds["outer"] <= took - 0.1


def test_a_stage_that_fails_is_measured() -> None:
    with measuring() as measured, pytest.raises(ValueError, match="no"), stage("a"):
        raise ValueError("no")
    with stage("b"):
        pass
    assert list(measured.seconds) == ["a"]


def test_whoever_measures_around_is_told() -> None:
    with measuring() as around:
        with measuring() as first, stage("a"):
            note(door="rest")
        with measuring(), stage("a"):
            time.sleep(0.01)
    assert around.facts == first.facts == {"door": "rest"}
    assert around.seconds["a"] >= first.seconds["a"] + 0.01


def test_threads_do_not_measure_each_other() -> None:
    def other() -> None:
        with stage("elsewhere"):
            note(door="elsewhere")

    with measuring() as measured:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert measured.seconds == {}
    assert measured.facts == {}


def test_a_stage_nobody_measures_costs_next_to_nothing() -> None:
    def work(value: int) -> int:
        return value + 1

    timed = staged("work")(work)
    began = time.perf_counter()
    for number in range(10_000):
        assert timed(number) == number + 1
    assert time.perf_counter() - began < 0.5  # 50 µs a call, on the slowest machine


def test_a_question_has_all_its_stages(report_index: Index) -> None:
    ask("三端五防线", index=report_index)
    with measuring() as measured:
        began = time.perf_counter()
        ask("烏海市全程網辦事項量提升了多少", index=report_index)
        took = time.perf_counter() - began
    known = {"embed", "wait", "candidates", "rerank", "quotes", "repeats", "confidence"}
    if report_index.embedder.can_read:
        known.add("phrases")
    assert set(measured.seconds) == known
    assert all(seconds > 0 for seconds in measured.seconds.values())
    assert 0.5 * took < sum(measured.seconds.values()) <= took
