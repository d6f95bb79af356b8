"""The report that ``python -m qa eval`` wrote is the one that is read back."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index import REPORT, Index, ReportError
from qa.evaluation.plots import write_plots
from qa.evaluation.report import write_json
from qa.evaluation.runner import Evaluation, evaluate
from qa.quality_report import NUMBERS, PICTURES, SHARES, read_quality_report


@pytest.fixture(scope="module")
def evaluation(report_index: Index, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    questions = tmp_path_factory.mktemp("questions") / "秘密/questions.json"
    questions.parent.mkdir()
    asked = [
        {
            "question": "呼伦贝尔的“三务合一”是什么？",
            "expected": "三務合一",
            "document": REPORT.name,
        },
        {
            "question": "鄂尔多斯的三端五防线是什么？",
            "expected": "三端五防",
            "document": REPORT.name,
        },
    ]
    questions.write_text(json.dumps(asked), encoding="utf-8")
    return evaluate(questions, index=report_index.info.index_dir)


def test_what_was_written_is_read(tmp_path: Path, evaluation: Evaluation) -> None:
    assert read_quality_report(tmp_path / "none") is None
    write_json(evaluation, tmp_path / "report.json")
    write_plots(evaluation, tmp_path)
    report = read_quality_report(tmp_path)
    assert report is not None
    figures = evaluation.figures
    read = {one.name: one for one in report.figures}
    for name in SHARES:
        interval = getattr(figures, name)
        found = read[name]
        assert (found.value, found.low, found.high) == (interval.mean, interval.low, interval.high)
    for name in NUMBERS:
        assert read[name].value == getattr(figures, name)
    assert (report.asked, report.questions) == (2, "questions.json")
    assert report.passages == evaluation.settings.passages
    assert set(report.pictures) == set(PICTURES)
    for name, content in report.pictures.items():
        assert content == (tmp_path / f"{name}.svg").read_bytes()


def test_the_newest_of_several_is_read(tmp_path: Path, evaluation: Evaluation) -> None:
    for age, name in enumerate(["new", "old"]):
        write_json(evaluation, tmp_path / f"{name}.json")
        os.utime(tmp_path / f"{name}.json", (1_000_000 - age, 1_000_000 - age))
    report = read_quality_report(tmp_path)
    assert report is not None
    assert report.path.name == "new.json"


def _without_figures(values: dict[str, Any]) -> object:
    return {**values, "figures": {}}


def _with_a_word(values: dict[str, Any]) -> object:
    return {**values, "figures": {**values["figures"], "calibration_error": "<b>"}}


@pytest.mark.parametrize("change", [_without_figures, _with_a_word, lambda _: [], lambda _: None])
def test_what_is_no_report_is_named(
    tmp_path: Path, evaluation: Evaluation, change: Callable[[dict[str, Any]], object]
) -> None:
    path = tmp_path / "report.json"
    write_json(evaluation, path)
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))))
    with pytest.raises(ReportError, match=r"report\.json is no report .* --json"):
        read_quality_report(tmp_path)


def test_a_picture_too_large_is_refused(tmp_path: Path, evaluation: Evaluation) -> None:
    write_json(evaluation, tmp_path / "report.json")
    (tmp_path / "recall.svg").write_bytes(b" " * (3 << 20))
    with pytest.raises(ReportError, match=r"recall\.svg has more than"):
        read_quality_report(tmp_path)
