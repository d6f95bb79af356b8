"""Follow-ups stand for the question they leave out; whole questions stay as they were asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import Index, fold
from qa import ask
from qa.__main__ import main
from qa.conversation import in_context

WUHAI = "烏海市全程網辦事項量提升了多少"
AREA = "包头的面积是多少？"
TERM = "呼伦贝尔的“三务合一”是什么？"
ENGLISH = "What is the population of Wuhai?"


@pytest.mark.parametrize(
    ("last", "question", "searched"),
    [
        # another name of the same kind, in either script and language
        (AREA, "那乌海呢？", "乌海的面积是多少？"),
        (AREA, "那烏海呢", "烏海的面积是多少？"),
        (AREA, "乌海呢？", "乌海的面积是多少？"),
        (AREA, "那 Wuhai 呢?", "Wuhai的面积是多少？"),
        (AREA, "and Wuhai?", "Wuhai的面积是多少？"),
        (AREA, "那乌海怎么样？", "乌海的面积是多少？"),
        (AREA, "那乌海又是多少呢？", "乌海的面积是多少？"),
        (AREA, "那乌海和鄂尔多斯呢？", "乌海和鄂尔多斯的面积是多少？"),
        ("乌海和包头的面积是多少？", "那赤峰呢？", "赤峰的面积是多少？"),
        (WUHAI, "那包頭呢？", "包頭全程網辦事項量提升了多少"),
        (ENGLISH, "and Baotou?", "What is the population of Baotou?"),
        (ENGLISH, "how about wuhan?", "What is the population of wuhan?"),
        (ENGLISH, "那包头呢？", "What is the population of 包头?"),
        ("馬丁·路德何時出生？", "那歌德呢？", "歌德何時出生？"),
        ("What did Nikola Tesla invent?", "And Edison?", "What did Edison invent?"),
        ("盾柱木的别名是什么？", "那猴面包树呢？", "猴面包树的别名是什么？"),
        ("叶盛茂毕业于哪所大学？", "那杨丽音呢？", "杨丽音毕业于哪所大学？"),
        (TERM, "那“三端五防线”呢？", "呼伦贝尔的“三端五防线”是什么？"),
        (TERM, "那包头呢？", "包头的“三务合一”是什么？"),
        ("治理模式是什么？", "那包头呢？", "包头的治理模式是什么？"),
        # another topic
        (AREA, "人口呢？", "包头的人口是多少？"),
        (AREA, "那乌海的人口呢？", "乌海的人口是多少？"),
        (AREA, "它的人口呢？", "包头的人口是多少？"),
        (AREA, "那面积多大？", "包头的面积多大？"),
        (WUHAI, "那電子證照關聯事項量呢？", "烏海市電子證照關聯事項量提升了多少"),
        (WUHAI, "那人口是多少？", "烏海市的人口是多少？"),
        ("主题教育领导小组组长是谁？", "副组长呢？", "主题教育领导小组副组长是谁？"),
        (ENGLISH, "and its area?", "What is the area of Wuhai?"),
        (ENGLISH, "What about the area of Baotou?", "What is the area of Baotou?"),
        # another time
        (AREA, "2021年呢？", "2021年包头的面积是多少？"),
        ("2020年包头的人口是多少？", "2021呢？", "2021年包头的人口是多少？"),
        ("2020年包头的人口是多少？", "那乌海2022年呢？", "2022年乌海的人口是多少？"),
        (ENGLISH, "What about in 2021?", "What is the population of Wuhai in 2021?"),
        ("How many lived in Wuhai in 2020?", "in 2021?", "How many lived in Wuhai in 2021?"),
        # pronouns
        (AREA, "它的人口是多少？", "包头的人口是多少？"),
        (AREA, "其人口是多少？", "包头的人口是多少？"),
        (AREA, "那里有多少人？", "包头有多少人？"),
        (AREA, "該市有多少人？", "包头有多少人？"),
        (AREA, "它和乌海有什么区别？", "包头和乌海有什么区别？"),
        (AREA, "那里呢？", AREA),
        (TERM, "它是什么时候开始的？", "“三务合一”是什么时候开始的？"),
        (TERM, "那裡有多少人？", "呼伦贝尔有多少人？"),
        ("馬丁·路德何時出生？", "他的父親是誰？", "馬丁·路德的父親是誰？"),
        (ENGLISH, "What is its area?", "What is Wuhai's area?"),
        (ENGLISH, "How many people live there?", "How many people live in Wuhai?"),
        ("What did Nikola Tesla invent?", "When was he born?", "When was Nikola Tesla born?"),
        # more of the same, and why
        (WUHAI, "还有呢？", WUHAI),
        (ENGLISH, "What else?", ENGLISH),
        (WUHAI, "為什麼？", f"{WUHAI}，为什么？"),
        (ENGLISH, "Why?", "What is the population of Wuhai, and why?"),
    ],
)
def test_a_follow_up_is_completed(last: str, question: str, searched: str) -> None:
    assert in_context(question, [last]) == searched


@pytest.mark.parametrize(
    ("earlier", "question", "searched"),
    [
        ([WUHAI, "那包头呢？"], "鄂尔多斯呢？", "鄂尔多斯全程網辦事項量提升了多少"),
        ([AREA, "人口呢？"], "那乌海呢？", "乌海的人口是多少？"),
        ([AREA, "谢谢", "你好"], "那乌海呢？", "乌海的面积是多少？"),
        ([AREA, "治理模式有哪些？"], "那里有多少人？", "包头有多少人？"),
        (["那包头呢？"], "乌海呢？", "乌海呢？"),
        ([AREA, "x" * 900], "那乌海呢？", "乌海的面积是多少？"),
        ([AREA, "", " \n"], "那乌海呢？", "乌海的面积是多少？"),
    ],
)
def test_a_chain_is_completed_from_its_beginning(
    earlier: list[str], question: str, searched: str
) -> None:
    if question == searched:  # nothing whole to complete it from
        assert in_context(question, []) == searched
    else:
        assert in_context(question, earlier) == searched


WHOLE = [
    "包头市取消下放划转了多少事项？",
    "包头的人口是多少呢？",
    "那包头是什么样的城市？",
    "那曲在哪里？",
    "那达慕大会是什么时候举行的？",
    "那不勒斯地区以前是谁的殖民地？",
    "和田玉产自哪里？",
    "还有哪些重建也支持了1999年论文的信息？",
    "土耳其的首都是哪里？",
    "其中有多少人获奖？",
    "其他的奖项有哪些？",
    "什么构造其作用和心脏类似？",
    "为什么爱因斯坦说他不相信量子力学？",
    "杨丽音和她的丈夫是如何认识的？",
    "该法令是何时宣布的？",
    "三端五防線",
    "包头",
    "2021年",
    "通辽市的人口是多少",
    "WHO",
    "What is it called when a gas is heated?",
    "How long does it take to get to Wuhai?",
    "How many married couples were there?",
    "How old was Peyton Manning when he played in Super Bowl 50?",
    "What university has its origins in a school of medicine?",
    "And what is the capital of France?",
    "How did Huguenots evolve their religious beliefs?",
    "谢谢",
    "Thanks!",
    "你好",
]


@pytest.mark.parametrize("question", WHOLE)
@pytest.mark.parametrize("last", [WUHAI, TERM, ENGLISH, "馬丁·路德在2020年写的《红楼梦》是什么？"])
def test_a_whole_question_is_left_as_it_is(question: str, last: str) -> None:
    assert in_context(question, [ENGLISH, AREA, last]) == question


NAMES = st.sampled_from(["包头", "呼倫貝爾市", "馬丁·路德", "《红楼梦》", "盾柱木", "北京大学"])
WHOLE_FORMS = st.sampled_from(
    [
        "{}的人口是多少？",
        "{}是什么时候建立的",
        "誰是{}的作者？",
        "为什么{}很有名？",
        "{}有哪些特點？",
        "请问{}位于哪里",
        "What is {}?",
        "When was {} founded?",
        "在2019年，{}获得了什么奖？",
    ]
)


@given(WHOLE_FORMS, NAMES, st.lists(st.tuples(WHOLE_FORMS, NAMES), max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_earlier_question_changes_a_whole_one(
    form: str, name: str, before: list[tuple[str, str]]
) -> None:
    question = form.format(name)
    assert in_context(question, [one.format(of) for one, of in before]) == question


@given(
    st.text(max_size=60),
    st.lists(st.one_of(st.text(max_size=60), st.sampled_from([AREA, ENGLISH, TERM])), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_anything_can_be_asked_after_anything(question: str, earlier: list[str]) -> None:
    searched = in_context(question, earlier)
    assert searched.strip() or not question.strip()
    assert in_context(question, []) == question
    assert in_context(question, earlier) == searched


@pytest.mark.parametrize(
    "question",
    [
        "那" + "的" * 900 + "呢？",
        "and " + "a " * 400,
        "它" * 900,
        "那“" * 400,
        "在" * 999 + "2021年呢？",
    ],
)
def test_long_questions_take_no_time(question: str) -> None:
    import time

    in_context("那乌海呢？", [AREA])
    started = time.perf_counter()
    in_context(question, [question, AREA] * 10)
    assert time.perf_counter() - started < 2


def test_an_answer_says_what_was_searched_for(report_index: Index) -> None:
    follow_up = "那電子證照關聯事項量呢？"
    answer = ask(follow_up, index=report_index, earlier=[WUHAI])
    assert answer.question == follow_up
    assert answer.searched == "烏海市電子證照關聯事項量提升了多少"
    assert "29.7%" in answer.citations[0].quote
    alone = ask(answer.searched, index=report_index)
    assert (alone.searched, alone.citations) == (answer.searched, answer.citations)
    assert ask(follow_up, index=report_index).searched == follow_up


def test_an_answer_is_in_the_language_of_the_follow_up(report_index: Index) -> None:
    for question, language in (
        ("那鄂尔多斯呢？", "zh-Hans"),
        ("那鄂爾多斯呢？", "zh-Hant"),
        ("and Ordos?", "en"),
    ):
        answer = ask(question, index=report_index, earlier=[WUHAI])
        assert (answer.searched != question, answer.language) == (True, language)
    # 它的人口是多少 is written alike in both scripts
    answer = ask("它的人口是多少", index=report_index, earlier=["烏海市有什麼？"])
    assert answer.language == "zh-Hant"


def test_the_command_line_completes_and_says_so(
    report_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--index", str(report_dir), "--earlier", WUHAI]
    assert main(["那電子證照關聯事項量呢？", *asked]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "searched: 烏海市電子證照關聯事項量提升了多少"
    assert second.startswith("[1] 烏海市")
    assert main(["鄂尔多斯的新收案件呢？", *asked, "--earlier", "那包头呢？", "--json"]) in (0, 3)
    answer = json.loads(capsys.readouterr().out)
    assert answer["question"] == "鄂尔多斯的新收案件呢？"
    assert fold(answer["searched"]).startswith("鄂尔多斯")
    main([WUHAI, *asked])
    assert "searched:" not in capsys.readouterr().out


def test_a_conversation_needs_no_model() -> None:
    code = (
        "import sys; from qa.conversation import in_context; "
        f"assert in_context('那乌海呢？', ['{AREA}']) == '乌海的面积是多少？'; "
        "assert 'sentence_transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False, timeout=120)
    assert done.returncode == 0
