"""What kind of thing a question asks for, and whether a sentence holds one.

A question for a number is not answered by a sentence without any. Patterns are read on folded text,
in Chinese and in English.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from index import fold, holds_person, holds_place

NUMERAL = r"(?:\d[\d,.]*|[一二三四五六七八九十百千万亿两半]+)"
UNITS = (
    "%|[个人名位年月日天次种座条项家所岁米公里倍分亿万千元吨场届部张件层颗只艘架平方度时小克斤英"
    "寸集章篇首回支队成]"
)


@dataclass(frozen=True)
class _Kind:
    """How a kind is asked for, and how a sentence shows that it holds one."""

    asked: re.Pattern[str]
    is_in: Callable[[str], bool]


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda folded: bool(compiled.search(folded))


_TRANSLITERATED = re.compile("[\u4e00-\u9fff]·[\u4e00-\u9fff]")  # 马丁·路德
_DATE = re.compile(
    "何时|什么时[候间]|哪一?[年天]|[几何]年|几月|什么年|哪一?个?(?:时期|年代|世纪|朝代|月|日)|年份|日期|"
    r"\bwhen\b|\bwh(?:at|ich) (?:year|date|day|month|time|century|decade)"
)
KINDS: Mapping[str, _Kind] = {
    "number": _Kind(
        re.compile(
            "几|多少|多[大长高远重深宽]|百分之|"
            r"\bhow (?:many|much|long|far|old|tall|large|big|high)\b|"
            r"\bwhat (?:percent|number|amount)"
        ),
        _matching(rf"{NUMERAL}\s*(?:{UNITS})"),
    ),
    "date": _Kind(
        _DATE,
        _matching(
            r"(?:\d{2,4}|[一二三四五六七八九0零]{2,4})年|\d{1,2}[月日]|世纪|年代|时期|期间|[朝代]"
        ),
    ),
    "person": _Kind(
        re.compile(
            "谁|哪一?[位名]|哪一?个人|何人|是哪些人|哪一?个?(?:演员|作家|歌手|导演|球员)|"
            r"\bwho(?:m|se)?\b"
        ),
        lambda folded: bool(_TRANSLITERATED.search(folded)) or holds_person(folded),
    ),
    "place": _Kind(
        re.compile(
            "哪里|哪儿|何[处地]|什么地方|哪一?[个座]?(?:国家|城市|地方|省|地区|州|县|市|岛|洲|国)|"
            r"\bwhere\b|\bwh(?:at|ich) (?:city|country|state|place|province|region)"
        ),
        holds_place,
    ),
    "reason": _Kind(
        re.compile(r"为什么|为何|原因|缘故|因何|\bwhy\b"),
        _matching("因为|由于|因此|所以|原因|为了|使得|导致|因而|故|以便"),
    ),
    "several": _Kind(
        re.compile(
            "哪些|哪几|列出|列举|分别|"
            r"\bwh(?:at|ich) (?!(?:is|was|does|has)\b)(?:are|were|\w+s)\b|\blist\b"
        ),
        lambda folded: folded.count("、") > 1,
    ),
}


def kinds_asked(folded_question: str) -> frozenset[str]:
    """Return which kinds of things a folded question asks for."""
    asked = {name for name, kind in KINDS.items() if kind.asked.search(folded_question)}
    # 几年 and "how long ago" ask for a date with the words for a number.
    return frozenset(asked - {"number"} if "date" in asked else asked)


def asks_for_several(question: str) -> bool:
    """Return whether a question asks for several things: 哪些城市…, which cities…."""
    return "several" in kinds_asked(fold(question))


def kinds_held(asked: Collection[str], folded: str) -> frozenset[str]:
    """Return which of the kinds asked for a folded text holds."""
    return frozenset(name for name in asked if KINDS[name].is_in(folded))
