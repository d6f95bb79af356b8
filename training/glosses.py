"""Chinese questions told in English words, word by word, so that a reader looks across languages.

What is asked in one language and stands in another is rare in question sets, and a dictionary is at
hand: words put in the place of others at training time carry over what was learnt in one language
(CoSDA-ML: Qin et al., 2020, arXiv:2006.06402). The result is no English sentence; names in no
dictionary are spelt as they sound, as they mostly are in English.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from random import Random

from pypinyin import lazy_pinyin

from index import fold
from index.dictionary import entries, senses
from index.folding import words

_KEPT = 0.12
"""Share of words that stay Chinese."""
_ASKED_FIRST = 0.7
_MEANINGS = 3
_LONGEST = 4  # words of a gloss
_NO_MEANING = ("surname", "classifier")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_SAYS_NOTHING = ("u", "uj", "ul", "ud", "uv", "uz", "ug", "y", "e", "o")
_ASKS = {
    "谁": ("who",),
    "何人": ("who",),
    "什么": ("what", "which"),
    "何": ("what",),
    "哪": ("which", "what"),
    "哪些": ("which", "what"),
    "哪个": ("which", "what"),
    "哪里": ("where",),
    "哪儿": ("where",),
    "何处": ("where",),
    "哪一个": ("which", "what"),
    "哪位": ("who", "which"),
    "哪年": ("which year", "what year", "when"),
    "哪一年": ("which year", "what year", "when"),
    "哪一天": ("which day", "when"),
    "哪一": ("which",),
    "多少": ("how many", "how much"),
    "几": ("how many",),
    "多": ("how",),
    "何时": ("when",),
    "时候": ("time",),
    "为什么": ("why",),
    "为何": ("why",),
    "如何": ("how",),
    "怎么": ("how",),
    "怎样": ("how",),
    "怎么样": ("how",),
}
# What these mean in a dictionary is mostly something else.
_PLAIN = {
    "是": ("is", "was", "are"),
    "在": ("in", "at", "on"),
    "和": ("and",),
    "年": ("",),
    "个": ("",),
}


def is_chinese(question: str) -> bool:
    """Return whether a question has Chinese characters."""
    return bool(_HAN.search(question))


def told_in_english(question: str, chance: Random) -> str:
    """Return a folded Chinese question with most of its words in English."""
    asked: list[str] = []
    told: list[str] = []
    for word in words(question):
        if not _HAN.search(word.text):
            told.append(word.text)
        elif word.text in _ASKS:
            (asked if chance.random() < _ASKED_FIRST else told).append(
                chance.choice(_ASKS[word.text])
            )
        elif chance.random() < _KEPT:
            told.append(word.text)
        elif not word.tag.startswith(_SAYS_NOTHING):
            told.append(_told(word.text, chance))
    return " ".join(filter(str.strip, [*asked, *told]))


def _told(word: str, chance: Random) -> str:
    known = _PLAIN.get(word) or _glosses().get(word)
    if known:
        return chance.choice(known[:_MEANINGS])
    told = []
    for is_word, parts in groupby(_parts(word), key=lambda part: len(part) > 1):
        if is_word:
            told += [_told(part, chance) for part in parts]
        else:  # likely a name
            told.append("".join(lazy_pinyin("".join(parts))).replace("v", "u"))
    return " ".join(told)


def _parts(word: str) -> list[str]:
    """Return the longest words of the dictionary that a word consists of, from its start."""
    parts = []
    at = 0
    while at < len(word):
        stop = next((s for s in range(len(word), at + 1, -1) if word[at:s] in _glosses()), at + 1)
        parts.append(word[at:stop])
        at = stop
    return parts


@lru_cache(maxsize=1)
def _glosses() -> Mapping[str, Sequence[str]]:
    """Return what words of two or more characters, and single ones that are words, mean."""
    found: dict[str, list[str]] = defaultdict(list)
    for word, _, explained in entries():
        found[fold(word)] += _short(explained)
    return {word: meanings for word, meanings in found.items() if meanings}


def _short(explained: Sequence[str]) -> Iterator[str]:
    for sense in senses(explained):
        plain = re.split("[;,]", sense)[0].strip().lower()
        plain = plain.removeprefix("to ").removeprefix("a ").removeprefix("the ")
        if plain and len(plain.split()) <= _LONGEST and not plain.startswith(_NO_MEANING):
            yield plain
