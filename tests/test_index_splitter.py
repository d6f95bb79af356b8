"""Sentences, headings and passages, each a slice of the text."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT
from index.cleaner import clean
from index.loaders.decoded import Block
from index.splitter import find_blocks, sentences, split

TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "。",
                    "！",
                    "？",
                    "；",
                    "…",
                    "……",
                    "」",
                    "”",
                    "“",
                    '"',
                    ".",
                    ";",
                    "!",
                    "》",
                    "《",
                ),
                *("3.65", "21.2%", "1,127", "萬件", "烏海市", "Dr", "model", " ", "\n", "\t", "，"),
            ]
        ),
        st.text(max_size=2),
    ),
    max_size=30,
).map("".join)


def sentences_of(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲。乙！丙？", ["甲。", "乙！", "丙？"]),
        ("他說：「好！」然後走了。", ["他說：「好！」", "然後走了。"]),
        ("“走。”“不。”", ["“走。”", "“不。”"]),
        ('他说："走！"她说："不！"', ['他说："走！"', '她说："不！"']),
        ("甲；乙;丙……丁", ["甲；", "乙;", "丙……", "丁"]),
        ("化解3.65萬件，下降21.2%。結案", ["化解3.65萬件，下降21.2%。", "結案"]),
        ("版本1.2.3发布", ["版本1.2.3发布"]),
        ("It fell 3.5 percent. Then it rose.", ["It fell 3.5 percent.", "Then it rose."]),
        ("Built in 2022. Next", ["Built in 2022.", "Next"]),
        ("讀《救救孩子！》有感。", ["讀《救救孩子！》有感。"]),
        ("（見第3條。）後", ["（見第3條。）", "後"]),
        ("甲。！？」乙", ["甲。！？」", "乙"]),
        ("  甲。  乙。  ", ["甲。", "乙。"]),
        ("", []),
        ("  \n", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences_of(text) == expected


@given(TEXTS)
def test_sentences_hold_every_character_once(text: str) -> None:
    spans = sentences(text, 0, len(text))
    assert all(span.start < span.end for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    outside = list(text)
    for span in spans:
        outside[span.start : span.end] = [" "] * (span.end - span.start)
        assert text[span.start : span.end] == text[span.start : span.end].strip()
    assert not "".join(outside).strip()


@given(TEXTS)
def test_no_sentence_ends_inside_a_number(text: str) -> None:
    for span in sentences(text, 0, len(text)):
        around = text[max(0, span.end - 2) : span.end + 1]
        assert not re.fullmatch(r"\d[.,]\d", around)


def headings_of(text: str) -> list[tuple[tuple[str, ...], str]]:
    found = split(text, find_blocks(text), count_tokens=by_length, max_tokens=10_000)
    return [(section.headings, text[section.start : section.end]) for section in found]


def by_length(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def test_the_report_has_a_title_and_three_pairs_of_headings() -> None:
    text = clean(REPORT.read_text(encoding="utf-8")).text
    found = headings_of(text)
    assert len(found) == 15
    title = "內蒙古黨委政法委:以政法工作現代化筑牢祖國北疆安全穩定屏障"
    assert {headings[0] for headings, _ in found} == {title}
    assert list(dict.fromkeys(headings[1:] for headings, _ in found)) == [
        (),
        ("深入調查研究", "解決政法領域堵點難點問題"),
        ("堅持有解思維", "化解涉法涉訴信訪積案"),
        ("堅持典型引路", "努力打造市域社會治理品牌"),
    ]


LONG = "這是一段足夠長的正文，說明上面的標題講的是什麼，因此它不會被看作標題。"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["題", LONG], [(("題",), LONG)]),
        ([LONG], [((), LONG)]),
        (["題", "節一", LONG, "節二", LONG], [(("題", "節一"), LONG), (("題", "節二"), LONG)]),
        (
            ["題", "第一章 總則", "第一節 一般", LONG, "第二節 其他", LONG, "第二章 附則", LONG],
            [
                (("題", "第一章 總則", "第一節 一般"), LONG),
                (("題", "第一章 總則", "第二節 其他"), LONG),
                (("題", "第二章 附則"), LONG),
            ],
        ),
        # What nothing stands below is text, and so is a list.
        ([LONG, "（本報記者）"], [((), LONG), ((), "（本報記者）")]),
        (
            [LONG, "甲", "乙", "丙", "丁", LONG],
            [((), LONG), ((), "甲"), ((), "乙"), ((), "丙"), ((), "丁"), ((), LONG)],
        ),
    ],
)
def test_headings(lines: list[str], expected: list[tuple[tuple[str, ...], str]]) -> None:
    assert headings_of("\n".join(lines)) == expected


@given(TEXTS, st.integers(6, 60))
def test_passages_fit_the_limit_and_lose_nothing(text: str, limit: int) -> None:
    blocks = [Block(0, len(text))] if text.strip() else []
    sections = split(text, blocks, count_tokens=by_length, max_tokens=limit)
    kept = "".join(text[s.start : s.end] for s in sections)
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", text)
    for section in sections:
        assert section.end - section.start <= limit
        assert section.start == section.sentences[0].start
        assert section.end == section.sentences[-1].end


@given(st.lists(st.sampled_from(["3.65", "21.2%", "1,127", "烏海", "，", "件"]), min_size=1))
def test_a_long_sentence_is_never_cut_inside_a_number(pieces: list[str]) -> None:
    text = "、".join(pieces)
    for section in split(text, [Block(0, len(text))], count_tokens=by_length, max_tokens=12):
        before, after = text[section.end - 1], text[section.end : section.end + 1]
        assert not (before in "0123456789." and after.isdigit())
        assert not (before.isdigit() and after in ".%" and after)


def test_headings_count_towards_the_limit() -> None:
    text = "標題\n" + "一二三四五。" * 5
    sections = split(text, find_blocks(text), count_tokens=by_length, max_tokens=15)
    assert [s.end - s.start for s in sections] == [12, 12, 6]


@given(TEXTS)
def test_blocks_hold_every_line(text: str) -> None:
    blocks = find_blocks(text)
    assert re.sub(r"\s", "", "".join(text[b.start : b.end] for b in blocks)) == re.sub(
        r"\s", "", text
    )
    assert all(a.end <= b.start for a, b in pairwise(blocks))
