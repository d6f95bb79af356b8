"""The language a reply should be in."""

import pytest

from qa.language import language_of


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("通辽市的人口是多少", "zh-Hans"),
        ("烏海市全程網辦事項量提升了多少", "zh-Hant"),
        ("你好", "zh-Hans"),
        ("What is Ordos's 三端五防線 model?", "en"),
        ("How many problems did the field research identify?", "en"),
        ("COVID-19是什么", "zh-Hans"),
        ("什麼是 ABC", "zh-Hant"),
        ("？", "zh-Hans"),
        ("37", "zh-Hans"),
    ],
)
def test_language_of(question: str, language: str) -> None:
    assert language_of(question) == language
