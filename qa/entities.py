"""What a question names: places, people, organisations, quoted terms, times and numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from index import Word, fold, is_proper_name, names_place, translations, words
from qa.language import language_of

Kind = Literal["place", "person", "organisation", "term", "name", "word", "noun", "time", "number"]
"""``term`` stands in quotation or title marks; ``name`` is a name of nobody knows what; ``word`` is
what jieba does not know, or takes for a person, and may be no name at all; ``noun`` names a kind of
thing."""

NAMES: frozenset[Kind] = frozenset({"place", "person", "organisation", "term", "name"})
_KINDS: dict[str, Kind] = {
    "ns": "place",
    "nr": "person",
    "nt": "organisation",
    "nz": "name",
    "t": "time",
    "?": "word",
}
_PLACE_ENDINGS = frozenset(
    re.findall(
        r"\S+",
        """
        市 县 区 旗 盟 州 省 镇 乡 村 国 岛 山 河 湖 自治区 地区 王国 帝国 共和国 半岛
        盆地 高原 山脉
        """,
    )
)
_COUNT = "[0-9一二三四五六七八九十百]"
_TERM = re.compile(r'"[^"]{1,60}"|《[^《》]{1,60}》|〈[^〈〉]{1,60}〉')
_TIME = re.compile(
    r"(?:公元)?前?(?:\d{1,4}|[0一二三四五六七八九]{2,4})年(?:代|度|初|底|末)?(?:\d{1,2}月)?(?:\d{1,2}[日号])?"
    rf"|{_COUNT}{{1,3}}(?:世纪(?:\d0年代)?|月份?(?:\d{{1,2}}[日号])?)|第?{_COUNT}季度|[上下]半年"
    r"|(?<![\da-z.,-])(?:1\d|20)\d\d(?![\da-z%]|[.,]\d)"
)
_NUMBER = re.compile(
    rf"第{_COUNT}{{1,5}}[个章条节届名位集部期次回卷页项批款]?|(?<![\w.])\d[\d.,]*(?:[%\w]|$)?"
)
_CAPITALISED = re.compile(
    r"(?<![A-Za-z'’])[A-Z][\w.&-]*(?:(?:\s+(?:of|de|von|van|the|al))?\s+[A-Z][\w.&-]*)*", re.ASCII
)
_LATIN = re.compile(r"[A-Za-z][\w&+-]*(?:\s+[A-Za-z][\w&+-]*)*", re.ASCII)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_PARTICLES = frozenset("的是有在为和与了被呢吗也又则将对把从到于及或")
# What an English sentence begins with in capitals without naming anything.
_BEGINNINGS = frozenset(
    re.findall(
        r"\S+",
        """
        a about according after along also although among an and are as at before besides between
        but by can could did do does during following for from had has have how if in into is it
        its list may might most name of on once or prior other over please she should since so tell
        that the their there these they this those through to under until upon was we were what
        when where whereas which while who whom whose why will with within without would you your
        he his her i describe explain give show find many much more some
        """,
    )
)


@dataclass(frozen=True)
class Entity:
    """What is named, where it stands in the question, and what kind of thing it is."""

    text: str
    start: int
    end: int
    kind: Kind


def entities(question: str) -> list[Entity]:
    """Return what a question names, in order; nothing overlaps.

    What is quoted counts as a whole. Han names are those that jieba's dictionary tags so, and words
    that it does not know; Latin ones are capitalised, or known to the dictionary as a place, or
    stand in Chinese text.
    """
    folded = fold(question)
    found: list[Entity] = []
    for start, end, kind in _candidates(question, folded):
        if all(end <= one.start or one.end <= start for one in found):
            found.append(Entity(question[start:end], start, end, kind))
    return sorted(found, key=lambda one: one.start)


def _candidates(question: str, folded: str) -> Iterator[tuple[int, int, Kind]]:
    """Yield (start, end, kind), whatever takes precedence first."""
    for match in _TERM.finditer(folded):
        yield *match.span(), "term"
    for place in _latin_places(question):
        if place not in _BEGINNINGS:
            for match in re.finditer(rf"\b{re.escape(place)}\b", folded):
                if question[match.start()].isupper() or question[1:].islower():
                    yield *match.span(), "place"
    for match in _TIME.finditer(folded):
        yield *match.span(), "time"
    yield from _han_names(words(question))
    yield from _latin_names(question)
    for match in _NUMBER.finditer(folded):
        yield *match.span(), "number"


def _latin_places(question: str) -> Iterator[str]:
    """Yield the places named in Latin letters: by a dictionary's gloss or, as Wuhan, by pinyin."""
    for one in translations(question):
        han = [word for word in one.alternatives if not word.isascii()]
        if one.is_place or (names_place(han) and all(map(is_proper_name, han))):
            yield one.typed


def _han_names(found: list[Word]) -> Iterator[tuple[int, int, Kind]]:
    """Yield names of one word or more: 内蒙古包头市, 马丁·路德."""
    at = 0
    while at < len(found):
        kind = _kind_of(found[at])
        end = at + 1
        while end < len(found) and (kind or found[end].text == "·"):
            longer = _longer(kind, found, end)
            if longer is None:
                break
            kind, end = longer
        if kind:
            yield found[at].start, found[end - 1].end, kind
        at = end


def _kind_of(word: Word) -> Kind | None:
    # 中国 and 北京 are everyday words, and so are 城市 and 太阳, which jieba takes for places.
    sure = word.is_rare or word.tag == "t" or is_proper_name(word.text)
    if not sure or len(word.text) == 1:
        return None
    # To jieba 歌德 is no person, and 後秦 a time.
    is_tagged = word.tag in _KINDS and word.tag != "t"
    if not is_tagged and is_proper_name(word.text):
        return "name"
    if word.tag == "nr" and not is_proper_name(word.text):
        return "word"
    return _KINDS.get(word.tag)


def _longer(kind: Kind | None, found: list[Word], end: int) -> tuple[Kind, int] | None:
    """Return kind and end of a name that goes on with the next word, if it does."""
    word = found[end]
    if word.text == "·" and end + 1 < len(found) and _HAN.match(found[end + 1].text):
        return "person", end + 2
    if kind == "place" and (word.text in _PLACE_ENDINGS or _kind_of(word) == "place"):
        return kind, end + 1
    if kind in ("person", "word") and word.tag in ("nr", "?") and word.is_rare:
        return kind, end + 1
    if kind == "word" and _is_cut_off(found, end):
        return kind, end + 1
    return None


def _is_cut_off(found: list[Word], end: int) -> bool:
    """Return whether a single character belongs to the unknown name before it: 台积|电|的."""
    behind = found[end + 1].text if end + 1 < len(found) else "的"
    return (
        len(found[end].text) == 1
        and bool(_HAN.match(found[end].text))
        and found[end].text not in _PARTICLES
        and behind in ("的", "呢", "?")
    )


def _latin_names(question: str) -> Iterator[tuple[int, int, Kind]]:
    if language_of(question) != "en":  # Latin letters among Han characters are names
        for match in _LATIN.finditer(question):
            if len(match[0]) > 1 and not set(match[0].lower().split()) <= _BEGINNINGS:
                yield *_without_beginning(match), "name"
        return
    for match in _CAPITALISED.finditer(question):
        start, end = _without_beginning(match)
        if start < end and (start > 0 or " " in question[start:end]):
            yield start, end, "name"


def _without_beginning(match: re.Match[str]) -> tuple[int, int]:
    """Return where a name is, without a word such as What or In before it, or a mark behind it."""
    start, end = match.span()
    for word in re.finditer(r"\S+", match[0]):
        if word[0].lower() not in _BEGINNINGS:
            break
        start = match.start() + word.end() + 1
    while end > start and match.string[end - 1] in ".-&":
        end -= 1
    return min(start, end), end


_JOINT = re.compile(r"\s*(?:和|与|跟|及|以及|同|、|,|/|\band\b|&)\s*")


def joined(question: str) -> list[Entity]:
    """Return what a question names, where what is joined counts as one: 烏海和包頭."""
    folded = fold(question)
    groups: list[Entity] = []
    for one in entities(question):
        last = groups[-1] if groups else None
        if last and last.kind == one.kind and _JOINT.fullmatch(folded, last.end, one.start):
            groups[-1] = Entity(question[last.start : one.end], last.start, one.end, one.kind)
        else:
            groups.append(one)
    return groups
