"""Questions about several places."""

from pathlib import Path

import pytest

from index import Index, build_index, open_index
from qa import ask
from qa.facets import facets
from qa.retriever import to_query


@pytest.mark.parametrize(
    ("question", "each"),
    [
        ("烏海的網辦事項", ["烏海的網辦事項"]),
        ("問題有多少項", ["問題有多少項"]),
        ("烏海和鄂爾多斯的成效", ["烏海的成效", "鄂爾多斯的成效"]),
        ("乌海、通辽与鄂尔多斯", ["乌海", "通辽", "鄂尔多斯"]),
        ("Compare Wuhai and Ordos", ["Compare Wuhai", "Compare Ordos"]),
        (
            "Is Ordos's model that of 烏海?",
            ["Is  model that of 烏海?", "Is Ordos's model that of ?"],
        ),
        ("Long ago in Wuhai", ["Long ago in Wuhai"]),
        ("Results in 烏海 and 鄂爾多斯?", ["Results in 烏海?", "Results in 鄂爾多斯?"]),
    ],
)
def test_one_question_for_each_place(question: str, each: list[str]) -> None:
    assert facets(question) == each


@pytest.mark.parametrize(
    "question",
    [
        "烏海市和呼倫貝爾市分別有什麼治理模式",
        "乌海市和呼伦贝尔市分别有什么治理模式",
    ],
)
def test_each_place_gets_its_own_quote(report_index: Index, question: str) -> None:
    answer = ask(question, index=report_index)
    assert [citation.quote[:4] for citation in answer.citations] == ["烏海市以", "呼倫貝爾"]
    assert [citation.passage.text[:3] for citation in answer.citations] == ["烏海市", "呼倫貝"]


def test_each_place_named_in_english_gets_its_own_quote(report_index: Index) -> None:
    answer = ask("Compare Wuhai and Ordos", index=report_index)
    assert [citation.quote[:4] for citation in answer.citations] == ["烏海市以", "鄂爾多斯"]


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("鄂爾多斯2022年以來分流化解了多少件矛盾糾紛", "answered"),
        ("鄂爾多斯2019年以來分流化解了多少件矛盾糾紛", "not_found"),
    ],
)
def test_a_year_the_documents_never_mention(
    report_index: Index, question: str, status: str
) -> None:
    assert ask(question, index=report_index).status == status


def test_a_year_may_be_written_in_han_digits(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("本館於二〇一九年完成改建。", encoding="utf-8")
    build_index(tmp_path / "a.txt", index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        assert to_query(index, "2019年完成了什麼").unknown_name is None
        assert to_query(index, "2018年完成了什麼").unknown_name == "2018"
        assert to_query(index, "2020年完成了什麼").unknown_name == "2020"


def test_a_year_with_a_nought_may_be_written_in_han_digits(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("本館於民國一百年動工，二〇二〇年完工。", encoding="utf-8")
    build_index(tmp_path / "a.txt", index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        assert to_query(index, "2020年完成了什麼").unknown_name is None
        assert to_query(index, "2011年完成了什麼").unknown_name is None
        assert to_query(index, "2010年完成了什麼").unknown_name == "2010"


def test_one_passage_that_speaks_of_all_is_quoted_once(report_index: Index) -> None:
    answer = ask("鄂爾多斯和烏蘭察布互辦的事項有多少個", index=report_index)
    assert "414個事項實現呼和浩特、包頭、鄂爾多斯、烏蘭察布" in answer.citations[0].quote


def test_a_place_the_documents_never_mention_is_not_answered_for(report_index: Index) -> None:
    answer = ask("赤峰市的電子證照關聯事項量提升了多少", index=report_index)
    assert answer.status == "not_found"
    both = ask("赤峰市和烏海市的電子證照關聯事項量提升了多少", index=report_index)
    assert [c.passage.text[:3] for c in both.citations] == ["烏海市"]
