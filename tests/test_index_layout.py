"""Stray spaces and line breaks inside sentences go; those an author sets stay."""

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT, build_index, open_index
from index.cleaner import clean

PROSE = (
    "內蒙古自治區黨委政法委高度重視開展主題教育，積極推動各項部署落實落細，召開動員會議，"
    "建立工作機制和工作機構，細化任務清單，廣泛開展政法領域的調查研究和專項治理工作，"
    "著力解決群眾反映強烈的突出問題，努力提升基層社會治理的現代化水準。"
)
OTHER = (
    "鄂爾多斯市公安機關推行全程網上辦理，讓群眾少跑路，電子證照的使用範圍不斷擴大，"
    "呼和浩特與包頭兩地的窗口也已經實現相互承認，企業開辦時間壓縮到半個工作日以內。"
)
HEADING = "築牢祖國北疆安全穩定屏障"


def wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def spaced(text: str, rate: float, blank: str = " ") -> str:
    chance = random.Random(7)
    return re.sub(
        r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])",
        lambda _: blank if chance.random() < rate else "",
        text,
    )


@pytest.mark.parametrize("rate", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("blank", [" ", "  ", "\u3000", "\t"])
def test_stray_spaces_go(rate: float, blank: str) -> None:
    noisy = spaced(PROSE, rate, blank)
    assert noisy != PROSE
    assert clean(noisy).text == PROSE


def test_spaces_beside_marks_go_with_the_others() -> None:
    assert clean(spaced(PROSE, 0.2).replace("，", " ， ")).text == PROSE


@pytest.mark.parametrize(
    "text",
    [
        "出席的有張三 李四 王五 趙六 孫七，會議由錢八主持。",
        "記者 王小明 通訊員 李大華 攝影報道",
        "會 議 紀 要",
        "床前明月光 疑是地上霜 舉頭望明月 低頭思故鄉",
        "第一章\u3000總則\n第一條\u3000為了加強管理，制定本條例。",
        "姓名\t單位\t職務\n張三\t辦公室\t主任\n李四\t財務處\t會計",
        "他說 2022 年有 3.65 萬件 COVID 病例",
        f"{PROSE}編 輯：張三 責 編：李四 監 製：王五",
    ],
)
def test_an_authors_spaces_stay(text: str) -> None:
    assert clean(text).text == text


@pytest.mark.parametrize("width", [8, 12, 18, 25, 40])
def test_lines_wrapped_at_a_width_are_joined(width: int) -> None:
    noisy = wrapped(PROSE, width)
    assert clean(noisy).text == PROSE


def test_lines_broken_anywhere_are_joined() -> None:
    assert clean(spaced(PROSE, 0.1, "\n")).text == PROSE


def test_headings_paragraphs_and_indents_stay_apart() -> None:
    text = f"{HEADING}\n{wrapped(PROSE, 25)}\n\n\u3000\u3000{wrapped(OTHER, 25)}\n一、{OTHER}"
    assert clean(text).text == f"{HEADING}\n{PROSE}\n\n\u3000\u3000{OTHER}\n一、{OTHER}"


def test_a_number_or_latin_words_are_not_joined() -> None:
    text = wrapped(PROSE, 20)
    assert clean(text.replace("\n", "20\n22", 1)).text.count("\n") == 1
    assert "deep\nlearning" in clean(text.replace("\n", "deep\nlearning", 1)).text


@pytest.mark.parametrize(
    "text",
    [
        "床前明月光，\n疑是地上霜。\n舉頭望明月，\n低頭思故鄉。",
        "春眠不覺曉\n處處聞啼鳥\n夜來風雨聲\n花落知多少",
        "一、加強領導\n二、細化措施\n三、嚴格考核\n四、總結經驗",
        f"{HEADING}\n{PROSE}\n{OTHER}",
        "呼和浩特市\n包頭市\n鄂爾多斯市\n烏蘭察布市\n通遼市\n赤峰市\n呼倫貝爾市\n巴彥淖爾市",
        "關於進一步加強基層社會治理工作的若干意見\n關於深化政法領域全面改革的實施方案通知\n"
        "關於推進電子證照廣泛應用的工作方案要點\n關於建立健全信訪工作責任制的實施辦法",
        "需要的材料：\n身份證\n戶口簿\n申請表",
    ],
)
def test_an_authors_lines_stay(text: str) -> None:
    assert clean(text).text == text


def test_where_the_format_tells_paragraphs_breaks_stay() -> None:
    noisy = wrapped(PROSE, 18)
    assert clean(noisy, has_blocks=True).text == noisy


def test_a_wrapped_file_becomes_whole_passages(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{HEADING}\n{wrapped(PROSE, 20)}", encoding="utf-8")
    build_index(tmp_path / "a.txt", index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        (passage,) = index.get_passages(range(len(index)))
        document = index.document(passage.document_id)
    assert passage.text == PROSE
    assert passage.headings == (HEADING,)
    decoded = (tmp_path / "a.txt").read_text(encoding="utf-8")
    assert [decoded[document.offsets.to_source(at)] for at in range(len(document.text))] == list(
        document.text
    )


def test_the_report_keeps_its_spaces_and_lines() -> None:
    decoded = REPORT.read_text(encoding="utf-8")
    assert clean(decoded).text == clean(decoded, has_blocks=True).text
    assert re.findall(r"[\s\u3000]", clean(decoded).text) == re.findall(r"[\s\u3000]", decoded)


_LAYOUT = st.lists(
    st.sampled_from(
        [*re.findall(".{1,4}", PROSE), " ", "  ", "\n", "\n\n", "\u3000", "\t", "一、", "2022", "a"]
    ),
    max_size=80,
).map("".join)


@given(_LAYOUT)
def test_cleaning_twice_changes_nothing_and_only_blanks_are_removed(text: str) -> None:
    once = clean(text).text
    assert clean(once).text == once
    assert re.sub(r"\s", "", once) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "piece", ["內蒙 古", "內蒙\n古", "內 ", "內\n", "內 蒙\n古\u3000", "， \n"]
)
def test_long_texts_take_linear_time(piece: str) -> None:
    started = time.process_time()
    clean((piece * 60_000)[:60_000])
    assert time.process_time() - started < 10  # quadratic would be minutes
