"""English words and the Chinese words they may stand for."""

import pytest

from index import translations
from index.dictionary import _turned_round


def words_of(question: str) -> dict[str, frozenset[str]]:
    return {" ".join(one.words): one.alternatives for one in translations(question)}


def test_names_phrases_and_inflected_words() -> None:
    found = words_of("Which cities of Inner Mongolia did Ordos and Wuhai outrank?")
    assert "内蒙古" in found["inner mongolia"]
    assert "鄂尔多斯" in found["ordo"]
    assert "乌海" in found["wuhai"]
    assert "城市" in found["citi"]
    assert "which" not in found
    assert "of" not in found


def test_a_name_is_found_by_its_pinyin() -> None:
    assert "鄂尔多斯" in words_of("the eerduosi model")["eerduosi"]


def test_a_word_stands_for_itself_too() -> None:
    assert "nba" in words_of("the NBA in 2015")["nba"]
    assert words_of("the NBA in 2015")["2015"] == {"2015"}


def test_the_name_of_a_place_is_told_from_what_comes_from_there() -> None:
    found = {one.words[-1]: one.is_place for one in translations("Is France or Ordos Indian land?")}
    assert found == {"franc": True, "ordo": True, "indian": False, "land": False}
    assert [one.typed for one in translations("Ordos's land")] == ["ordos", "land"]


def test_what_a_name_is_explained_with_is_no_translation() -> None:
    assert "东河区" not in words_of("Inner Mongolia")["inner mongolia"]


@pytest.mark.parametrize("question", ["三端五防線是什麼", "2022年", "", "!?", "A 股"])
def test_a_question_without_english_words_has_none(question: str) -> None:
    assert translations(question) == []


def test_alternatives_are_looked_for_as_readers_do() -> None:
    (panther,) = translations("panther")
    assert panther.stands_in("黑豹队")
    assert panther.stands_in("the panthers")
    assert not panther.stands_in("狮子")
    (art,) = translations("art")
    assert not art.stands_in("party")


def test_the_dictionary_read_backwards() -> None:
    entries = [
        ("队", "dui4", ["squadron", "team (of people)", "CL:個|个[ge4]"]),
        ("球队", "qiu2 dui4", ["sports team", "ball team"]),
        ("乌海", "Wu1 hai3", ["Wuhai, city in Inner Mongolia"]),
        ("3C", "san1 C", ["consumer electronics"]),
    ]
    assert _turned_round(entries) == {
        "squadron": {"队"},
        "team": {"队"},
        "sport team": {"球队"},
        "ball team": {"球队"},
        "sport": {"球队"},
        "ball": {"球队"},
        "wuhai": {"乌海"},
        "=wuhai": {"乌海"},
    }
