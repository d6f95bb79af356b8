"""What the layout of a page left in its text: stray spaces, and line breaks inside sentences.

Nobody writes 鄂爾 多斯. Where an author puts a space or ends a line, a word is over; where a scan,
a PDF or a fixed width does, the place is chance, and half of them fall inside a word. So each kind
of space (one, two, U+3000, tab …) and the breaks are judged by how often they stand inside a word
of the dictionary: in one line or paragraph, and where that says little, in the whole document.

Kept so: names, verse, columns and headings set apart by spaces; lines of verse, lists, headings.
What cannot be told: an author's space in a line that is full of stray ones goes with them; a
heading above text whose lines break at random lengths is joined to it; a few stray spaces in a
clean document, and a letter-spaced heading in one (會 議 紀 要), stay; a break behind a full stop
stays, so a wrapped paragraph may become two.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.folding import fold, inside_words

Cut = tuple[int, int]

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_OPENING = "（《〈「『【“‘"
_CLOSING = "，、。；：！？）》〉」』】”’…—·"
_BLANK = " \t\u3000\xa0"
_GAP = re.compile(f"(?<=[{_HAN}{_OPENING}{_CLOSING}])[{_BLANK}]+(?=[{_HAN}{_OPENING}{_CLOSING}])")
_IS_HAN = re.compile(f"[{_HAN}]")
_LINE = re.compile(r"[^\n]+")
# Shares of places inside a word, in 2,000 news texts: of their 2,368 single spaces .026, most of
# those in letter-spaced headings; of places chosen by chance .51.
_BY_AUTHOR, _BY_CHANCE = 0.03, 0.5
_INSIDE = math.log(_BY_CHANCE / _BY_AUTHOR)
_BETWEEN = math.log((1 - _BY_CHANCE) / (1 - _BY_AUTHOR))
_CERTAIN = 2.9  # log odds of a broken line, paragraph or document; one place is never enough
_UNSURE = -1.0  # above this a line follows its document
_DENSE = 25  # characters to a stray space: fewer spaces are a 董 事 会 in a clean text
_FAR = 80  # characters without any
_HEADING = 12  # characters: a line this short without marks may be letter-spaced


def _odds(inside: Sequence[bool]) -> float:
    """Return the log odds that places are chance, not the author's."""
    return sum(_INSIDE if one else _BETWEEN for one in inside)


# ---- spaces --------------------------------------------------------------------------------------


def spaces_inside_words(line: str) -> list[Cut]:
    """Return the ranges of spaces in one line that stand inside a word, in order."""
    inside = inside_words(fold(_GAP.sub("", line)))
    cuts: list[Cut] = []
    removed = 0
    for gap in _GAP.finditer(line):
        if gap.start() - removed in inside:
            cuts.append(gap.span())
        removed += len(gap.group())
    return cuts


@dataclass(frozen=True)
class _Gaps:
    """The spaces of one kind in one line."""

    cuts: list[Cut]
    odds: float
    is_even: bool
    is_text: bool

    @property
    def is_noise(self) -> bool:
        """Whether the line is broken by itself."""
        return self.is_text and self.is_even and self.odds >= _CERTAIN


def stray_spaces(text: str) -> list[Cut]:
    """Return the ranges of spaces between Han characters or marks that are noise, in order."""
    by_kind: dict[str, list[_Gaps]] = defaultdict(list)
    for line in _LINE.finditer(text):
        for kind, gaps in _gaps(line.group(), line.start()):
            by_kind[kind].append(gaps)
    cuts: list[Cut] = []
    for lines in by_kind.values():
        told = (gaps.odds for gaps in lines if gaps.is_even and gaps.is_text)
        is_broken = sum(told) >= _CERTAIN
        for gaps in lines:
            if gaps.is_noise or (is_broken and gaps.is_even and gaps.odds > _UNSURE):
                cuts.extend(gaps.cuts)
    return sorted(cuts)


def _gaps(line: str, start: int) -> Iterator[tuple[str, _Gaps]]:
    found = list(_GAP.finditer(line))
    if not found:
        return
    inside: frozenset[int] | None = None  # found out when it matters: most gaps are no noise
    cuts: dict[str, list[Cut]] = defaultdict(list)
    places: dict[str, list[int]] = defaultdict(list)  # without the gaps
    told: dict[str, list[bool]] = defaultdict(list)
    removed = 0
    for gap in found:
        kind = gap.group()
        cuts[kind].append((start + gap.start(), start + gap.end()))
        places[kind].append(gap.start() - removed)
        if _IS_HAN.match(line, gap.start() - 1) and _IS_HAN.match(line, gap.end()):
            inside = inside_words(fold(_GAP.sub("", line))) if inside is None else inside
            told[kind].append(gap.start() - removed in inside)
        removed += len(kind)
    length = len(line) - removed
    is_text = length > _HEADING or re.search("[，。]", line) is not None
    for kind, of_kind in cuts.items():
        is_even = _are_even(places[kind], length)
        yield kind, _Gaps(of_kind, _odds(told[kind]), is_even, is_text)


def _are_even(places: Sequence[int], length: int) -> bool:
    """Return whether places are close and spread over a line; credits stand together at its end."""
    far = max(after - before for before, after in pairwise([0, *places, length]))
    return length <= _DENSE * len(places) and far <= _FAR


# ---- line breaks ---------------------------------------------------------------------------------

# A full stop may end a paragraph, a colon or semicolon a list item: a break behind them stays. So
# does one between Latin words or inside a number, where it does the work of a space.
_ENDS = re.compile("[。！？；：…!?;:][）》〉」』】”’]*$")
_GOES_ON = re.compile(f"[{_HAN}{_OPENING}，、—·）》〉」』】”’0-9%]")
_GOES_ON_WITH = re.compile(f"[{_HAN}{_OPENING}{_CLOSING}0-9]")
_ITEM = re.compile(
    "[一二三四五六七八九十]{1,3}[、．]|[（(][一二三四五六七八九十0-9]{1,3}[）)]|[·—]"
    "|[0-9]{1,3}[.．、)） ]"
    "|第[〇零一二三四五六七八九十百0-9]{1,5}[编編篇部卷章节節条條]"
)
_CONTEXT = 12  # characters on each side of a break that its word is looked for in
_NARROWEST = 30  # columns; verse and lists are narrower
_RAGGED = 4  # columns by which wrapped lines differ: a mark or a number is not cut
_EVEN_LINE = 0.5  # log odds; less than what a break between words takes away
_EVEN = 0.6  # share of wrapped lines that are of one width


@dataclass(frozen=True)
class _Break:
    """A line break that may stand inside a sentence.

    Attributes:
        cut: the break with the blanks around it.
        line: which line it ends.
        inside: whether it stands inside a word; None beside a mark.
        width: of the line before it, in columns.
    """

    cut: Cut
    line: int
    inside: bool | None
    width: int


def wrapped_breaks(text: str) -> list[Cut]:
    """Return the ranges of line breaks inside sentences, with the blanks around them, in order."""
    breaks = list(_breaks(text))
    width = _common_width([one.width for one in breaks])
    if width is not None:  # wrapped at a width: a shorter line is a heading, an item, an end
        breaks = [one for one in breaks if one.width >= width - _RAGGED]
    is_broken = _break_odds(breaks, width) >= _CERTAIN
    cuts: list[Cut] = []
    for paragraph in _adjoining(breaks):
        odds = _break_odds(paragraph, width)
        if odds >= _CERTAIN or (is_broken and odds > _UNSURE):
            cuts.extend(one.cut for one in paragraph)
    return cuts


def _breaks(text: str) -> Iterator[_Break]:
    lines = text.split("\n")
    start = 0
    for number in range(len(lines) - 1):
        line, following = lines[number], lines[number + 1]
        end = start + len(line)
        before, after = line.rstrip(_BLANK), following.lstrip(_BLANK)
        indent = len(following) - len(after)
        if _may_go_on(before, after, following[:indent]):
            cut = (start + len(before), end + 1 + indent)
            yield _Break(cut, number, _is_inside(before, after), _width(before))
        start = end + 1


def _may_go_on(before: str, after: str, indent: str) -> bool:
    return (
        bool(before and after)
        and len(indent) < 2
        and "\u3000" not in indent
        and _ENDS.search(before[-_CONTEXT:]) is None
        and not (before[-1].isascii() and after[0].isascii())
        and _GOES_ON.match(before, len(before) - 1) is not None
        and _GOES_ON_WITH.match(after) is not None
        and _ITEM.match(after) is None
    )


def _is_inside(before: str, after: str) -> bool | None:
    left, right = before[-_CONTEXT:], after[:_CONTEXT]
    if not (_IS_HAN.match(left, len(left) - 1) and _IS_HAN.match(right)):
        return None
    return len(left) in inside_words(fold(left + right))


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in line.strip(_BLANK))


def _common_width(widths: Sequence[int]) -> int | None:
    """Return the width most lines are wrapped at; None when they have none in common."""
    count: dict[int, int] = defaultdict(int)
    for width in widths:
        count[width] += 1
    near = {w: sum(count.get(w - less, 0) for less in range(_RAGGED + 1)) for w in list(count)}
    best = max(near, key=lambda w: (near[w], w), default=0)
    is_even = len(widths) > 1 and near.get(best, 0) >= _EVEN * len(widths)
    return best if is_even and best >= _NARROWEST else None


def _break_odds(breaks: Sequence[_Break], width: int | None) -> float:
    """Wide lines of one width tell a little for wrapping; a list of titles may be so, too."""
    even = _EVEN_LINE * len(breaks) if width is not None else 0
    return _odds([one.inside for one in breaks if one.inside is not None]) + even


def _adjoining(breaks: Sequence[_Break]) -> Iterator[list[_Break]]:
    """Yield the breaks of lines that follow one another."""
    group: list[_Break] = []
    for one in breaks:
        if group and one.line != group[-1].line + 1:
            yield group
            group = []
        group.append(one)
    if group:
        yield group
