"""When two texts count as the same, and where the words of one stand in the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import duplicate_key, find_words, fold
from index.keys import LENGTH, text_key

TEXT = st.text("烏乌海海市提升３3.5%-1 \u3000，。、“”（）()a\tＡ\n", max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("烏海市，提升3.5%。", "乌海市 提升３.５%"),
        ("他說：“好。”", "他说好"),
        ("ABC公司", "ａｂｃ 公司"),
        ("一段\n兩行", "一段两行"),
        ("！！", "!!"),
    ],
)
def test_script_marks_and_blanks_make_no_difference(one: str, other: str) -> None:
    assert duplicate_key(one) == duplicate_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("提升3.5倍", "提升35倍"),
        ("氣溫-5度", "氣溫5度"),
        ("佔30%", "佔30"),
        ("增加1/2", "增加12"),
        ("烏海市", "烏海"),
        ("！！", "？？"),
        ("！", "！！"),
    ],
)
def test_what_says_something_else_is_no_duplicate(one: str, other: str) -> None:
    assert duplicate_key(one) != duplicate_key(other)


def test_a_key_is_short_and_of_the_folded_text() -> None:
    assert len(text_key("甲")) == len(duplicate_key("甲")) == LENGTH
    assert text_key(fold("烏海")) == text_key("乌海") != text_key("烏海")
    assert len(text_key("\ud800")) == LENGTH  # what no file holds, a question might


def test_a_quote_is_found_with_the_marks_that_close_it() -> None:
    text = "前文。「烏海市，提升了3.5%。」後文"
    found = find_words("乌海市提升了3.5%。", text)
    assert found is not None
    assert text[found.start : found.end] == "「烏海市，提升了3.5%。」"
    assert find_words("乌海市提升了35%。", text) is None
    assert find_words("。。", "甲、乙") is None


@given(TEXT, TEXT.filter(bool), TEXT)
def test_what_is_found_has_the_same_words(before: str, quote: str, after: str) -> None:
    text = before + quote + after
    found = find_words(quote, text)
    assert found is not None
    assert 0 <= found.start <= found.end <= len(text)
    assert fold(text[found.start : found.end]) == fold(quote)


@given(TEXT.filter(str.strip), TEXT)
def test_a_quote_in_other_marks_is_found(quote: str, after: str) -> None:
    words = "".join(c for c in quote if c.isalpha())
    spaced = "，".join(words)
    found = find_words(words, f"。{spaced}。{after}")
    assert (found is not None) == bool(words)
    if found is not None:
        text = f"。{spaced}。{after}"
        assert duplicate_key(text[found.start : found.end]) == duplicate_key(words)
