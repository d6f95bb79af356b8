"""Numbers written differently are one term; what is no number is none."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import fold, terms
from index.lexical import LexicalIndex, write_lexical
from index.numbers import number_terms


def numbers(text: str) -> set[str]:
    return set(number_terms(fold(text)))


@pytest.mark.parametrize(
    ("writings", "number"),
    [
        (["3.65萬件", "3.65万", "三万六千五百", "３．６５万", "36,500", "3万6500"], "36500"),
        (["百分之十一点二", "11.2%", "11.2％", "百分之11.2", "11.20%", "十一點二%"], "11.2%"),
        (["二〇二二年", "二零二二年", "民國111年", "民国一百一十一年", "二千零二十二"], "2022"),
        (["十五", "第十五", "壹拾伍元"], "15"),
        (["一百二十三萬", "1,230,000", "123万", "1.23百万"], "1230000"),
        (["三分之二", "2/3"], "2/3"),
        (["2.5亿", "二點五億", "两亿五千万", "2亿5000万"], "250000000"),
        (["1.2万亿", "一万二千亿", "12000亿"], "1200000000000"),
        (["三万五", "三万五千", "3万5千"], "35000"),
        (["一百零五", "一百〇五"], "105"),
        (["一百五", "一百五十", "壹佰伍拾元整"], "150"),
        (["百分之百", "百分之一百", "100%"], "100%"),
        (["千分之三", "3‰"], "3‰"),
        (["三个月", "三年", "第三章", "03月"], "3"),
        (["三点一四一五九", "3.141590"], "3.14159"),
        (["三万一共", "30,000"], "30000"),
        (["二十两银子"], "20"),
    ],
)
def test_writings_of_one_number(writings: list[str], number: str) -> None:
    for writing in writings:
        assert number in numbers(writing), writing
        assert number in terms(writing), writing
    assert number.endswith(("%", "‰", "/3")) or number in terms(f"共{number}件")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("辦理36500件的是哪個市", 0),
        ("哪個市辦理了三萬六千五百件", 0),
        ("哪個市提升了百分之十五點四", 1),
        ("民國一百零九年是哪個市", 2),
    ],
)
def test_a_question_finds_a_number_written_otherwise(
    tmp_path: Path, question: str, found: int
) -> None:
    texts = ["甲市辦理3.65萬件", "乙市提升15.4%", "丙市自二〇二〇年起", "哪個市辦理了提升是"]
    write_lexical(tmp_path / "lexical", map(terms, texts))
    lexical = LexicalIndex(tmp_path / "lexical")
    numbers_asked = [term for term in terms(question) if term[0].isdigit()]
    assert [hit.passage_id for hit in lexical.search(numbers_asked, 4)] == [found]


@pytest.mark.parametrize(
    "text",
    [
        *("一般", "统一", "十分", "万一", "一些", "三峡", "千万不要", "老百姓", "一个", "唯一十分"),
        *("三四百人", "几十万", "数十万人", "二十多万", "一二线城市", "二十几人", "五六个"),
        *("两点一线", "一点一滴", "十四五规划", "大陆百姓", "伍陆万", "亿万"),
        *("36500", "2022年", "3.65", "0755-1234", "007", "10.5.3", "1,2,3", "12:00", "12,34万"),
        *(
            "百分之几",
            "三分之",
            "分之三",
            "一亿二万亿",
            "二百三百",
            "三千五千",
            "",
            "兆",
            "2022/5/3",
        ),
    ],
)
def test_what_is_no_number_or_written_plainly_already(text: str) -> None:
    assert number_terms(fold(text)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.65万", "365万"),
        ("百分之五", "千分之五"),
        ("三分之二", "二分之三"),
        ("一百零五", "一百五"),
        ("二〇二二年", "二〇二三年"),
        ("一千二百", "一千零二"),
        ("百分之五十", "五十"),
    ],
)
def test_different_numbers_share_no_term(one: str, other: str) -> None:
    assert numbers(one)
    assert not numbers(one) & numbers(other)


def test_the_minutes_are_not_decimals() -> None:
    assert numbers("下午三点二十分") == {"20"}
    assert numbers("三点五十") == {"50"}


def written_in_chinese(number: int) -> str:
    """Write a number below 10¹⁶ as it is read, by a way of its own: group by group of four."""
    digits = "零一二三四五六七八九"

    def group(value: int) -> str:
        said = ""
        for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = value // unit % 10
            if digit:
                said += digits[digit] + name
            elif said and value % unit and not said.endswith("零"):
                said += "零"
        return said

    high, low = divmod(number, 10**8)
    if high:
        rest = ("零" if low < 10**7 else "") + written_in_chinese(low) if low else ""
        return written_in_chinese(high) + "亿" + rest
    thousands, ones = divmod(number, 10**4)
    if thousands:
        return (
            group(thousands) + "万" + (("零" if ones < 1000 else "") + group(ones) if ones else "")
        )
    said = group(number)
    return said[1:] if said.startswith("一十") else said


@given(st.integers(11, 10**16 - 1))
def test_a_number_written_in_chinese_is_read_back(number: int) -> None:
    written = written_in_chinese(number)
    if len(written) > 1 and len(written) <= 16:
        assert number_terms(written) == [str(number)]
        assert number_terms(f"共有{written}件") == [str(number)]


@given(st.integers(100, 10**9))
def test_digits_one_by_one_are_read_back(number: int) -> None:
    one_by_one = "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))
    assert number_terms(one_by_one) == [str(number)]


@given(st.integers(1000, 10**12), st.integers(1, 99))
def test_separators_and_decimals_are_read_back(whole: int, hundredths: int) -> None:
    plain = f"{whole}.{hundredths:02}".rstrip("0")
    assert number_terms(f"{whole:,}.{hundredths:02}") == [plain]


_NEAR_NUMBERS = st.text(
    alphabet="零〇一二两三十百千万亿点分之第几多年%‰/.,0123壹拾民国件 \n", max_size=40
)


@given(st.one_of(_NEAR_NUMBERS, st.text()))
def test_any_text_gives_terms_beside_those_it_had(text: str) -> None:
    added = number_terms(fold(text))
    assert all(term and not any(c.isspace() for c in term) for term in added)
    assert terms(text)[len(terms(text)) - len(added) :] == added


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "一二三",
        "1,",
        "1,234",
        "一万",
        "点一",
        "一点一",
        "十",
        "百分之一",
        "1/",
        "壹拾",
        "几十",
    ],
)
def test_long_texts_take_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    number_terms(text)
    assert time.process_time() - started < 2  # quadratic would be minutes
