"""HTML: headings, paragraphs, list items and table rows, as a browser would part them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.errors import DocumentError
from index.loaders.decoded import Decoded, Options, Skipped, TextWriter
from index.loaders.encodings import decode
from index.loaders.limits import Limits
from index.loaders.tables import row_lines

_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})"
    rb"|<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})",
    re.IGNORECASE,
)
_DECLARED_WITHIN = 4096  # bytes

_HEADINGS = {f"h{level}": level - 1 for level in range(1, 7)}
_LEFT_OUT = {
    "script": "scripts",
    "style": "styles",
    "noscript": "parts for browsers without scripts",
    "template": "templates",
    "svg": "drawings",
    "math": "formulas",
    "nav": "navigation bars",
    "button": "buttons",
    "select": "menus",
    "iframe": "embedded pages",
    "object": "embedded objects",
}
_INLINE = frozenset(
    re.findall(
        r"\S+",
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label mark"
        " meter output progress q rb ruby s samp small span strike strong sub sup time tt u var wbr"
        " -text",
    )
)
_SPACE = re.compile("[ \t\r\n\f\v]+")
# A line break in the source between wide characters is no space (CSS Text 3, 4.1.3).
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\u3000-\u303f\U00020000-\U000323af"
_WIDE_BREAK = re.compile(f"(?<=[{_WIDE}])[ \t]*[\r\n][ \t\r\n]*(?=[{_WIDE}])")
# Elements that close themselves do not nest, however many there are.
_TAG = re.compile(
    r"<(/?)(?!(?:area|base|br|col|dd|dt|embed|hr|img|input|li|link|meta|option|p|param|rp|rt"
    r"|source|t[rdh]|tbody|tfoot|thead|track|wbr)\b)[a-z]",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WIDEST = 1000  # columns a cell may span, as in the HTML standard


def load_html(content: bytes, options: Options) -> Decoded:
    """Decode a page and take its text apart; what only moves readers about is left out."""
    declared = _DECLARED.search(content[:_DECLARED_WITHIN])
    name = next((one.decode() for one in declared.groups() if one), None) if declared else None
    read = decode(content, options, declared=name)
    writer = TextWriter(options.limits)
    skipped = write_html(read.text, writer, options.limits)
    return Decoded(writer.text, read.encoding, writer.blocks, "html", read.notes, skipped)


def write_html(
    text: str, writer: TextWriter, limits: Limits, *, below: int = 0
) -> tuple[Skipped, ...]:
    """Write the blocks of a page.

    Args:
        text: the page's source.
        writer: takes its blocks.
        limits: ``max_depth`` is what is refused here.
        below: added to the levels of headings.

    Returns:
        what is not written.

    Raises:
        DocumentError: its elements stand too deep inside one another.
    """
    _check_depth(text, limits.max_depth)
    tree = LexborHTMLParser(text)
    page = _Page(writer, below)
    title = tree.css_first("head title")
    if title is not None and tree.css_first("h1") is None:
        writer.add(_collapse(title.text()), level=below)
    if tree.body is not None:
        page.read(tree.body)
    return tuple(
        Skipped(what, "they are no part of the text", n) for what, n in page.skipped.items()
    )


def _check_depth(text: str, most: int) -> None:
    """Refuse a depth whose parsing takes time by its square."""
    depth = deepest = 0
    for tag in _TAG.finditer(text):
        depth = max(depth - 1, 0) if tag.group(1) else depth + 1
        deepest = max(deepest, depth)
    if deepest > most:
        raise DocumentError(
            f"its elements stand {deepest:,} deep inside one another; the limit is {most:,} "
            "(max_depth). Leave it out, or raise the limit."
        )


def _collapse(text: str) -> str:
    return _SPACE.sub(" ", _WIDE_BREAK.sub("", text)).strip()


@dataclass
class _Page:
    """Takes a page apart without recursion, so that no depth ends it."""

    writer: TextWriter
    below: int
    skipped: Counter[str] = field(default_factory=Counter)
    _words: list[str] = field(default_factory=list)
    _level: int | None = None
    _preformatted: int = 0

    def read(self, root: LexborNode) -> None:
        todo: list[tuple[LexborNode, bool]] = [(root, False)]
        while todo:
            node, is_over = todo.pop()
            if is_over:
                self._close(node.tag or "")
            elif self._open(node):
                todo.append((node, True))
                todo.extend((child, False) for child in reversed(_children(node)))
        self._end_block()

    def _open(self, node: LexborNode) -> bool:
        """Begin an element; return whether its children are to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self._words.append(node.text_content or "")
        elif what := _left_out(node, tag):
            self.skipped[what] += 1
        elif tag == "br":
            self._words.append("\n" if self._preformatted else " ")
        elif tag == "table" and node.css_first("table table") is None:
            self._end_block()
            caption = node.css_first("caption")
            self.writer.add("" if caption is None else _collapse(caption.text()))
            for line in row_lines(_rows(node), has_header=_has_header(node)):
                self.writer.add(line)
        else:
            if tag not in _INLINE:
                self._end_block()
            self._level = _HEADINGS.get(tag, self._level)
            self._preformatted += tag == "pre"
            return True
        return False

    def _close(self, tag: str) -> None:
        if tag not in _INLINE:
            self._end_block()
        if tag in _HEADINGS:
            self._level = None
        self._preformatted -= tag == "pre"

    def _end_block(self) -> None:
        words = "".join(self._words)
        self._words.clear()
        level = None if self._level is None else self._level + self.below
        self.writer.add(words if self._preformatted else _collapse(words), level=level)


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=True))


def _left_out(node: LexborNode, tag: str) -> str | None:
    if tag in _LEFT_OUT:
        return _LEFT_OUT[tag]
    if tag in ("rt", "rp"):
        return "readings above characters"
    if tag.startswith(("-", "!")):  # comments
        return "comments"
    if tag in _INLINE and tag not in ("a", "span"):
        return None
    attributes = node.attributes
    is_hidden = "hidden" in attributes or _HIDDEN.search(attributes.get("style") or "")
    return "hidden parts" if is_hidden else None


# ---- tables ----------------------------------------------------------------------------------


def _rows(table: LexborNode) -> Iterator[list[str]]:
    """Yield the cells of each row; one that spans several rows, or names columns, is in each."""
    reaching: dict[int, tuple[int, str]] = {}  # column: rows it still reaches into, text
    for row in table.css("tr"):
        cells: list[str] = []
        for cell in (child for child in row.iter() if child.tag in ("td", "th")):
            _fill(cells, reaching)
            words = _collapse(_cell_text(cell))
            rows, columns = _span(cell, "rowspan"), _span(cell, "colspan")
            for place in range(columns):
                filling = words if place == 0 or cell.tag == "th" else ""
                if rows > 1:
                    reaching[len(cells)] = (rows - 1, filling)
                cells.append(filling)
        _fill(cells, reaching)
        yield cells


def _fill(cells: list[str], reaching: dict[int, tuple[int, str]]) -> None:
    """Put in what reaches down from the rows above."""
    while (place := len(cells)) in reaching:
        rows, words = reaching.pop(place)
        if rows > 1:
            reaching[place] = (rows - 1, words)
        cells.append(words)


def _cell_text(cell: LexborNode) -> str:
    words: list[str] = []
    for node in cell.traverse(include_text=True):
        tag = node.tag or ""
        if tag == "-text":
            parent = node.parent
            if parent is None or (parent.tag or "") not in (*_LEFT_OUT, "rt", "rp"):
                words.append(node.text_content or "")
        elif tag not in _INLINE:
            words.append(" ")
    return "".join(words)


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return min(max(int(value), 1), _WIDEST) if value.isdecimal() and len(value) < 6 else 1


def _has_header(table: LexborNode) -> bool | None:
    """Return whether a table says that its first row names the columns; None when it says nothing.

    A first row that is not all th says nothing: the table may have its names in the first column.
    """
    row = table.css_first("tr")
    cells = [child.tag for child in row.iter() if child.tag in ("td", "th")] if row else []
    return True if len(cells) > 1 and set(cells) == {"th"} else None
