"""The cleaner removes what the extraction added and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT, clean_question
from index.cleaner import clean
from index.types import OffsetMap, Span

# Characters that meet in noise, so that random texts are full of near misses.
_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "內",
                    "調",
                    "重",
                    "女",
                    "復",
                    "好",
                    "A",
                    "é",
                    "(nèi)",
                    "(diào)",
                    "(fù)",
                    "（nǚ）",
                ),
                *("(zhòng)", "(ㄋㄟˋ)", "(ok)", "(", ")", "（", "）", "(甲)", "\n", "\r\n", " "),
                *("\x00", "\u200b", "\ufeff", "\u202e", "nèi", "。"),
                *("內 蒙 古 自 治 區", "鄂爾\n多斯", "呼和浩 特", "，", "\u3000", "\t", "一、"),
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize(
    ("noisy", "expected"),
    [
        ("內(nèi)蒙古", "內蒙古"),
        ("調(diào)研、調(tiáo)整", "調研、調整"),
        ("復(fù)雜，標準(zhǔn)", "復雜，標準"),
        ("女（nǚ）、女(nv)、女(nü3)", "女、女、女"),
        ("調(diao)研", "調研"),
        ("內(ㄋㄟˋ)蒙古", "內蒙古"),
        ("內（ㄋㄟ）", "內"),
        ("重(zhòng)(chóng)慶", "重慶"),
        ("學( xué )習", "學習"),
        ("(新經(jīng)濟組織和新社會組織)", "(新經濟組織和新社會組織)"),
        ("嘎查村(社區(qū))等", "嘎查村(社區)等"),
        ("隱\u200b形\ufeff字\x00元", "隱形字元"),
        ("一行\r\n二行", "一行\n二行"),
    ],
)
def test_noise_is_removed(noisy: str, expected: str) -> None:
    assert clean(noisy).text == expected


@pytest.mark.parametrize(
    "content",
    [
        "社區村(居)民公約",
        "北京(Beijing)",
        "李(Li)教授",
        "增長(約)三成",
        "內(wài)",  # a reading of another character
        "世界衛生組織(who)",
        "第(一)項",
        "元(yuan/年)",
        "長(cháng、zhǎng)",  # a note on readings is content
        "賠償?shù)囊婪ㄓ枰再r償",
        "()（）(( ))",
        "表情👨‍👩‍👧和می‌خواهم",
    ],
)
def test_brackets_that_are_content_stay(content: str) -> None:
    assert clean(content).text == content


def test_the_report_loses_its_207_brackets_and_keeps_its_own() -> None:
    decoded = REPORT.read_text(encoding="utf-8")
    cleaned = clean(decoded)
    assert cleaned.removed == 207
    assert cleaned.text.count("(") == 4
    assert "賠償?shù)囊婪ㄓ枰再r償" in cleaned.text


@given(_PIECES)
def test_what_is_kept_is_kept_in_order(decoded: str) -> None:
    cleaned = clean(decoded)
    sources = [cleaned.offsets.to_source(at) for at in range(len(cleaned.text))]
    assert [decoded[source] for source in sources] == list(cleaned.text)
    assert sources == sorted(set(sources))


@given(_PIECES)
def test_cleaning_twice_changes_nothing(decoded: str) -> None:
    once = clean(decoded).text
    again = clean(once)
    assert (again.text, again.removed) == (once, 0)


@given(st.text(alphabet="內蒙古調研abcXYZ 123,.。，“”()（）\n"))
def test_text_without_latin_readings_or_controls_is_untouched(text: str) -> None:
    without_readings = text.lower().translate(str.maketrans("", "", "abcxyz"))
    assert clean(without_readings).text == without_readings


@given(_PIECES, st.data())
def test_offsets_go_there_and_back(decoded: str, data: st.DataObject) -> None:
    cleaned = clean(decoded)
    end = data.draw(st.integers(0, len(cleaned.text)))
    start = data.draw(st.integers(0, end))
    source = cleaned.offsets.span_to_source(Span(start, end))
    kept = decoded[source.start : source.end]
    assert len(kept) >= end - start
    for at in range(start, end):
        assert cleaned.offsets.to_derived(cleaned.offsets.to_source(at)) == at
    if start < end:
        assert clean(decoded).text[start:end][0] == kept[0]
        assert clean(decoded).text[start:end][-1] == kept[-1]


@given(st.text(alphabet="abc", max_size=12), st.data())
def test_two_maps_one_through_the_other(text: str, data: st.DataObject) -> None:
    def cut(source: str) -> tuple[str, OffsetMap]:
        keep = [data.draw(st.booleans()) for _ in source]
        derived, kept, was_kept = "", [], False
        for at, (character, is_kept) in enumerate(zip(source, keep, strict=True)):
            if is_kept and not was_kept:
                kept.append((len(derived), at))
            derived += character if is_kept else ""
            was_kept = is_kept
        return derived, OffsetMap(tuple(kept))

    middle, inner = cut(text)
    derived, outer = cut(middle)
    both = outer.through(inner)
    for at in range(len(derived)):
        assert both.to_source(at) == inner.to_source(outer.to_source(at))


@pytest.mark.parametrize(
    ("question", "cleaned"),
    [
        ("內(nèi)蒙古的首府是哪裡", "內蒙古的首府是哪裡"),
        ("鄂爾 多斯的 人口有多少", "鄂爾多斯的 人口有多少"),
        ("呼和\n浩特在\r\n哪裡", "呼和浩特在哪裡"),
        ("what is\n deep learning", "what is deep learning"),
        ("第2\n屆", "第2 屆"),
        ("\u200b王小明 陳大文\u202e", "王小明 陳大文"),
        (" \x00 ", ""),
    ],
)
def test_questions_are_cleaned(question: str, cleaned: str) -> None:
    assert clean_question(question) == cleaned
    assert clean_question(cleaned) == cleaned
