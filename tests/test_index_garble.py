"""Garble is found, and sound text is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT
from index.garble import garbled

SOUND = "自治区党委副书记高度重视专项行动，主动担当作为，切实履行第一责任人职责"
TRADITIONAL = "自治區黨委副書記高度重視專項行動，主動擔當作為，切實履行第一責任人職責"


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in garbled(text)]


def test_the_report_has_one_place() -> None:
    assert found(REPORT.read_text(encoding="utf-8")) == ["囊婪ㄓ枰再r償"]


@pytest.mark.parametrize(
    "misread",
    [
        SOUND.encode().decode("gb18030", "ignore"),
        SOUND.encode().decode("latin-1"),
        SOUND.encode("gbk").decode("latin-1"),
        SOUND.encode("gbk").decode("big5hkscs", "ignore"),
        TRADITIONAL.encode("big5").decode("gb18030", "ignore"),
        TRADITIONAL.encode("big5").decode("latin-1"),
        SOUND.encode("gbk")[1:].decode("gb18030", "ignore"),
    ],
)
def test_misreadings_are_found_where_they_stand(misread: str) -> None:
    text = f"{SOUND}。{misread}。{SOUND}"
    start, end = len(SOUND) + 1, len(SOUND) + 1 + len(misread)
    spans = garbled(text)
    assert spans
    covered = sum(min(span.end, end) - max(span.start, start) for span in spans)
    assert covered > 0.5 * len(misread)
    assert all(start - 6 <= span.start < span.end <= end + 6 for span in spans)


@pytest.mark.parametrize("text", ["\ufffd\ufffd", "锟斤拷锟斤拷", "烫烫烫烫"])
def test_what_is_left_of_lost_bytes_is_found(text: str) -> None:
    assert found(f"前{text}後") == [text]


@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        TRADITIONAL,
        "饕餮盛宴，旖旎風光，耄耋老人娓娓道來，鋃鐺入獄，囹圄之中",
        "記者 唐婷婷 彭偲璠 鄭倩婷 攝",
        "北京\xa0\xa0\xa0\xa0時間 958\xa0471\xa0518（法發﹝2019﹞25號）",
        "Les élèves ont réussi à l'été; Übermäßige Größe; ÄÖÜ äöü",
        "內(nèi)蒙古自治區(qū)，轉(zhuǎn)為",
        "これは日本語の文章です。한국어 문장입니다. Это по-русски.",
        "α+β≤γ, 5℃±0.5, ①②③ ★☆ ■□ → ←",
    ],
)
def test_sound_text_is_left_alone(text: str) -> None:
    assert found(text) == []


@given(st.text(alphabet="甲囊婪ㄓ枰再r償\ufffdÄãºÃ涓鏂囩紪，。\n a", max_size=60))
def test_ranges_are_in_order_apart_and_inside(text: str) -> None:
    at = 0
    for span in garbled(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end + 1
