"""Clean text → folded text of the same length, and its terms. For search only, never shown.

The only file that knows OpenCC and jieba. Because folding goes character by character, an offset in
the folded text is the same offset in the clean text.
"""

import logging
import re
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from index.locations import cache_dir
from index.numbers import number_terms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from jieba import Tokenizer
    from opencc import OpenCC

# What OpenCC's Traditional → Simplified leaves apart although readers take it for the same.
_VARIANTS = {
    "著": "着",
    "妳": "你",
    "祂": "他",
    "牠": "它",
    "倂": "并",
    "甦": "苏",
    "彊": "强",
    "瞭": "了",
    "藉": "借",
    "祇": "只",
    "衹": "只",
    "〇": "0",
    "“": '"',
    "”": '"',
    "「": '"',
    "」": '"',
    "『": '"',
    "』": '"',
    "‘": "'",
    "’": "'",
}
_TERM = re.compile(r"[0-9]+(?:\.[0-9]+)*|[^\W_]+")
# jieba cuts no word across these; what stands between two of them it cuts by itself.
_BETWEEN_PARTS = re.compile(r"[^\w+#&.%-]+")
_HAN_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]+")


def fold(text: str) -> str:
    """Return the text as search sees it: Simplified, half width, lower case, variants united.

    The result has the same length; folding twice changes nothing.
    """
    return text.translate(_FOLDED) if len(text) < _SHORT else _fold_long(text)


def terms(text: str) -> list[str]:
    """Return the search terms of a text: jieba's words, pairs of Han characters, and numbers.

    Words are jieba's ``cut_for_search``: long words come with the words inside them. Pairs are
    written with a leading ``_`` so that a pair that is a word is counted as both. Numbers written
    otherwise than in plain digits are added in plain digits: 3.65万 as 36500, which is what jieba
    gives for 36500.
    """
    folded = fold(text)
    words: list[str] = []
    for word in _jieba().cut_for_search(folded):
        if word.isalpha():  # most are; the pattern would find the same
            words.append(word)
        else:
            words.extend(_TERM.findall(word))
    pairs = [f"_{a}{b}" for run in _HAN_RUN.finditer(folded) for a, b in pairwise(run.group())]
    return words + pairs + number_terms(folded)


def inside_words(folded: str) -> frozenset[int]:
    """Return the offsets of a folded text that stand inside a word of the dictionary."""
    inside: list[int] = []
    at = 0
    for word in _jieba().cut(folded, HMM=False):
        inside.extend(range(at + 1, at + len(word)))
        at += len(word)
    return frozenset(inside)


def lookup_terms(word: str) -> tuple[str, ...]:
    """Return the search terms that all stand in a passage which holds a folded word.

    The character pairs of a Han word, as jieba may have cut it otherwise there.
    """
    pairs = tuple(f"_{a}{b}" for run in _HAN_RUN.findall(word) for a, b in pairwise(run))
    return pairs or (word,)


def stands_in(term: str, folded: str) -> bool:
    """Return whether a search term stands in a folded text, without cutting the text into words.

    A word counts wherever its characters stand; a Latin word only as a whole, a number however it
    is written.
    """
    return stands_in_each(term, [folded])[0]


def stands_in_each(term: str, folded: Sequence[str]) -> list[bool]:
    """Return of each folded text whether a search term stands in it, as ``stands_in`` does."""
    text = term.removeprefix("_")
    is_number = text[0].isdigit()
    if text.isascii():
        # 12 stands in 12cm, not in 123; "art" not in "party".
        more = r"\d" if is_number else "[a-z]"
        alone = re.compile(rf"(?<!{more}){re.escape(text)}(?!{more})")
        found = [text in one and alone.search(one) is not None for one in folded]
    else:
        found = [text in one for one in folded]
    if is_number:
        return [is_in or text in _numbers_in(one) for is_in, one in zip(found, folded, strict=True)]
    return found


@lru_cache(maxsize=512)
def _numbers_in(folded: str) -> frozenset[str]:
    # Each sentence is asked for every number of a question.
    return frozenset(number_terms(folded))


@lru_cache(maxsize=64)
def _cut(folded: str) -> tuple[str, ...]:
    """Return the words of a folded question, whose words several ask for."""
    return tuple(_jieba().cut(folded))


def content_words(text: str) -> dict[str, float]:
    """Return the words that say what a question is about, each with its weight.

    Left out are marks, Latin words, and words that only ask. The weight is a word's inverse
    document frequency in general Chinese, from jieba's own table: 的 0.9, 工作 4.2, 赤峰 9.8.
    Unlike that of an index, it tells a rare name from a common word even among twenty passages.
    """
    words: dict[str, float] = {}
    for word in _cut(fold(text)):
        if _HAN_RUN.search(word) and not _ASKING.search(word):
            words[word] = _general_idf().get(word, _UNKNOWN_IDF)
        elif any(character.isdigit() for character in word):
            words[word] = _NUMBER_IDF
    return words


def script_of(text: str) -> Literal["zh-Hans", "zh-Hant"] | None:
    """Return the script of a Chinese text; None when its characters are the same in both."""
    traditional = sum(_opencc("t2s").convert(c) != c for c in text)
    simplified = sum(_opencc("s2t").convert(c) != c for c in text)
    if traditional == simplified == 0:
        return None
    return "zh-Hant" if traditional >= simplified else "zh-Hans"


def in_script(text: str, script: Literal["zh-Hans", "zh-Hant"]) -> str:
    """Return a Chinese text in Simplified or Traditional characters, for words of our own only.

    Unlike folding it changes nothing else, and it may change the length. What documents say is
    never shown so.
    """
    return str(_opencc("t2s" if script == "zh-Hans" else "s2t").convert(text))


def place_names(text: str) -> list[str]:
    """Return the places a text names, folded, in order; none that is an everyday word as well."""
    rare = (word for word, weight in content_words(text).items() if weight >= _RARE_IDF)
    return [word for word in rare if word in _places()]


@dataclass(frozen=True)
class Word:
    """A word of a text, as jieba cuts it.

    Attributes:
        text: the word, folded.
        start: its first character in the text; folding moves nothing.
        end: one past its last character.
        tag: its part of speech in jieba's dictionary: ``ns`` a place, ``nr`` a person, ``nt`` an
            organisation, ``nz`` another name, ``v`` a verb, …; ``?`` for a Han word which that
            dictionary does not know, as it does not know most names; empty for all that is not Han.
        is_rare: whether it is no everyday word; of those that are, some are tagged by mistake.
    """

    text: str
    start: int
    end: int
    tag: str
    is_rare: bool


def words(text: str) -> list[Word]:
    """Return the words of a text, in order, each with its part of speech."""
    found: list[Word] = []
    at = 0
    for word in _cut(fold(text)):
        is_rare = _general_idf().get(word, _UNKNOWN_IDF) >= _RARE_IDF
        found.append(Word(word, at, at + len(word), _tag_of(word), is_rare))
        at += len(word)
    return found


def _tag_of(word: str) -> str:
    if not _HAN_RUN.fullmatch(word):
        return ""
    if word in _places():
        return "ns"
    return _tags().get(word) or ("n" if len(word) == 1 or _jieba().FREQ.get(word) else "?")


@lru_cache(maxsize=1)
def _tags() -> dict[str, str]:
    """Return jieba's words that are no common nouns, which are most, each with its tag."""
    lines = (line.split(" ") for line in _jieba_table("dict.txt"))
    return {fold(word): tag for word, _, tag in lines if tag != "n"}


def names_place(words: Iterable[str]) -> bool:
    """Return whether any of these folded words is the name of a place."""
    return not _places().isdisjoint(words)


def holds_person(folded: str) -> bool:
    """Return whether any word of a folded text is the name of a person."""
    return _holds(_tagged("nr"), folded)


def holds_place(folded: str) -> bool:
    """Return whether any word of a folded text is the name of a place."""
    return _holds(_places(), folded)


def _holds(names: frozenset[str], folded: str) -> bool:
    return any(_part_holds(names, part) for part in _BETWEEN_PARTS.split(folded))


@lru_cache(maxsize=2048)
def _part_holds(names: frozenset[str], part: str) -> bool:
    # Cutting is slow, so only a part is cut that has the characters of a name side by side.
    if not _may_hold(names, part):
        return False
    cut = _jieba().cut_for_search(part)
    return any(not names.isdisjoint(_TERM.findall(word)) for word in cut)


def _may_hold(names: frozenset[str], part: str) -> bool:
    heads, longest = _heads(names)
    for start, character in enumerate(part):
        if part[start : start + 2] in heads or character in heads:
            ends = range(start + 1, min(start + longest, len(part)) + 1)
            if any(part[start:end] in names for end in ends):
                return True
    return False


@lru_cache(maxsize=4)
def _heads(names: frozenset[str]) -> tuple[frozenset[str], int]:
    """Return the first two characters of each name, or its only one, and the longest length."""
    return frozenset(name[:2] for name in names), max(map(len, names), default=0)


@lru_cache(maxsize=1)
def han_shares() -> dict[str, float]:
    """Return each folded Han character's share of all Han characters in jieba's word counts."""
    counts: Counter[str] = Counter()
    for line in _jieba_table("dict.txt"):
        word, count, *_ = line.split(" ")
        for character in word:
            counts[character] += int(count)
    folded: Counter[str] = Counter()
    for character, count_of_one in counts.items():
        if _HAN_RUN.match(character):
            folded[fold(character)] += count_of_one
    total = folded.total()
    return {character: count / total for character, count in folded.items()}


_ASKING = re.compile("[几哪谁怎何啥吗呢]|多少|什么|多[大长高远久]|是否")
_UNKNOWN_IDF = 11.95  # the table's median, which is that of rare words and names
_NUMBER_IDF = 9.0
_RARE_IDF = 8.0


@lru_cache(maxsize=1)
def _general_idf() -> dict[str, float]:
    lines = (line.split(" ") for line in _jieba_table("analyse/idf.txt"))
    return {fold(word): float(idf) for word, idf in lines}


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    """Return jieba's words that are tagged as names of places, also without 市, 县 and the like.

    With its suffix 通辽市 is tagged as a place; 通辽 alone is not.
    """
    full = _tagged("ns")
    return frozenset(
        full | {name[:-1] for name in full if len(name) > 2 and name[-1] in "省市县州盟旗"}
    )


@lru_cache(maxsize=2)
def _tagged(tag: str) -> frozenset[str]:
    """Return jieba's words of one part of speech, folded."""
    lines = (line for line in _jieba_table("dict.txt") if line.endswith(f" {tag}"))
    return frozenset(fold(line.split(" ")[0]) for line in lines)


def _jieba_table(name: str) -> list[str]:
    import jieba

    return (Path(jieba.__file__).parent / name).read_text(encoding="utf-8").splitlines()


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that works each character out when it is first seen."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


_FOLDED = _Folding()
_SHORT = 32  # characters up to which translate() is the faster way


def _fold_long(text: str) -> str:
    """Fold by a table of codes: about four times as fast as ``str.translate``."""
    import numpy as np

    table = _codes()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    folded = table[codes]
    if not folded.all():  # some are seen for the first time
        for code in np.unique(codes[folded == 0]).tolist():
            table[code] = ord(_FOLDED[code]) + 1
        folded = table[codes]
    return (folded - 1).tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=1)
def _codes() -> "npt.NDArray[np.uint32]":
    """Return the table: 1 more than each folded code, 0 for one not seen yet."""
    import numpy as np

    return np.zeros(sys.maxunicode + 1, np.uint32)  # of its pages only those in use are taken


def _fold_character(character: str) -> str:
    narrow = _single(unicodedata.normalize("NFKC", character), character)
    lower = _single(narrow.lower(), narrow)
    variant = _VARIANTS.get(lower, lower)
    simplified = _single(_opencc("t2s").convert(variant), variant)
    # 薴 → 苧 → 苎: what one conversion gives, another may convert again.
    return simplified if simplified == character else _fold_character(simplified)


def _single(candidate: str, otherwise: str) -> str:
    """Return the candidate when it is one character, so that offsets stay what they are."""
    return candidate if len(candidate) == 1 else otherwise


@lru_cache(maxsize=2)
def _opencc(conversion: str) -> "OpenCC":
    from opencc import OpenCC

    return OpenCC(conversion)


_jieba_lock = threading.Lock()


def _jieba() -> "Tokenizer":
    with _jieba_lock:
        return _load_jieba()


@lru_cache(maxsize=1)
def _load_jieba() -> "Tokenizer":
    import jieba

    # It reports every start, and with a traceback that it could not keep its cache, which it can do
    # without: a container may be read-only.
    jieba.setLogLevel(logging.CRITICAL)
    tokenizer = jieba.Tokenizer()
    # Its default is a fixed name in the machine's shared temporary folder, which others can write.
    folder = cache_dir() / "jieba"
    tokenizer.tmp_dir = str(folder)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    tokenizer.initialize()
    with suppress(OSError):  # made by root in a container's image, read by the user it runs as
        (folder / "jieba.cache").chmod(0o644)
    return tokenizer
