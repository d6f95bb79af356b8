"""Decoded text → clean text: remove what the extraction added, keep every character of the author.

Removed are control and invisible characters; pinyin or bopomofo in brackets behind the one Han
character it spells, as in 內(nèi)蒙古, checked with pypinyin, so brackets that are content stay;
and what the layout of a page left inside sentences: stray spaces, and in plain text line breaks
(``layout.py`` says which).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from index.layout import spaces_inside_words, stray_spaces, wrapped_breaks
from index.types import OffsetMap

# Control characters other than tab and the line ends; soft hyphen, zero-width space, word joiner
# and byte-order mark; marks that change the direction of writing, which can make a quote read
# otherwise than it stands. U+200C and U+200D stay: some scripts and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
    "|\r(?=\n)"
)
_BRACKET = re.compile(r"[(（]\s{0,2}([^\s()（）]{1,12})\s{0,2}[)）]")
_BOPOMOFO = re.compile("[\u02c7\u02ca\u02cb\u02d9\u00b7\u02c9\u3105-\u312f\u31a0-\u31bf]+")
_BOPOMOFO_TONES = re.compile("[\u02c7\u02ca\u02cb\u02d9\u00b7\u02c9]")
_SYLLABLE = re.compile("[a-zêüv]+")
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_ONE_LINE = re.compile(rf"(?<={_HAN.pattern})\s*[\r\n]\s*(?={_HAN.pattern})")
_BREAK_IN_QUESTION = re.compile(r"\s*[\r\n]\s*")
_LETTER_LOOKALIKES = str.maketrans({"ɡ": "g", "ɑ": "a", "ı": "i"})


@dataclass(frozen=True)
class Cleaned:
    """The clean text, where its characters stood, and how many pieces of noise were removed."""

    text: str
    offsets: OffsetMap
    removed: int


def clean(decoded: str, *, has_blocks: bool = False) -> Cleaned:
    """Remove extraction noise from a decoded text.

    What is kept is kept in order and unchanged; cleaning a clean text changes nothing.

    Args:
        decoded: what the loader read.
        has_blocks: whether the format tells where paragraphs begin, so that line breaks inside them
            mean nothing and stay.
    """
    cleaned = Cleaned(decoded, OffsetMap(((0, 0),) if decoded else ()), 0)
    # One kind of noise may hide another: a reading in brackets on the next line, say.
    for _ in range(_MOST_PASSES):
        before = cleaned.removed
        for noise in _KINDS[: -1 if has_blocks else None]:
            if cuts := list(noise(cleaned.text)):
                step = _without(cleaned.text, cuts)
                offsets = step.offsets.through(cleaned.offsets)
                cleaned = Cleaned(step.text, offsets, cleaned.removed + step.removed)
        if cleaned.removed == before:
            break
    return cleaned


@lru_cache(maxsize=64)
def clean_question(question: str) -> str:
    """Return a question without extraction noise, on one line.

    A question is too short to tell an author's spaces from stray ones, and is not quoted: spaces
    inside a word go, those between words stay, and no line break between Han characters means
    anything.
    """
    one_line = _BREAK_IN_QUESTION.sub(" ", _ONE_LINE.sub("", question))
    spelled = clean(one_line, has_blocks=True).text
    return _without(spelled, spaces_inside_words(spelled)).text.strip()


def _invisible(text: str) -> Iterable[tuple[int, int]]:
    return (match.span() for match in _INVISIBLE.finditer(text))


def _without(text: str, cuts: list[tuple[int, int]]) -> Cleaned:
    """Cut ranges out of a text; ``cuts`` are in order and do not overlap."""
    pieces: list[str] = []
    kept: list[tuple[int, int]] = []
    derived = at = 0
    for start, end in [*cuts, (len(text), len(text))]:
        if start > at:
            kept.append((derived, at))
            pieces.append(text[at:start])
            derived += start - at
        at = end
    return Cleaned("".join(pieces), OffsetMap(tuple(kept)), len(cuts))


def _reading_brackets(text: str) -> Iterable[tuple[int, int]]:
    """Yield the ranges of brackets that hold a reading of the Han character before them."""
    spelled, behind = "", -1  # after 重(zhòng) a second bracket (chóng) stands behind 重 too
    for match in _BRACKET.finditer(text):
        before = spelled if match.start() == behind else text[match.start() - 1 : match.start()]
        if before and _HAN.fullmatch(before) and _spells(match.group(1), before):
            spelled, behind = before, match.end()
            yield match.span()


def _spells(reading: str, character: str) -> bool:
    """Return whether a bracket's content is a reading of the character, whatever its tone."""
    if _BOPOMOFO.fullmatch(reading):
        return _BOPOMOFO_TONES.sub("", reading) in _bopomofo_readings(character)
    syllable = _toneless(reading)
    return bool(_SYLLABLE.fullmatch(syllable)) and syllable in _pinyin_readings(character)


def _toneless(pinyin: str) -> str:
    """``nǚ`` → ``nv``, ``zhǔn`` → ``zhun``, ``diao4`` → ``diao``; capitals match nothing."""
    folded = unicodedata.normalize("NFKC", pinyin).translate(_LETTER_LOOKALIKES)
    decomposed = unicodedata.normalize("NFD", folded).replace("u\u0308", "v").replace("u:", "v")
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return letters[:-1] if letters[-1:] in set("012345") else letters


@lru_cache(maxsize=8192)
def _pinyin_readings(character: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    readings = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return frozenset(_toneless(reading) for of_one in readings for reading in of_one)


@lru_cache(maxsize=8192)
def _bopomofo_readings(character: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    readings = pinyin(character, style=Style.BOPOMOFO, heteronym=True, errors="ignore")
    return frozenset(_BOPOMOFO_TONES.sub("", r) for of_one in readings for r in of_one)


_KINDS = (_invisible, _reading_brackets, stray_spaces, wrapped_breaks)
_MOST_PASSES = 10  # real texts take two; the limit keeps made-up ones in linear time
