"""Questions made of plain texts: a phrase of a sentence is taken out and asked for in its place.

Chinese asks where the answer stands (他在哪里出生？), so that a clause with a question word in
place of a phrase is a question. What it repeats word for word would give it away, so some of what
is around the phrase is left out by chance.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from random import Random
from typing import NamedTuple

from index import fold
from index.folding import Word, words
from index.splitter import sentences
from training.clauses import CLAUSES, Asked, clauses
from training.examples import Example

_SHORTEST, _LONGEST = 14, 110  # characters of a sentence that is asked about
_CLAUSE_END = re.compile(r"[,;:。！？!?]")
_DATE = re.compile(
    r"(?<![\d至到、~-])"
    r"(?:\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|\d{1,2}月\d{1,2}[日号]|\d{1,2}月份?)"
    r"(?![至到、~-]?\d)"
)
_UNITS = (
    "平方公里|平方千米|平方米|立方米|千米|千克|万千瓦时|千瓦时|人次|公里|公斤|公顷|厘米|毫米|小时|分钟|千瓦|基点|百分点|"
    "美元|港元|欧元|日元|个|名|人|元|件|位|家|次|项|条|座|所|部|场|处|米|吨|岁|天|倍|户|村|亩|台|辆|届|"
    "篇|册|首|幅|支|枚|套|张|架|艘|头|只|棵|种|层|度"
)
_AMOUNT = re.compile(
    r"(?<![\d.,~-])(?P<number>\d[\d,]*(?:\.\d+)?[多余]?(?:万亿|[十百千万亿](?![米克瓦]))?[多余]?)"
    rf"(?P<unit>%|{_UNITS})(?![\d~-])"
)
_TITLE = re.compile(r"《(?P<title>[^《》]{2,20})》")
_QUOTED = re.compile(r"[“\"](?P<term>[^”\"“]{3,14})[”\"]")
# A name's kind is told by what stands beside it: of jieba's names of persons many are none.
_TITLES = (
    "主席|总统|总理|首相|部长|省长|市长|县长|区长|书记|主任|局长|院长|校长|所长|馆长|会长|董事长|总裁|"
    "经理|导演|编剧|演员|歌手|作家|画家|诗人|教授|博士|院士|医生|律师|教练|选手|球员|记者|将军|发言人|"
    "负责人|创始人|女士|先生|教师|老师|同学|队长|船长|皇帝|国王|丈夫|妻子|儿子|女儿|父亲|母亲"
)
_BEFORE_PERSON = re.compile(f"(?:{_TITLES})$")
_FOREIGN = re.compile(f'(?:{_TITLES})(?P<name>[㐀-鿿]{{1,6}}(?:·[㐀-鿿]{{1,6}})+)(?=[,。、:("“]|$)')
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤"
)
_BEHIND_PERSON = re.compile(
    "(?:表示|说|指出|介绍|认为|强调|透露|告诉|称|宣布|出任|担任|当选|获得|夺得|出席|主持|主演|执导|创作|"
    "发明|创办|创立|率领|出生|毕业|先生|女士|教授|同志|在接受|在社交)"
)
_BEFORE_PLACE = re.compile(
    "(?:在|于|从|到|赴|位于|来自|前往|抵达|飞往|进入|登陆|途经|离开|返回|定居|移居|迁往)$"
)
_DENIES = re.compile("[不没未非无别]")
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


class Made(NamedTuple):
    """A question made of a sentence.

    Attributes:
        question: its words.
        answer: where the phrase that it asks for stands in the text.
        kind: of phrase.
    """

    question: str
    answer: tuple[int, int]
    kind: str


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
        for at, made in enumerate(some_of(list(questions_of(context, chance)), of_each, chance)):
            yield Example(
                f"{number}-{at}", made.question, context, (made.answer,), context[:40], source
            )


def some_of(found: list[Made], most: int, chance: Random) -> list[Made]:
    """Return some questions, each of another kind; in half of the cases clauses first.

    They are rarer than names and numbers.
    """
    chance.shuffle(found)
    if chance.random() < 0.5:
        found.sort(key=lambda one: one.kind not in CLAUSES)
    first_of_kind = {one.kind: one for one in reversed(found)}
    return [one for one in found if one is first_of_kind[one.kind]][:most]


def questions_of(context: str, chance: Random) -> Iterator[Made]:
    """Yield the questions that the sentences of a folded text give."""
    for span in sentences(context, 0, len(context)):
        if not _SHORTEST <= span.end - span.start <= _LONGEST:
            continue
        text = context[span.start : span.end]
        cut = words(text)
        for phrase in chain(_phrases(text, cut, chance), clauses(text, chance)):
            if text.count(text[phrase.answer[0] : phrase.answer[1]]) > 1:
                continue
            question = _question(text, cut, phrase, chance)
            if question:
                start, end = (span.start + at for at in phrase.answer)
                yield Made(question, (start, end), phrase.kind)


def _phrases(text: str, cut: Sequence[Word], chance: Random) -> Iterator[Asked]:
    for match in _DATE.finditer(text):
        asked = "哪一年" if match[0].endswith("年") else chance.choice(_ASKED["date"][:2])
        yield Asked("date", *match.span(), asked, match.span())
    for match in _AMOUNT.finditer(text):
        unit = "" if match["unit"] == "%" else match["unit"]
        yield Asked("amount", *match.span(), f"多少{unit}", match.span())
    for pattern, name, kind in ((_TITLE, "title", "title"), (_QUOTED, "term", "quoted")):
        for match in pattern.finditer(text):
            yield Asked(kind, *match.span(), chance.choice(_ASKED[kind]), match.span(name))
    for start, end, kind in _names(text, cut):
        yield Asked(kind, start, end, chance.choice(_ASKED[kind]), (start, end))


def _names(text: str, cut: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
    """Yield where names stand that what is beside them tells the kind of, and the kind."""
    for match in _FOREIGN.finditer(text):
        yield *match.span("name"), "nr"
    for at, word in enumerate(cut):
        before, behind = text[: word.start], text[word.end :]
        if _may_be_person(word):
            if _BEFORE_PERSON.search(before) or _BEHIND_PERSON.match(behind):
                yield word.start, word.end, "nr"
        elif word.tag == "ns" and len(word.text) >= 2 and _BEFORE_PLACE.search(before):
            last = at
            while last + 1 < len(cut) and cut[last + 1].tag == "ns":
                last += 1
            if not _goes_on(cut, last):
                yield word.start, cut[last].end, "ns"
        elif word.tag == "nt" and len(word.text) >= 3 and not _goes_on(cut, at):
            first = at
            while first > 0 and cut[first - 1].tag == "ns":
                first -= 1
            yield cut[first].start, word.end, "nt"


def _may_be_person(word: Word) -> bool:
    if word.tag == "nr":
        return 2 <= len(word.text) <= 4
    # Most names of persons are in no dictionary.
    return word.tag == "?" and len(word.text) in (2, 3) and word.text[0] in _SURNAMES


def _goes_on(cut: Sequence[Word], at: int) -> bool:
    """Return whether the word behind one may be the rest of its name: a noun, or unknown."""
    return at + 1 < len(cut) and cut[at + 1].tag in ("n", "?", "nt", "nz", "nr")


def _question(text: str, cut: Sequence[Word], phrase: Asked, chance: Random) -> str:
    """Return the clause of a phrase, asked for it; empty when too little is left to go by."""
    first, last = _clauses(text, phrase, chance)
    before = _thinned(text, cut, first, phrase.start, chance)
    behind = _thinned(text, cut, phrase.end, last, chance)
    known = len(before) + len(behind)
    least = 3 if phrase.kind == "definition" else 8
    if not least <= known <= 70:
        return ""
    if chance.random() < 0.15 and phrase.words in _ASKED["date"]:
        body = f"{before}{behind}是{phrase.words}"
    else:
        body = f"{before}{phrase.words}{behind}"
    return f"{chance.choice(_OPENING)}{body.strip(',;: ')}{chance.choice('？？?')}"


def _clauses(text: str, phrase: Asked, chance: Random) -> tuple[int, int]:
    """Return where a question starts and ends: with its clause; a short one takes what is before.

    Where the phrase says itself where its question ends, it ends there.
    """
    ends = [match.end() for match in _CLAUSE_END.finditer(text)]
    starts = [0, *ends]
    at = max(n for n, start in enumerate(starts) if start <= phrase.start)
    last = next((end - 1 for end in ends if end > phrase.end - 1), len(text))
    first = starts[at]
    while at > 0 and (last - first < 14 or (last - first < 26 and chance.random() < 0.5)):
        at -= 1
        first = starts[at]
    return first, phrase.last or max(last, phrase.end)


def _thinned(text: str, cut: Sequence[Word], start: int, end: int, chance: Random) -> str:
    """Return a part of a sentence without some of the words that say little."""
    drops = chance.random() < 0.5
    kept = []
    for word in cut:
        if word.start < start or word.end > end:
            continue
        may_go = word.tag in _MAY_GO and not _DENIES.search(word.text)
        if drops and may_go and chance.random() < 0.5:
            continue
        kept.append(text[word.start : word.end])
    return "".join(kept)
