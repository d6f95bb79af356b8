"""Questions about several places."""

import pytest

from index import Index
from qa import ask
from qa.facets import facets


@pytest.mark.parametrize(
    ("question", "each"),
    [
        ("烏海的網辦事項", ["烏海的網辦事項"]),
        ("問題有多少項", ["問題有多少項"]),
        ("烏海和鄂爾多斯的成效", ["烏海的成效", "鄂爾多斯的成效"]),
        ("乌海、通辽与鄂尔多斯", ["乌海", "通辽", "鄂尔多斯"]),
        ("Results in 烏海 and 鄂爾多斯?", ["Results in 烏海?", "Results in 鄂爾多斯?"]),
    ],
)
def test_one_question_for_each_place(question: str, each: list[str]) -> None:
    assert facets(question) == each


@pytest.mark.parametrize(
    "question", ["烏海市和呼倫貝爾市分別有什麼治理模式", "乌海市和呼伦贝尔市分别有什么治理模式"]
)
def test_each_place_gets_its_own_quote(report_index: Index, question: str) -> None:
    answer = ask(question, index=report_index)
    assert [citation.quote[:4] for citation in answer.citations] == ["烏海市以", "呼倫貝爾"]
    assert [citation.passage.text[:3] for citation in answer.citations] == ["烏海市", "呼倫貝"]


def test_one_passage_that_speaks_of_all_is_quoted_once(report_index: Index) -> None:
    answer = ask("鄂爾多斯和烏蘭察布互辦的事項有多少個", index=report_index)
    assert "414個事項實現呼和浩特、包頭、鄂爾多斯、烏蘭察布" in answer.citations[0].quote


def test_a_place_the_documents_never_mention_is_not_answered_for(report_index: Index) -> None:
    answer = ask("赤峰市的電子證照關聯事項量提升了多少", index=report_index)
    assert answer.status == "not_found"
    both = ask("赤峰市和烏海市的電子證照關聯事項量提升了多少", index=report_index)
    assert [c.passage.text[:3] for c in both.citations] == ["烏海市"]
