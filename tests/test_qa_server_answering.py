"""The one way to ask: the same answers, within limits, counted."""

from dataclasses import replace
from pathlib import Path

import pytest

from index import Index, IndexNotFoundError, QuestionError, ServerBusyError
from qa import ask, retrieve
from qa.server.answering import Answering
from qa.server.metrics import Metrics
from qa.server.services import Services
from qa.server.settings import ServerSettings
from qa.stages import measuring

QUESTIONS = ["烏海市全程網辦事項量提升了多少", "三端五防线", "今天天氣怎麼樣", "你好"]


def answering_of(index: Path, *, only_one: bool = False) -> tuple[Answering, Metrics]:
    settings = ServerSettings(index=str(index))
    if only_one:
        settings = replace(settings, max_running=1, max_waiting=0)
    metrics = Metrics()
    return Answering(settings, metrics), metrics


def asked(metrics: Metrics, door: str, outcome: str) -> float:
    labels = {"door": door, "outcome": outcome}
    return metrics.registry.get_sample_value("yinzheng_ask_seconds_count", labels) or 0.0


def test_answers_are_those_of_the_library(report_dir: Path, report_index: Index) -> None:
    answering, metrics = answering_of(report_dir)
    for question in QUESTIONS:
        given = answering.ask(question, strictness="strict", top_k=3, door="rest")
        assert given == ask(question, index=report_index, strictness="strict", top_k=3)
        hits = answering.retrieve(question, top_k=2, door="mcp")
        assert hits == retrieve(question, index=report_index, top_k=2)
    assert asked(metrics, "rest", "small_talk") == 1
    assert asked(metrics, "mcp", "retrieved") == 4
    assert asked(metrics, "rest", "answered") + asked(metrics, "rest", "not_found") == 3
    assert asked(metrics, "rest", "answered") >= 1


@pytest.mark.parametrize("reads_phrases", [True, False])
def test_phrases_are_read_for_where_that_is_wanted(report_dir: Path, reads_phrases: bool) -> None:
    settings = ServerSettings(index=str(report_dir), reads_phrases=reads_phrases)
    answering = Answering(settings)
    answer = answering.ask(QUESTIONS[0], door="rest")
    assert answer.citations
    assert any(one.answer for one in answer.citations) is reads_phrases
    with measuring() as measured:
        answering.retrieve(QUESTIONS[0], door="rest")
    assert ("phrases" in measured.seconds) is reads_phrases


def test_what_a_log_wants_to_know_is_noted(report_dir: Path) -> None:
    answering, metrics = answering_of(report_dir)
    with measuring() as measured:
        answering.ask("三端五防线", door="page")
    generation = answering.open_index().generation
    assert measured.facts == {"door": "page", "outcome": "answered", "generation": generation}
    assert {"wait", "open", "embed", "rerank"} <= set(measured.seconds)
    count = metrics.registry.get_sample_value("yinzheng_stage_seconds_count", {"stage": "embed"})
    assert count == 1


@pytest.mark.parametrize(
    ("question", "top_k"), [("", 5), ("問" * 1001, 5), ("問", 0), ("問", 101), ("\x00\u200b", 5)]
)
def test_what_cannot_be_asked_is_refused(report_dir: Path, question: str, top_k: int) -> None:
    answering, metrics = answering_of(report_dir)
    with pytest.raises(QuestionError):
        answering.ask(question, top_k=top_k, door="rest")
    with pytest.raises(QuestionError):
        answering.retrieve(question, top_k=top_k, door="rest")
    assert asked(metrics, "rest", "refused") == 2


def test_any_number_of_earlier_questions_is_taken(report_dir: Path) -> None:
    answering, _ = answering_of(report_dir)
    earlier = ["長" * 5000, *(f"第{n}個問題" for n in range(500)), "長" * 5000]
    given = answering.ask("烏海市全程網辦事項量提升了多少", earlier=earlier, door="page")
    assert given.status == "answered"


def test_a_busy_server_says_so(report_dir: Path) -> None:
    answering, metrics = answering_of(report_dir, only_one=True)
    with answering._gate.passing():
        assert (answering.running, answering.waiting) == (1, 0)
        with pytest.raises(ServerBusyError):
            answering.ask("三端五防线", door="rest")
    assert asked(metrics, "rest", "busy") == 1
    assert answering.ask("三端五防线", door="rest").status == "answered"


def test_a_failure_is_counted_as_one(tmp_path: Path) -> None:
    answering, metrics = answering_of(tmp_path / "none")
    with pytest.raises(IndexNotFoundError):
        answering.ask("三端五防线", door="somewhere")
    assert asked(metrics, "other", "failed") == 1
    assert answering.running == 0


def test_services_hold_one_of_each(report_dir: Path) -> None:
    services = Services(ServerSettings(index=str(report_dir)))
    assert services.answering is services.answering
    assert services.metrics is services.metrics
    services.answering.ask("三端五防线", door="page")
    assert asked(services.metrics, "page", "answered") == 1
