"""Questions of several threads: encoded together, then worked on by few at a time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from index import Index
from qa import answers, ask
from qa.retriever import find_candidates

QUESTIONS = [
    "鄂爾多斯的三端五防線是什麼？",
    "包頭市怎麼做？",
    "What did Wuhai do?",
    "信訪案件數下降多少？",
] * 4


def test_few_are_worked_on_at_a_time_and_all_are_answered_as_when_alone(
    report_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {question: ask(question, index=report_index) for question in set(QUESTIONS)}
    inside, most, lock = 0, 0, threading.Lock()

    def watched(*arguments: Any) -> Any:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)  # long enough for the others to come as far
        try:
            return find_candidates(*arguments)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(answers, "find_candidates", watched)
    with ThreadPoolExecutor(len(QUESTIONS)) as threads:
        found = list(threads.map(lambda question: ask(question, index=report_index), QUESTIONS))
    assert found == [alone[question] for question in QUESTIONS]
    assert most == answers._AT_ONCE


def test_a_question_that_fails_leaves_its_place_to_the_next(
    report_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(answers, "find_candidates", lambda *_: 1 // 0)
        for _ in range(answers._AT_ONCE + 1):
            with pytest.raises(ZeroDivisionError):
                ask(QUESTIONS[0], index=report_index)
    assert ask(QUESTIONS[0], index=report_index).citations
