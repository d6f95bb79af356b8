"""A follow-up's name is what its answer has to speak of."""

import pytest

from index import Index, fold, in_script
from qa import ask
from qa.conversation import in_context
from qa.mentions import names_put_in, speaks_of

MODEL = "鄂尔多斯的三端五防线是什么？"
SHARE = "烏海市全程網辦事項量提升了多少？"


@pytest.mark.parametrize(
    ("question", "last", "names"),
    [
        ("那包頭呢？", MODEL, ["包頭"]),
        ("那呼和浩特市呢？", MODEL, ["呼和浩特"]),
        ("那朝陽區呢？", MODEL, ["朝陽"]),
        ("那王小明呢？", MODEL, ["王小明"]),
        ("那清华大学呢？", MODEL, ["清华大学"]),
        ("那北京和上海呢？", MODEL, ["北京", "上海"]),
        ("and Harvard University?", "What is Ordos's 三端五防線 model?", ["Harvard University"]),
        ("那2021年呢？", MODEL, []),
        ("它的成效呢？", MODEL, []),
        ("为什么？", MODEL, []),
        (SHARE, MODEL, []),
    ],
)
def test_the_names_a_follow_up_brings(question: str, last: str, names: list[str]) -> None:
    assert names_put_in(question, in_context(question, [last])) == names


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("烏海市以智治支撐為牽引。", "乌海", True),
        ("乌海以智治支撑为牵引。", "烏海", True),
        ("乌海以智治支撑为牵引。", "Wuhai", True),
        ("乌海以智治支撑为牵引。", "上海", False),
        ("乌海以智治支撑为牵引。", "Shanghai", False),
        ("阿里木在海上。", "上海", False),
        ("哈佛大学与乌海合作。", "Harvard University", True),
        ("乌海与大学合作。", "Harvard University", False),
        ("Apple 公司的報告。", "Apple", True),
        # A name that no dictionary knows may stand there in characters; nobody can tell.
        ("乌海以智治支撑为牵引。", "Zzyzx", True),
        ("Wuhai grew by a third.", "乌海", True),
        ("Wuhai grew by a third.", "Wuhai", True),
        ("Wuhai grew by a third.", "Shanghai", False),
        ("Wuhai grew by a third.", "Zzyzx", False),
    ],
)
def test_a_text_speaks_of_a_name(text: str, name: str, expected: bool) -> None:
    for script in ("zh-Hans", "zh-Hant"):
        assert speaks_of(fold(in_script(text, script)), [name]) is expected


def test_one_of_several_names_is_enough_and_none_asks_for_nothing() -> None:
    assert speaks_of(fold("乌海以智治支撑为牵引。"), ["上海", "烏海"])
    assert not speaks_of(fold("乌海以智治支撑为牵引。"), ["上海", "北京"])
    assert speaks_of(fold("乌海以智治支撑为牵引。"), [])


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("那北京呢？", MODEL),
        ("那華為呢？", MODEL),
        ("那王小明呢？", SHARE),
        ("那上海呢？", SHARE),
        ("and Shanghai?", "What is Ordos's 三端五防線 model?"),
        ("and Wuhai?", "What is Ordos's 三端五防線 model?"),
    ],
)
def test_what_is_said_of_another_is_not_quoted_again(
    report_index: Index, question: str, last: str
) -> None:
    assert ask(last, index=report_index).status == "answered"
    answer = ask(question, index=report_index, earlier=[last])
    assert answer.status == "not_found"
    assert answer.searched != question
    assert len(answer.hits) == 5, "the closest are shown all the same"
    assert [hit.rank for hit in answer.hits] == [1, 2, 3, 4, 5]


def test_what_is_said_of_the_name_is_quoted(report_index: Index) -> None:
    answer = ask("那烏海呢？", index=report_index, earlier=["鄂尔多斯市的治理品牌是什么？"])
    assert answer.status == "answered"
    assert "烏海" in answer.hits[0].passage.text
    answer = ask("那鄂爾多斯呢？", index=report_index, earlier=["乌海的三端五防线是什么？"])
    assert "三端五防線" in answer.citations[0].quote
    answer = ask("and Ordos?", index=report_index, earlier=["What is Wuhai's 三端五防線 model?"])
    assert "三端五防線" in answer.citations[0].quote
