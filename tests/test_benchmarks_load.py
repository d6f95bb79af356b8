"""The server under load: a slice of ``python -m benchmarks load``, and its arithmetic."""

import os
from pathlib import Path

import pytest

from benchmarks.load import Measured, Plan, measure_load, percentile
from benchmarks.load_report import facts, to_table, write_report
from index import REPORT, EvaluationError

# Two minutes in CI; on a laptop just enough to see that it works.
SECONDS = 120 if os.environ.get("CI") == "true" else 30


def test_percentiles_are_those_of_the_sorted_times() -> None:
    hundred = [number / 100 for number in range(101)]
    assert percentile(hundred, 95) == pytest.approx(0.95)
    assert percentile([0.3], 95) == 0.3


def test_growth_compares_the_last_fifth_with_the_second() -> None:
    measured = Measured(Plan(seconds=10))
    measured.memory = [(at / 10, 900 if at < 20 else 1000) for at in range(80)]
    measured.memory += [(at / 10, 1040) for at in range(80, 100)]
    assert measured.growth == pytest.approx(0.04)
    with pytest.raises(EvaluationError, match="too short"):
        Measured(Plan()).growth  # noqa: B018  (computed when asked for)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_many_readers_are_answered_while_the_index_is_rebuilt(tmp_path: Path) -> None:
    plan = Plan(readers=50, seconds=SECONDS, pause=20)
    measured = measure_load(plan, [REPORT], told=lambda _: None)
    assert measured.errors == []
    assert {door: len(times) > 20 for door, times in measured.seconds.items()} == {
        "page": True,
        "rest": True,
    }
    assert len(measured.rebuilds) == 2
    assert measured.refused
    if SECONDS >= 120:
        # Ten minutes allow 5 %; in two the warm-up is short, and caches still fill.
        assert measured.growth < 0.10
    write_report(measured, "python -m benchmarks load", tmp_path / "load.md")
    written = (tmp_path / "load.md").read_text(encoding="utf-8")
    assert all(fact in written for fact in facts(measured))
    assert to_table(measured).row_count == 2
