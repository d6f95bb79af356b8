"""When two texts count as the same: short hashes of their folded form, and their words alone."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from index.folding import fold
from index.types import Span

LENGTH = 16
"""Bytes of a key: 128 bits, so that no two texts share one by chance."""
# A mark between digits, a minus before one, and per cent say something: 3.5 is not 35, nor 5 -5.
_SPEAKING = re.compile(r"(?<=\d)[^\w\s](?=\d)|[-\u2212](?=\d)|[%\u2030]")
_PRIVATE = 0xF0000  # a plane of characters that no text uses


def text_key(folded: str) -> bytes:
    """Return the key of a folded text."""
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:LENGTH]


def vector_key(folded: str, sentences: Sequence[Span]) -> bytes:
    """Return the key of a folded text in sentences; where it is the same, so are all vectors."""
    bounds = ",".join(f"{span.start}-{span.end}" for span in sentences)
    return text_key(f"{bounds}\0{folded}")


def duplicate_key(text: str) -> bytes:
    """Return the key that duplicates share: texts that differ in script, marks and blanks only."""
    folded = fold(text)
    # A text of marks only is the same as one of the same marks.
    return text_key(_silenced(folded).replace("\0", "") or folded)


def find_words(quote: str, text: str) -> Span | None:
    """Return where a quote stands in a text, whatever the script, marks and blanks; None: nowhere.

    Marks around the words belong to what is found when they open or close it.
    """
    wanted = _folded(quote)
    if not quote or not _has_all(fold(text), wanted.letters):
        return None
    folded = _folded(text)
    at = folded.whole.find(wanted.whole)
    if at >= 0:
        return Span(at, at + len(quote))
    at = folded.words.find(wanted.words)
    if at < 0 or not wanted.words:
        return None
    silenced, words = folded.silenced, wanted.words
    offsets = [offset for offset, character in enumerate(silenced) if character != "\0"]
    start, end = offsets[at], offsets[at + len(words) - 1] + 1
    while start and _is_mark(text, silenced, start - 1, ("Ps", "Pi")):
        start -= 1
    while end < len(text) and _is_mark(text, silenced, end, ("Pe", "Pf", "Po")):
        end += 1
    return Span(start, end)


def _has_all(text: str, characters: str) -> bool:
    """Return whether every character stands in a text; most texts lack one of the first."""
    for character in characters:  # noqa: SIM110  (a generator takes longer than the search)
        if character not in text:
            return False
    return True


class _Folded(NamedTuple):
    """A folded text; with NUL for marks and blanks; without these; without marks that speak."""

    whole: str
    silenced: str
    words: str
    letters: str


@lru_cache(maxsize=512)
def _folded(text: str) -> _Folded:
    # Each quote is looked for in every hit.
    whole = fold(text)
    silenced = _silenced(whole)
    words = silenced.replace("\0", "")
    return _Folded(whole, silenced, words, "".join(c for c in words if ord(c) < _PRIVATE))


def _is_mark(text: str, silenced: str, at: int, kinds: Collection[str]) -> bool:
    return silenced[at] == "\0" and unicodedata.category(text[at]) in kinds


def _silenced(folded: str) -> str:
    """Return a folded text of the same length, with NUL for every mark and blank."""
    return _SPEAKING.sub(_aside, folded).translate(_SILENCED)


def _aside(mark: re.Match[str]) -> str:
    return chr(_PRIVATE + ord(mark.group())) if ord(mark.group()) < _PRIVATE >> 4 else mark.group()


class _Silenced(dict[int, str]):
    """A table for ``str.translate`` that works each character out when it is first seen."""

    def __missing__(self, code: int) -> str:
        says_nothing = unicodedata.category(chr(code)) in _SAY_NOTHING
        self[code] = found = "\0" if says_nothing else chr(code)
        return found


_SAY_NOTHING = {"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Zs", "Zl", "Zp", "Cc", "Cf"}
_SILENCED = _Silenced()
