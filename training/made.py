"""Questions made of plain texts: a phrase of a sentence is taken out and asked for in its place.

Chinese asks where the answer stands (他在哪里出生？), so that a clause with a question word in
place of a phrase is a question. What it repeats word for word would give it away, so some of what
is around the phrase is left out by chance.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from index import fold
from index.folding import Word, words
from index.splitter import sentences
from training.examples import Example

_SHORTEST, _LONGEST = 14, 110  # characters of a sentence that is asked about
_CLAUSE_END = re.compile(r"[,;:。！？!?]")
_DATE = re.compile(
    r"(?:\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|\d{1,2}月\d{1,2}[日号]|\d{1,2}月(?:份)?)"
)
_AMOUNT = re.compile(
    r"(?P<number>\d[\d,.]*[多余]?(?:万|亿|千|百|万亿)?[多余]?)(?P<unit>%|[㐀-鿿]{1,2})"
)
_UNITS = frozenset(
    "个名人元件位家次项条座所部场处米吨岁年天倍户村亩台辆届篇册首幅支枚套平方公里公斤万吨千瓦美元"
)
_TITLE = re.compile(r"《(?P<title>[^《》]{2,20})》")
_QUOTED = re.compile(r"[“\"](?P<term>[^”\"“]{3,14})[”\"]")
_DEFINED = re.compile(r"^(?P<what>[㐀-鿿A-Za-z]{2,12})(?:是指|指的是|是)(?P<how>[^,。]{6,40})")
_MAY_GO = frozenset(["d", "u", "ul", "uj", "c", "p", "y"])
_ASKED = {
    "nr": ("谁", "哪位", "什么人"),
    "ns": ("哪里", "什么地方", "哪个地方", "何处"),
    "nt": ("哪个机构", "什么单位", "哪个组织"),
    "date": ("什么时候", "何时", "哪一天", "哪一年"),
    "title": ("什么", "哪部作品", "哪个"),
    "quoted": ("什么",),
}
_OPENING = ("", "", "", "", "请问", "文中提到", "据报道,")


@dataclass(frozen=True)
class _Phrase:
    """A phrase that can be asked for: where it stands, what takes its place, what is kept of it."""

    start: int
    end: int
    asked: str
    answer: tuple[int, int]


def make_examples(
    texts: Iterable[str], seed: int, *, of_each: int = 2, source: str = "made"
) -> Iterator[Example]:
    """Yield questions made of texts, some of each.

    Args:
        texts: in Chinese.
        seed: of all chance.
        of_each: questions of a text, at most.
        source: what the set is called.
    """
    for number, text in enumerate(texts):
        context = fold(" ".join(text.split()))
        chance = Random(f"{seed} {number}")  # noqa: S311
        found = list(_of_text(context, chance))
        chance.shuffle(found)
        kinds: set[str] = set()
        for at, (question, answer, kind) in enumerate(found):
            if kind in kinds:
                continue
            kinds.add(kind)
            yield Example(f"{number}-{at}", question, context, (answer,), context[:40], source)
            if len(kinds) == of_each:
                break


def _of_text(context: str, chance: Random) -> Iterator[tuple[str, tuple[int, int], str]]:
    for span in sentences(context, 0, len(context)):
        if not _SHORTEST <= span.end - span.start <= _LONGEST:
            continue
        text = context[span.start : span.end]
        cut = words(text)
        for kind, phrase in _phrases(text, cut, chance):
            if text.count(text[phrase.answer[0] : phrase.answer[1]]) > 1:
                continue
            question = _question(text, cut, phrase, chance)
            if question:
                start, end = (span.start + at for at in phrase.answer)
                yield question, (start, end), kind


def _phrases(text: str, cut: Sequence[Word], chance: Random) -> Iterator[tuple[str, _Phrase]]:
    for match in _DATE.finditer(text):
        asked = "哪一年" if match[0].endswith("年") else chance.choice(_ASKED["date"][:2])
        yield "date", _Phrase(*match.span(), asked, match.span())
    for match in _AMOUNT.finditer(text):
        unit = match["unit"]
        if unit == "%":
            yield "amount", _Phrase(*match.span(), "多少", match.span())
        elif unit[0] in _UNITS and unit[0] not in "年月日":
            one = match.start(), match.end("number") + (2 if unit in _UNITS else 1)
            yield (
                "amount",
                _Phrase(one[0], one[1], f"多少{text[match.end('number') : one[1]]}", one),
            )
    for pattern, name, kind in ((_TITLE, "title", "title"), (_QUOTED, "term", "quoted")):
        for match in pattern.finditer(text):
            asked = chance.choice(_ASKED[kind])
            yield kind, _Phrase(*match.span(), asked, match.span(name))
    for word in cut:
        if word.tag in ("nr", "ns", "nt") and len(word.text) >= 2 and _is_name(word):
            asked = chance.choice(_ASKED[word.tag])
            yield word.tag, _Phrase(word.start, word.end, asked, (word.start, word.end))
    defined = _DEFINED.match(text)
    if defined is not None:
        yield "definition", _Phrase(*defined.span("how"), "什么", defined.span("how"))


def _is_name(word: Word) -> bool:
    return word.tag != "nr" or len(word.text) <= 4


def _question(text: str, cut: Sequence[Word], phrase: _Phrase, chance: Random) -> str:
    """Return the clause of a phrase, asked for it; empty when too little is left to go by."""
    first, last = _clauses(text, phrase, chance)
    before = _thinned(text, cut, first, phrase.start, chance)
    behind = _thinned(text, cut, phrase.end, last, chance)
    known = len(before) + len(behind)
    if known < 6 or known > 70:
        return ""
    if chance.random() < 0.15 and phrase.asked in _ASKED["date"]:
        body = f"{before}{behind}是{phrase.asked}"
    else:
        body = f"{before}{phrase.asked}{behind}"
    return f"{chance.choice(_OPENING)}{body.strip(',;: ')}{chance.choice('？？?')}"


def _clauses(text: str, phrase: _Phrase, chance: Random) -> tuple[int, int]:
    """Return where the clause of a phrase starts and ends; a short one takes what is before it."""
    ends = [match.end() for match in _CLAUSE_END.finditer(text)]
    starts = [0, *ends]
    at = max(n for n, start in enumerate(starts) if start <= phrase.start)
    last = next((end - 1 for end in ends if end > phrase.end - 1), len(text))
    first = starts[at]
    while at > 0 and (last - first < 14 or (last - first < 26 and chance.random() < 0.5)):
        at -= 1
        first = starts[at]
    return first, max(last, phrase.end)


def _thinned(text: str, cut: Sequence[Word], start: int, end: int, chance: Random) -> str:
    """Return a part of a sentence without some of the words that say little."""
    drops = chance.random() < 0.5
    kept = []
    for word in cut:
        if word.start < start or word.end > end:
            continue
        if drops and word.tag in _MAY_GO and chance.random() < 0.5:
            continue
        kept.append(text[word.start : word.end])
    return "".join(kept)
