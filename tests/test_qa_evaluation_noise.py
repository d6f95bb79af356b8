"""Noise hits as many places as asked, the same ones for a seed, and can be taken away again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import YinzhengError, fold
from index.cleaner import clean
from qa.evaluation.noise import KINDS, Kind, inject

TEXT = (
    "內蒙古自治區黨委政法委高度重視開展主題教育，積極推動各項部署落實落細，召開動員會議，"
    "建立工作機制和工作機構，到2022年末已有366个部门使用ABC系統，努力提升基層社會治理水準。"
)


@pytest.mark.parametrize(
    ("kind", "text", "noised"),
    [
        ("pinyin", "內蒙", "內(nèi)蒙(méng)"),
        ("script", "內蒙古的办公", "内蒙古的辦公"),
        ("width", "在2022年, OK", "在２０２２年, ＯＫ"),
        ("breaks", "內蒙古，的A人", "內\n蒙\n古，的A人"),
        ("spaces", "內蒙古，的A人", "內 蒙 古，的A人"),
        ("ocr", "未來曰", "末來日"),
    ],
)
def test_every_place_is_hit_at_rate_one(kind: Kind, text: str, noised: str) -> None:
    assert inject(text, kind, 1, seed=0) == noised


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_noise_and_another_seed_another(kind: Kind) -> None:
    assert inject(TEXT * 9, kind, 0.3, seed=1) == inject(TEXT * 9, kind, 0.3, seed=1)
    assert inject(TEXT * 9, kind, 0.3, seed=1) != inject(TEXT * 9, kind, 0.3, seed=2)


@given(st.text(), st.sampled_from(KINDS), st.integers())
def test_no_noise_at_rate_nought(text: str, kind: Kind, seed: int) -> None:
    assert inject(text, kind, 0, seed) == text


@given(st.floats(0, 1), st.integers(0, 99))
def test_the_share_of_places_is_the_rate(rate: float, seed: int) -> None:
    places = len(re.findall(r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])", TEXT))
    assert abs(inject(TEXT, "spaces", rate, seed).count(" ") - rate * places) < 1
    letters = len(re.findall("[0-9A-Z]", TEXT))
    widened = re.findall("[０-９Ａ-Ｚ]", inject(TEXT, "width", rate, seed))
    assert abs(len(widened) - rate * letters) < 1


def test_many_short_texts_get_their_share() -> None:
    hits = sum(inject("未來", "ocr", 0.1, seed) != "未來" for seed in range(1000))
    assert 60 < hits < 140  # a hundred is expected


@pytest.mark.parametrize("kind", ["pinyin", "breaks", "spaces"])
@pytest.mark.parametrize("seed", range(5))
def test_the_cleaner_takes_away_what_it_knows(kind: Kind, seed: int) -> None:
    noised = inject(TEXT * 3, kind, 0.1, seed)
    assert noised != TEXT * 3
    assert clean(noised).text == TEXT * 3


@pytest.mark.parametrize("kind", ["script", "width"])
def test_folding_takes_away_the_rest(kind: Kind) -> None:
    assert fold(inject(TEXT, kind, 0.5, seed=3)) == fold(TEXT)


def test_look_alikes_keep_the_length_and_change_the_text() -> None:
    noised = inject(TEXT, "ocr", 1, seed=4)
    assert len(noised) == len(TEXT)
    assert sum(a != b for a, b in zip(noised, TEXT, strict=True)) >= 5


@pytest.mark.parametrize(("kind", "rate"), [("smoke", 0.1), ("ocr", 1.5), ("ocr", float("nan"))])
def test_bad_noise_is_refused(kind: Kind, rate: float) -> None:
    with pytest.raises(YinzhengError, match=r"Choose|Give"):
        inject(TEXT, kind, rate, seed=0)
