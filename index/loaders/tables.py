"""Tables → lines: each row with the names of its columns, 地區：烏海 | 產量：5.

A row is a passage of its own, so it has to say by itself what its numbers are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from statistics import median

_NUMBER = re.compile(r"(?=.*\d)[\s\d.,:%/+\-−–—()（）￥¥$€年月日时時分秒元]*")
_SPACE = re.compile(r"\s+")
# No mark that ends a sentence: a quote is then the whole row, with what it is about.
_BETWEEN = " | "
_LONGEST_NAME = 40
_LOOKED_AT = 20  # rows


def row_lines(rows: Iterable[Sequence[str]], *, has_header: bool | None = None) -> Iterator[str]:
    """Yield a line for each row that holds anything.

    Args:
        rows: the cells of each row; rows may differ in length.
        has_header: whether the first row names the columns; None = found out.
    """
    cleaned = (cells for row in rows if any(cells := [one_line(cell) for cell in row]))
    first = list(islice(cleaned, _LOOKED_AT))
    while len(first) > 2 and _is_caption(first):
        yield next(filter(None, first[0]))
        first = [*first[1:], *islice(cleaned, 1)]
    names = first[0] if first and _is_header(first, has_header) else None
    body = chain(first if names is None else first[1:], cleaned)
    if names is None:
        yield from map(_without_names, body)
        return
    if len(first) == 1:
        yield _without_names(names)
    yield from (_with_names(names, cells) for cells in body)


def one_line(cell: str) -> str:
    """Return a cell's text with each run of white space as one space."""
    return _SPACE.sub(" ", cell).strip()


def _is_caption(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of some rows holds one text only, and the next is a row of cells."""
    return len(set(filter(None, rows[0]))) == 1 and len(set(filter(None, rows[1]))) > 1


def _is_header(first: Sequence[Sequence[str]], told: bool | None) -> bool:
    """Return whether the first of some rows names columns: short distinct words, no numbers."""
    if told is not None:
        return told
    names, body = first[0], first[1:]
    are_names = (
        len(names) >= median(map(len, first))
        and len(names) > 1
        and all(names)
        and len(set(names)) == len(names)
        and not any(_NUMBER.fullmatch(name) or len(name) > _LONGEST_NAME for name in names)
    )
    if not are_names or not body:
        return False
    if len(names) > 2:
        return True
    # Of two columns the first row may as well be a name and its value: 姓名 | 楊偉東.
    return any(_NUMBER.fullmatch(row[1]) for row in body if len(row) > 1 and row[1])


def _without_names(cells: Sequence[str]) -> str:
    filled = [cell for cell in cells if cell]
    if len(filled) == 2:
        return f"{filled[0].rstrip('：:')}：{filled[1]}"
    return _BETWEEN.join(filled)


def _with_names(names: Sequence[str], cells: Sequence[str]) -> str:
    """地區 and 烏海 → 地區：烏海; a cell without a name stands alone, an empty one is left out."""
    pairs = ((names[place] if place < len(names) else "", cell) for place, cell in enumerate(cells))
    return _BETWEEN.join(f"{name}：{cell}" if name else cell for name, cell in pairs if cell)
