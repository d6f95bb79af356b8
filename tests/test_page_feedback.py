"""What readers think: of which answer, and after a change of mind."""

from dataclasses import replace
from typing import Any

import pytest

from index import Index
from page.conversation import Messages, a_message
from page.feedback import LONGEST_COMMENT, add_comment, judge, judged
from page.messages import answer_parts
from qa import ask


class Ledger:
    """Keeps judgements in a dictionary."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[str, Any]] = {}
        self._added = 0

    def add(self, **values: Any) -> int:
        self._added += 1
        self.entries[self._added] = values
        return self._added

    def change(self, number: int, *, comment: str) -> None:
        self.entries[number]["comment"] = comment

    def undo(self, number: int, /) -> None:
        del self.entries[number]


@pytest.fixture
def conversation(report_index: Index) -> Messages:
    messages: Messages = []
    for turn, question in enumerate(("烏海市全程網辦事項量提升了多少？", "你好"), start=1):
        answer = ask(question, index=report_index)
        messages.append(a_message("user", question))
        messages.append(a_message("assistant", "\n\n".join(answer_parts(answer, turn))))
    return messages


def test_the_answer_judged_is_the_one_pressed(conversation: Messages, report_index: Index) -> None:
    answer = ask("烏海市全程網辦事項量提升了多少？", index=report_index)
    found = judged(conversation, 1, report_index)
    assert found is not None
    assert found.question == answer.question
    assert (found.status, found.language, found.searched) == ("answered", "zh-Hant", "")
    assert found.generation == report_index.generation
    assert found.quotes == [citation.reference for citation in answer.citations]
    assert answer.citations[0].quote in found.answer_text
    assert judged(conversation, [1, 0], report_index) == found


@pytest.mark.parametrize("searched", ["包头提升了多少？", "*[x](y)* <b>“”\\ 多少"])
def test_what_was_searched_for_is_kept_too(report_index: Index, searched: str) -> None:
    question = "呼伦贝尔的“三务合一”是什么？"
    answer = replace(ask(question, index=report_index), searched=searched)
    text = "\n\n".join(answer_parts(answer, 1))
    assert text.startswith("*已按“")
    history = [a_message("user", question), a_message("assistant", text)]
    found = judged(history, 1, report_index)
    assert found is not None
    assert found.searched == searched
    assert answer.citations[0].quote in found.answer_text


@pytest.mark.parametrize("place", [0, 2, 3, 4, -1, None, "1", [], 10**9])
def test_what_is_no_answer_cannot_be_judged(
    conversation: Messages, report_index: Index, place: object
) -> None:
    assert judged(conversation, place, report_index) is None


def test_a_change_of_mind_leaves_one_judgement(conversation: Messages, report_index: Index) -> None:
    store = Ledger()
    answer = judged(conversation, 1, report_index)
    first = judge(store, None, answer, True)
    add_comment(store, first, f"  好 <b>{'長' * 9999}")
    [entry] = store.entries.values()
    assert entry["verdict"] == "good"
    assert entry["comment"].startswith("好 <b>")
    assert len(entry["comment"]) == LONGEST_COMMENT
    second = judge(store, first, answer, False)
    assert [one["verdict"] for one in store.entries.values()] == ["bad"]
    assert [one["comment"] for one in store.entries.values()] == [""]
    assert judge(store, second, answer, None) is None
    assert store.entries == {}


@pytest.mark.parametrize("before", [True, -1, 1 << 60, 1.0, "1", [1], {}, None])
def test_what_is_no_id_changes_no_judgement(
    conversation: Messages, report_index: Index, before: object
) -> None:
    store = Ledger()
    answer = judged(conversation, 1, report_index)
    kept = judge(store, None, answer, True)
    assert kept == 1
    judge(store, before, None, None)
    add_comment(store, before, "好")
    [entry] = store.entries.values()
    assert entry["comment"] == ""
