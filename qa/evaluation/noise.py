"""Text → the same text with one kind of noise, as scans, converters and web pages leave it.

For asking how much noise costs: documents or questions are noised, the expected answers are not.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

from index import YinzhengError
from qa.evaluation.question_sets import QuestionSet

if TYPE_CHECKING:
    from opencc import OpenCC

Kind = Literal["pinyin", "script", "width", "breaks", "spaces", "ocr"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Where = Literal["contexts", "questions"]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]")
_TO_FULL_WIDTH = 0xFEE0
# Characters that look alike enough for recognisers and typists to take one for another.
_CONFUSED = (
    *("己已巳", "未末", "曰日", "人入八", "土士", "千干于", "大太犬", "天夭", "口囗", "田由甲申"),
    *("刀力刁", "王玉主", "午牛", "贝见", "儿几", "今令", "木本", "目自", "白百", "晴睛"),
    *("拆折析", "历厉", "免兔", "冶治", "侯候", "密蜜", "辨辩辫", "网冈", "戊戌戍", "住往"),
    *("待侍", "科料", "处外", "问间", "乌鸟", "兵乒乓", "代伐", "氏民", "师帅", "析祈"),
    *("間問", "見貝", "烏鳥", "遣遺", "微徵", "師帥", "陝陜", "亳毫", "崇祟", "茶荼"),
    *("壁璧", "巿市", "汨汩", "孑子", "撤撒", "徒徙", "炙灸", "冒昌", "采釆", "失矢"),
)

_Change = tuple[int, str]  # a place, and what its character becomes


@dataclass(frozen=True)
class Noise:
    """Noise for an evaluation.

    Attributes:
        kind: as for ``inject``.
        rate: as for ``inject``.
        where: what it is put into; the other stays as it is, and so do the expected answers.
    """

    kind: Kind
    rate: float = 0.1
    where: Where = "contexts"


def add_noise(asked: QuestionSet, noise: Noise, seed: int) -> QuestionSet:
    """Return a question set with noise in its contexts or in its questions.

    Raises:
        YinzhengError: there is no such kind, or the rate is no share.
    """

    def noised(text: str) -> str:
        return inject(text, noise.kind, noise.rate, seed)

    if noise.where == "questions":
        changed = tuple(replace(one, text=noised(one.text)) for one in asked.questions)
        return replace(asked, questions=changed)
    contexts = {text: noised(text) for text in asked.contexts}
    return replace(
        asked,
        contexts=tuple(contexts.values()),
        questions=tuple(
            replace(one, context=contexts.get(one.context or "", one.context))
            for one in asked.questions
        ),
    )


def inject(text: str, kind: Kind, rate: float, seed: int) -> str:
    """Return a text with noise of one kind.

    Args:
        text: a document or a question.
        kind: ``pinyin``, a reading in brackets behind a Han character, as in 內(nèi)蒙古;
            ``script``, a character in its other script; ``width``, an ASCII letter or digit in full
            width; ``breaks``, a line break, or ``spaces``, a space, between two Han characters;
            ``ocr``, a character taken for one that looks like it.
        rate: share of the places where the kind can happen at which it does, 0 to 1. A part of a
            place is left to chance, so that many short texts get their share as well.
        seed: the same seed, text, kind and rate give the same noise.

    Raises:
        YinzhengError: there is no such kind, or the rate is no share.
    """
    found = changes(text, kind, rate, seed)
    return "".join(found.get(at, character) for at, character in enumerate(text))


def changes(text: str, kind: Kind, rate: float, seed: int) -> dict[int, str]:
    """Return what noise of one kind makes of some characters of a text, by their place.

    Arguments and errors are those of ``inject``.
    """
    if kind not in KINDS:
        raise YinzhengError(f"There is no noise {kind!r}. Choose one of: {', '.join(KINDS)}")
    if not 0 <= rate <= 1:
        raise YinzhengError(f"The rate of noise is {rate}. Give a share from 0 to 1.")
    chance = random.Random(seed)  # noqa: S311 - noise that comes again, no secret
    places = list(_CHANGES[kind](text, chance))
    hit, part = divmod(rate * len(places), 1)
    return dict(chance.sample(places, int(hit) + (chance.random() < part)))


def _with_readings(text: str, _: random.Random) -> Iterator[_Change]:
    for at, character in enumerate(text):
        if _HAN.match(character) and (reading := _reading(character)):
            yield at, f"{character}({reading})"


@lru_cache(maxsize=8192)
def _reading(character: str) -> str | None:
    from pypinyin import Style, pinyin

    readings = pinyin(character, style=Style.TONE, errors="ignore")
    return str(readings[0][0]) if readings else None


def _in_other_script(text: str, _: random.Random) -> Iterator[_Change]:
    for at, character in enumerate(text):
        for conversion in ("t2s", "s2t"):
            other = _opencc(conversion).convert(character)
            if other != character:
                yield at, other
                break


@lru_cache(maxsize=2)
def _opencc(conversion: str) -> "OpenCC":
    from opencc import OpenCC

    return OpenCC(conversion)


def _in_full_width(text: str, _: random.Random) -> Iterator[_Change]:
    for at, character in enumerate(text):
        if character.isascii() and character.isalnum():
            yield at, chr(ord(character) + _TO_FULL_WIDTH)


def _with_breaks(text: str, _: random.Random) -> Iterator[_Change]:
    return _between_han(text, "\n")


def _with_spaces(text: str, _: random.Random) -> Iterator[_Change]:
    return _between_han(text, " ")


def _between_han(text: str, blank: str) -> Iterator[_Change]:
    for at, (before, after) in enumerate(pairwise(text)):
        if _HAN.match(before) and _HAN.match(after):
            yield at, before + blank


def _misread(text: str, chance: random.Random) -> Iterator[_Change]:
    for at, character in enumerate(text):
        if others := _LOOK_ALIKES.get(character):
            yield at, chance.choice(others)


def _look_alikes() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for group in _CONFUSED:
        for character in group:
            found.setdefault(character, []).extend(c for c in group if c != character)
    return found


_LOOK_ALIKES = _look_alikes()
_CHANGES: dict[Kind, Callable[[str, random.Random], Iterator[_Change]]] = {
    "pinyin": _with_readings,
    "script": _in_other_script,
    "width": _in_full_width,
    "breaks": _with_breaks,
    "spaces": _with_spaces,
    "ocr": _misread,
}
