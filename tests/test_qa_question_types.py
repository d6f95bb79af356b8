"""What a question asks for, and which sentences hold it."""

import pytest

from index import fold
from qa.question_types import KINDS, kinds_asked, kinds_held


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("鄂爾多斯有多少件案件？", {"number"}),
        ("How many cases were there?", {"number"}),
        ("哪一年通車？", {"date"}),
        ("什麼時候召開", {"date"}),
        ("When was it opened?", {"date"}),
        ("組長是誰", {"person"}),
        ("Who leads the group?", {"person"}),
        ("首府在哪裡", {"place"}),
        ("Where is it?", {"place"}),
        ("為什麼下降", {"reason"}),
        ("Why did it fall?", {"reason"}),
        ("採取了哪些措施", {"several"}),
        ("三端五防線是什麼", set()),
        ("What is the model?", set()),
    ],
)
def test_asked(question: str, asked: set[str]) -> None:
    assert kinds_asked(fold(question)) == asked


@pytest.mark.parametrize(
    ("kind", "holds", "lacks"),
    [
        ("number", "梳理問題37項。", "梳理了問題。"),
        ("number", "提升十五個百分點，共三十萬元。", "顯著提升。"),
        ("date", "2022年運行以來。", "運行以來。"),
        ("person", "由毛澤東主持。", "由大會主持。"),
        ("person", "馬丁·路德在此任教。", "他在此任教。"),
        ("place", "會議在北京召開。", "會議召開。"),
        ("reason", "由於降雨而推遲。", "推遲召開。"),
        ("several", "包括甲、乙、丙。", "包括甲。"),
    ],
)
def test_held(kind: str, holds: str, lacks: str) -> None:
    assert kinds_held({kind}, fold(holds)) == {kind}
    assert kinds_held({kind}, fold(lacks)) == set()


def test_only_what_is_asked_for_is_held() -> None:
    assert kinds_held([], "2022年37項") == set()
    assert kinds_held(KINDS, "2022年37項") >= {"number", "date"}
