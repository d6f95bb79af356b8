"""Where characters stand on pages → headings and paragraphs in the order of reading.

Everything here is geometry: lengths are in points, y grows downwards. Line breaks are taken out
here, where a line's width and indent tell which end a paragraph; ``index/layout.py`` does what it
can for plain text, where they are gone.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

_ROW_REPEATS = 3  # pages a running line stands on
_FEW_PAGES = 4  # … two in a document as short as this
_EDGE_ROWS = 3  # rows from the edge of a page that may be running
_SAME_HEIGHT = 6.0  # points by which a running line moves
_HEADING_SIZE = 1.12  # of the body's
_SAME_SIZE = 0.1
_LONGEST_HEADING = 60
_MOST_HEADING_LINES = 3
_NARROWEST_GUTTER = 0.9  # of a line's height
_NARROWEST_COLUMN = 8  # heights
_COLUMN_ROWS = 3
_SAME_GUTTER = 5.0
_MOST_PLACES = 50  # looked at on a page
_FILLED = 0.5  # of a column's width, by its middle line: cells of a table are shorter
_INDENT = 0.8
_MOST_INDENT = 8
_SPARE = 0.7  # sizes; marks are not left at a line's beginning, nor numbers parted
_LATIN_WIDTH = 0.55
_EXTRA_GAP = 0.45
_STICK_OUT = 0.9  # of the lines end before the edge of their column, or at it
_CELL_GAP = 1.6  # heights between the cells of a row

_ENDS = re.compile("[。！？；：…!?;:][）》〉」』】”’]*$")
_ITEM = re.compile(
    "[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十0-9]{1,3}[）)]|[•·●■◆○□➢▪–—-][ \\t]?"
    "|[0-9]{1,3}[.．、)）]|第[〇零一二三四五六七八九十百0-9]{1,5}[编編篇部卷章节節条條]"
)
_NO_HEADING_END = re.compile("[。！？；，、,;：:]$")
_WORD = re.compile(r"[A-Za-z0-9À-ɏ.,;:!?%)\]\"'”’-]")
_WORD_BEGIN = re.compile(r"[A-Za-z0-9À-ɏ(\[\"'“‘]")
_FIRST_WORD = re.compile(r"[A-Za-z0-9À-ɏ.,%'’/-]{1,40}")
_HAN = re.compile("[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_DIGITS = re.compile(r"[0-9０-９]+")
_PAGE_NUMBER = re.compile(
    r"\W*(?:第|page|p\.?)?\s*(?:[0-9０-９]{1,5}|[ivxlc]{1,6}|[〇一二三四五六七八九十百]{1,5})\s*[页頁]?"
    r"\W*(?:[/／]|共|of)?\s*(?:[0-9０-９]{1,5}\s*[页頁]?)?\W*",
    re.IGNORECASE,
)


@dataclass
class Run:
    """Characters that follow one another on one line.

    Attributes:
        text: the characters.
        x0: left edge.
        x1: right edge.
        top: upper edge; y grows downwards.
        bottom: lower edge.
        size: of the font, in points.
        font: its name.
    """

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    font: str = ""

    @property
    def middle(self) -> float:
        """Its height on the page."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """Its own height."""
        return max(self.bottom - self.top, 1.0)


@dataclass
class Page:
    """What stands on a page.

    Attributes:
        number: from 1.
        runs: in any order.
        has_picture: whether there is a picture on it.
        characters: how many.
        unmapped: how many of them the file does not name.
        slanted: characters left out because they stand at an angle.
        failure: why the page cannot be read.
    """

    number: int
    runs: list[Run]
    has_picture: bool = False
    characters: int = 0
    unmapped: int = 0
    slanted: int = 0
    failure: str | None = None


@dataclass
class Line:
    """A line of one column.

    Attributes:
        runs: the cells of a table's row, else one piece of text.
        left: edge of its column.
        right: the other edge.
    """

    runs: list[Run]
    page: int
    left: float = 0.0
    right: float = 0.0

    @property
    def text(self) -> str:
        """Its characters, cells parted by tabs."""
        return "\t".join(run.text.strip() for run in self.runs)

    @property
    def x0(self) -> float:
        """Where it begins."""
        return self.runs[0].x0

    @property
    def x1(self) -> float:
        """Where it ends."""
        return self.runs[-1].x1

    @property
    def top(self) -> float:
        """Its upper edge."""
        return min(run.top for run in self.runs)

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return max(run.bottom for run in self.runs)

    @property
    def size(self) -> float:
        """The font size of most of it."""
        return max(self.runs, key=lambda run: len(run.text)).size

    @property
    def font(self) -> str:
        """The font of most of it."""
        return max(self.runs, key=lambda run: len(run.text)).font


@dataclass(frozen=True)
class PageBlock:
    """A heading or paragraph and the page it begins on."""

    text: str
    page: int
    level: int | None


@dataclass
class Layout:
    """The text of all pages.

    Attributes:
        blocks: in the order of reading.
        skipped: how many running lines and page numbers were left out.
        emptied: pages on which nothing else stood.
    """

    blocks: list[PageBlock]
    skipped: Counter[str] = field(default_factory=Counter)
    emptied: list[int] = field(default_factory=list)


def read_pages(pages: Sequence[Page]) -> Layout:
    """Return the headings and paragraphs of pages, without what stands on every page."""
    rows_of = {page.number: to_rows(page.runs) for page in pages}
    whole = {number: list(rows) for number, rows in rows_of.items()}
    skipped = _drop_running(rows_of)
    if not any(rows_of.values()):  # a text that is nothing else is no running line
        rows_of, skipped = whole, Counter()
    runs_of = {number: [run for row in rows for run in row] for number, rows in rows_of.items()}
    gutters = _gutters(runs_of.values())
    columns = [
        _to_column(column, number)
        for number, runs in runs_of.items()
        for column in columns_of(runs, gutters)
    ]
    paragraphs = _join_over_columns([p for column in columns for p in _paragraphs(column)])
    emptied = [page.number for page in pages if page.runs and not rows_of[page.number]]
    return Layout(list(_to_blocks(paragraphs)), skipped, emptied)


# ---- rows ------------------------------------------------------------------------------------


def to_rows(runs: Iterable[Run]) -> list[list[Run]]:
    """Return runs by the rows they stand in, from the top; each row from the left."""
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (run.middle, run.x0)):
        if rows and rows[-1][0].top <= run.middle <= rows[-1][0].bottom:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.x0) for row in rows]


# ---- running lines ---------------------------------------------------------------------------


def _drop_running(rows_of: dict[int, list[list[Run]]]) -> Counter[str]:
    """Take out, from the edges of pages inwards, lines that stand on several, and page numbers."""
    skipped: Counter[str] = Counter()
    filled = [rows for rows in rows_of.values() if rows]
    for edge in (0, -1):
        repeated = _repeated(filled, edge)
        for number, rows in rows_of.items():
            for _ in range(_EDGE_ROWS):
                if not rows:
                    break
                is_number = _is_page_number(rows[edge], number, repeated)
                if not is_number and not _is_repeated(rows[edge], repeated):
                    break
                skipped["page numbers" if is_number else "running headers and footers"] += 1
                del rows[edge]
    return skipped


def _repeated(pages: Sequence[list[list[Run]]], edge: int) -> dict[str, float]:
    """Return lines near one edge that stand on several pages at one height: key → height."""
    heights: dict[str, list[float]] = defaultdict(list)
    for rows in pages:
        for row in rows[:_EDGE_ROWS] if edge == 0 else rows[-_EDGE_ROWS:]:
            heights[_key(row)].append(row[0].middle)
    fewest = 2 if len(pages) <= _FEW_PAGES else _ROW_REPEATS
    found = {}
    for key, of_key in heights.items():
        middle = median(of_key)
        if sum(abs(height - middle) <= _SAME_HEIGHT for height in of_key) >= fewest:
            found[key] = middle
    return found


def _key(row: Sequence[Run]) -> str:
    return _DIGITS.sub("#", "".join("".join(run.text.split()) for run in row))


def _is_repeated(row: Sequence[Run], repeated: dict[str, float]) -> bool:
    height = repeated.get(_key(row))
    return height is not None and abs(row[0].middle - height) <= _SAME_HEIGHT


def _is_page_number(row: Sequence[Run], page: int, repeated: dict[str, float]) -> bool:
    """Return whether a row is a page's number: like that on other pages, or this page's own."""
    text = " ".join(run.text.strip() for run in row)
    if not _PAGE_NUMBER.fullmatch(text):
        return False
    numbers = _DIGITS.findall(text)
    return _is_repeated(row, repeated) or (bool(numbers) and int(numbers[0]) == page)


# ---- columns ---------------------------------------------------------------------------------


def columns_of(runs: Sequence[Run], known: Sequence[float] = ()) -> list[list[Run]]:
    """Return the columns of a page in the order of reading.

    Rows that cross a gutter part what stands above them from what stands below.

    Args:
        runs: what stands on the page.
        known: gutters of other pages; on one of these two lines are enough for two columns.
    """
    rows = to_rows(runs)
    gutter = _gutter(rows) or next((place for place in known if _sides(rows, place)), None)
    is_known = any(abs(place - (gutter or 0)) <= _SAME_GUTTER for place in known)
    fewest = 1 if is_known else _COLUMN_ROWS
    if gutter is None:
        return [list(runs)] if runs else []
    columns: list[list[Run]] = []
    for crosses, zone in _zones(rows, gutter):
        left = [run for run in zone if run.x1 <= gutter]
        right = [run for run in zone if run.x0 >= gutter]
        if not crosses and _are_columns(left, right, fewest):
            columns.extend(columns_of(left) + columns_of(right))
        else:
            columns.append(zone)
    return columns


def _zones(rows: Sequence[Sequence[Run]], gutter: float) -> list[tuple[bool, list[Run]]]:
    """Return rows that cross a gutter, and rows that do not, as they follow one another."""
    zones: list[tuple[bool, list[Run]]] = []
    for row in rows:
        crosses = any(run.x0 < gutter < run.x1 for run in row)
        if not zones or zones[-1][0] != crosses:
            zones.append((crosses, []))
        zones[-1][1].extend(row)
    return zones


def _gutters(pages: Iterable[Sequence[Run]]) -> list[float]:
    """Return the gutters between columns of text, on whatever page."""
    found: dict[float, None] = {}
    for runs in pages:
        gutter = _gutter(to_rows(runs))
        if gutter is not None and len(columns_of(runs)) > 1:
            found[gutter] = None
    return list(found)


def _gutter(rows: Sequence[Sequence[Run]]) -> float | None:
    """Return the place between runs that parts most rows, if enough of them do."""
    free: Counter[int] = Counter()
    for row in rows:
        for run, following in pairwise(row):
            gap = following.x0 - run.x1
            if gap >= _NARROWEST_GUTTER * run.height:
                # The right column begins at one place; the left one may end raggedly.
                free[math.floor(following.x0) - 1] += 1
    beside = {place: _sides(rows, place) for place, _ in free.most_common(_MOST_PLACES)}
    best = max(beside, key=lambda place: (beside[place], free[place]), default=None)
    return None if best is None or beside[best] < _COLUMN_ROWS else float(best)


def _sides(rows: Sequence[Sequence[Run]], place: float) -> int:
    """Return how many rows have text on both sides of a place and none on it."""
    return sum(
        any(run.x1 <= place for run in row)
        and any(run.x0 >= place for run in row)
        and not any(run.x0 < place < run.x1 for run in row)
        for row in rows
    )


def _are_columns(left: Sequence[Run], right: Sequence[Run], fewest: int) -> bool:
    """Return whether two sides are columns of text, not of a table, whose cells are short."""
    for side in (left, right):
        if len(rows := to_rows(side)) < fewest:
            return False
        width = max(run.x1 for run in side) - min(run.x0 for run in side)
        widths = [row[-1].x1 - row[0].x0 for row in rows]
        height = median(run.height for run in side)
        if width < _NARROWEST_COLUMN * height or median(widths) < _FILLED * width:
            return False
    return True


def _to_column(runs: Sequence[Run], page: int) -> list[Line]:
    lines = [Line(_cells(row), page) for row in to_rows(runs)]
    lines = [line for line in lines if line.text.strip()]
    if lines:
        # Most lines of a paragraph begin at the left edge; its first may not.
        starts = Counter(round(line.x0) for line in lines)
        left = min(starts, key=lambda x: (-starts[x], x))
        # A line or two may stick out, where marks hang or words were not cut.
        right = sorted(line.x1 for line in lines)[round(_STICK_OUT * (len(lines) - 1))]
        for line in lines:
            line.left, line.right = float(left), right
    return lines


def _cells(row: Sequence[Run]) -> list[Run]:
    """Join the runs of a row that no wide gap parts."""
    cells: list[Run] = []
    for run in row:
        if cells and run.x0 - cells[-1].x1 < _CELL_GAP * run.height:
            last = cells[-1]
            space = " " if run.x0 - last.x1 > 0.2 * run.height else ""
            size = last.size if len(last.text) >= len(run.text) else run.size
            cells[-1] = Run(
                f"{last.text.rstrip()}{space}{run.text.lstrip()}"
                if space
                else last.text + run.text,
                last.x0,
                max(run.x1, last.x1),
                min(last.top, run.top),
                max(last.bottom, run.bottom),
                size,
                last.font if len(last.text) >= len(run.text) else run.font,
            )
        else:
            cells.append(run)
    return cells


# ---- paragraphs ------------------------------------------------------------------------------


def _paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    gaps = [max(after.top - line.bottom, 0) for line, after in pairwise(lines)]
    usual = median(gaps) if gaps else 0.0
    paragraph: list[Line] = []
    for line in lines:
        if paragraph and _begins(paragraph[-1], line, usual):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield paragraph


def _begins(before: Line, line: Line, usual_gap: float) -> bool:
    """Return whether a line begins a paragraph, from how it stands under the one before."""
    height = line.bottom - line.top
    if len(before.runs) > 1 or len(line.runs) > 1:
        return True
    if not _same_size(before, line):
        return True
    if line.top - before.bottom > usual_gap + _EXTRA_GAP * height:
        return True
    if _INDENT * height < line.x0 - line.left < _MOST_INDENT * height and line.x0 > before.x0 + 1:
        return True
    if not fills(before, line):
        return True
    return bool(_ITEM.match(line.text) and _ENDS.search(before.text))


def _same_size(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= _SAME_SIZE * max(one.size, other.size)


def fills(line: Line, following: Line) -> bool:
    """Return whether a line was broken for want of space: the word that follows did not fit."""
    word = _FIRST_WORD.match(following.text)
    width = _LATIN_WIDTH * len(word.group()) if word else 1.0
    return line.right - line.x1 <= (width + _SPARE) * max(line.size, 1.0)


def _join_over_columns(paragraphs: Sequence[list[Line]]) -> list[list[Line]]:
    """Join a paragraph that goes on in the next column or on the next page."""
    joined: list[list[Line]] = []
    for paragraph in paragraphs:
        if joined and _goes_on(joined[-1][-1], paragraph[0]):
            joined[-1].extend(paragraph)
        else:
            joined.append(paragraph)
    return joined


def _goes_on(last: Line, first: Line) -> bool:
    is_other_column = (first.page, first.left) != (last.page, last.left) or first.top < last.top
    return (
        is_other_column
        and len(last.runs) == len(first.runs) == 1
        and _same_size(last, first)
        and last.font == first.font
        and fills(last, first)
        and not _ENDS.search(last.text)
        and first.x0 - first.left <= _INDENT * (first.bottom - first.top)
        and not _ITEM.match(first.text)
    )


def join_lines(lines: Sequence[Line]) -> str:
    """Return lines as one text: a space where Latin words meet, nothing between Han characters."""
    text = ""
    for line in lines:
        piece = line.text.strip()
        if text.endswith("\xad"):
            text = text[:-1]
        elif text and _WORD.match(text[-1]) and _WORD_BEGIN.match(piece):
            is_number = text[-1].isdigit() and piece[0].isdigit() and _HAN.search(text)
            text += "" if is_number else " "
        text += piece
    return text.removesuffix("\xad")


# ---- headings --------------------------------------------------------------------------------


def _to_blocks(paragraphs: Sequence[list[Line]]) -> Iterator[PageBlock]:
    lines = [line for paragraph in paragraphs for line in paragraph]
    sizes: Counter[float] = Counter()
    fonts: Counter[str] = Counter()
    for line in lines:
        sizes[_rounded(line)] += len(line.text)
        fonts[line.font] += len(line.text)
    body = max(sizes, key=lambda size: sizes[size], default=0.0)
    font = max(fonts, key=lambda name: fonts[name], default="")
    heads = Counter(_rounded(p[0]) for p in paragraphs if _is_larger(p, body))
    ranked = sorted(heads, reverse=True)
    # One largest line is the title; several are chapters.
    first = 0 if ranked and heads[ranked[0]] == 1 else 1
    for paragraph in paragraphs:
        level = None
        if _is_larger(paragraph, body):
            level = first + ranked.index(_rounded(paragraph[0]))
        elif _is_set_apart(paragraph, body, font):
            level = first + len(ranked)
        yield PageBlock(join_lines(paragraph), paragraph[0].page, level)


def _rounded(line: Line) -> float:
    return round(line.size * 2) / 2


def _may_be_heading(paragraph: Sequence[Line]) -> bool:
    length = sum(len(line.text) for line in paragraph)
    return (
        length <= _LONGEST_HEADING
        and len(paragraph) <= _MOST_HEADING_LINES
        and all(len(line.runs) == 1 for line in paragraph)
        and any(character.isalpha() for line in paragraph for character in line.text)
    )


def _is_larger(paragraph: Sequence[Line], body: float) -> bool:
    return _rounded(paragraph[0]) >= _HEADING_SIZE * body and _may_be_heading(paragraph)


def _is_set_apart(paragraph: Sequence[Line], body: float, font: str) -> bool:
    """Return whether a line is a heading by its font: short, of the body's size, without a stop."""
    line = paragraph[0]
    return (
        len(paragraph) == 1
        and line.font != font
        and _rounded(line) >= body
        and bool(_HAN.search(line.text))
        and _may_be_heading(paragraph)
        and not _NO_HEADING_END.search(line.text)
    )
