"""Folding keeps every offset and unites what readers take for the same."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import (
    content_words,
    fold,
    holds_person,
    holds_place,
    in_script,
    is_proper_name,
    lookup_terms,
    names_place,
    place_names,
    script_of,
    stands_in,
    stands_in_each,
    terms,
    words,
)
from index.folding import _tagged


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("鄂爾多斯市創新", "鄂尔多斯市创新"),
        ("臺灣台灣", "台湾台湾"),
        ("裏面裡面里面", "里面里面里面"),
        ("看著看着", "看着看着"),
        ("ＡＢＣ１２３％，（）", "abc123%,()"),
        ("Ordos COVID-19", "ordos covid-19"),
        ("二〇二二年", "二0二二年"),
        ("⼈民⽇報", "人民日报"),
        ("“三端”「三端」", '"三端""三端"'),
        ("ﬁ㎡…", "ﬁ㎡…"),  # what would grow stays
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


@given(st.text())
def test_folding_keeps_the_length_and_does_nothing_twice(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded


@given(st.text(alphabet=st.characters(min_codepoint=0x3400, max_codepoint=0x9FFF)))
def test_folding_goes_character_by_character(text: str) -> None:
    assert fold(text) == "".join(map(fold, text))


def test_terms_are_words_and_pairs_of_the_folded_text() -> None:
    found = terms("新收案件同比下降11.2%")
    assert {"案件", "同比", "下降", "11.2"} <= set(found)
    assert {"_新收", "_案件", "_比下", "_下降"} <= set(found)
    assert not any(" " in term or not term.strip("_") for term in found)


def test_both_scripts_have_the_same_terms() -> None:
    assert terms("烏海市全程網辦事項量") == terms("乌海市全程网办事项量")


@given(st.text())
def test_terms_of_any_text_hold_no_white_space(text: str) -> None:
    assert all(term and not any(c.isspace() for c in term) for term in terms(text))


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("通辽市的人口", "zh-Hans"),
        ("烏海市全程網辦", "zh-Hant"),
        ("你好", None),
        ("Ordos", None),
    ],
)
def test_script(text: str, script: str | None) -> None:
    assert script_of(text) == script


def test_content_words_weigh_rare_words_more_and_leave_out_what_only_asks() -> None:
    words = content_words("烏海市的網辦事項量提升了多少？")
    assert "多少" not in words
    assert words["乌海市"] > words["提升"] > words["的"] > 0
    assert content_words("2022年")["2022"] > content_words("2022年")["年"]
    assert content_words("How many problems?") == {}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("通辽市的人口是多少", ["通辽市"]),
        ("通辽、呼伦贝尔与包头", ["通辽", "呼伦贝尔", "包头"]),
        ("烏海和鄂爾多斯的治理", ["乌海", "鄂尔多斯"]),
        ("梳理問題多少項", []),
        ("What is in Paris?", []),
    ],
)
def test_place_names(text: str, places: list[str]) -> None:
    assert place_names(text) == places


@pytest.mark.parametrize(
    ("term", "text", "stands"),
    [
        ("_乌海", "烏海市", True),
        ("乌海", "包頭市", False),
        ("ai", "AI 技術", True),
        ("ai", "said", False),
        ("36500", "共3.65萬件", True),
        ("36500", "共36,500件", True),
        ("2022", "20221", False),
    ],
)
def test_a_term_stands_in_a_text(term: str, text: str, stands: bool) -> None:
    assert stands_in(term, fold(text)) == stands


@given(st.text(alphabet="烏海市包頭ab12 ，", max_size=20))
def test_every_term_of_a_text_stands_in_it(text: str) -> None:
    for term in terms(text):
        assert stands_in(term, fold(text)), term


@given(st.lists(st.text(st.sampled_from("烏海裏〇ＡbÉ1，\0\U0010ffff𠮷"), max_size=9)))
def test_a_long_text_is_folded_as_its_characters_are(pieces: list[str]) -> None:
    text = "".join(pieces) + "裡面" * 20
    assert fold(text) == "".join(map(fold, text))


@given(
    st.sampled_from(["_乌海", "乌", "ab", "12", "36500", "_三万"]),
    st.lists(st.text(st.sampled_from("乌海ab12三万6500,，"), max_size=12), max_size=5),
)
def test_a_term_stands_in_each_text_as_in_that_one(term: str, texts: list[str]) -> None:
    assert stands_in_each(term, texts) == [stands_in(term, text) for text in texts]


NAMING = [
    "毛泽东",
    "北京",
    "通辽市",
    "在",
    "由",
    "召开",
    "，",
    "。",
    "·",
    " ",
    "t恤",
    "a+b",
    "_",
    "3.5%",
]


@given(st.lists(st.sampled_from(NAMING), max_size=12).map("".join))
@settings(deadline=None)  # tables are loaded
def test_a_name_is_held_when_it_is_a_word_of_the_text(folded: str) -> None:
    found = terms(folded)
    assert holds_place(folded) == names_place(found)
    assert holds_person(folded) == (not _tagged("nr").isdisjoint(found))


def test_the_terms_to_look_a_word_up_by() -> None:
    assert lookup_terms("卡罗利纳") == ("_卡罗", "_罗利", "_利纳")
    assert lookup_terms("豹") == ("豹",)
    assert lookup_terms("nba") == ("nba",)


def test_words_stand_where_they_say_and_know_names() -> None:
    text = "范廷颂是烏海市的主教，讀ABC，北京大學。"
    found = words(text)
    assert "".join(word.text for word in found) == fold(text)
    assert all(fold(text)[word.start : word.end] == word.text for word in found)
    tags = {word.text: word.tag for word in found}
    assert (tags["乌海市"], tags["北京大学"], tags["abc"]) == ("ns", "nt", "")
    assert tags["范廷颂"] == "?", "no dictionary has it"
    rare = {word.text: word.is_rare for word in words("中國烏海")}
    assert rare == {"中国": False, "乌海": True}


def test_a_name_is_what_the_dictionary_writes_with_a_capital() -> None:
    assert all(map(is_proper_name, ["中國", "北京", "歌德", "包头"]))
    assert not any(map(is_proper_name, ["城市", "太陽", "面积", "xyz", ""]))


def test_words_of_our_own_can_be_put_into_a_script() -> None:
    assert in_script("“圖書館”的網絡", "zh-Hans") == "“图书馆”的网络"
    assert in_script("“图书馆”是什么", "zh-Hant") == "“圖書館”是什麼"


def _in_another_process(program: str, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"XDG_CACHE_HOME": str(cache), "HOME": str(cache), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )


_SHOW_TERMS = "from index.folding import *; print(*terms(fold('矛盾糾紛多元化解')))"


def test_another_user_may_read_the_cache_of_words(tmp_path: Path) -> None:
    # An image is made by root and runs as somebody else.
    _in_another_process(_SHOW_TERMS, tmp_path)
    (cache,) = tmp_path.rglob("jieba.cache")
    assert stat.S_IMODE(cache.stat().st_mode) == 0o644


def test_words_are_found_where_no_cache_can_be_written(tmp_path: Path) -> None:
    writable = _in_another_process(_SHOW_TERMS, tmp_path / "writable")
    # A file in the folder's place, as root may write into a folder whatever its mode.
    (tmp_path / "yinzheng").mkdir()
    (tmp_path / "yinzheng" / "jieba").touch()
    done = _in_another_process(_SHOW_TERMS, tmp_path)
    assert done.stdout == writable.stdout != "\n"
    assert done.stderr == ""
