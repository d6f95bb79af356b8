"""Word: headings, paragraphs, table rows, notes; read from its XML, so that nothing is left out.

Text boxes, content controls and what was inserted under change tracking are text; what was deleted
is not.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from lxml import etree

from index.errors import DocumentError
from index.loaders.archives import open_archive
from index.loaders.decoded import FORMAT, Decoded, Options, Skipped, TextWriter
from index.loaders.limits import Limits
from index.loaders.office import W, has_part, read_xml, related
from index.loaders.tables import row_lines

_MAIN = "word/document.xml"
_NOTES = ("footnotes", "endnotes")
_HEADING_NAME = re.compile(r"(?:heading|标题|標題)\s*([1-9])$", re.IGNORECASE)
_TITLE_NAME = re.compile(r"(?:title|标题|標題)$", re.IGNORECASE)
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_PARAGRAPH, _TABLE = f"{W}p", f"{W}tbl"
_GONE = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}rt", f"{_MC}Fallback"}
_SPACES = {f"{W}tab": "\t", f"{W}br": " ", f"{W}cr": " ", f"{W}noBreakHyphen": "-"}
_BODY_LEVEL = 9  # Word's outline level of text
_LONGEST_CHAIN = 20  # styles based on styles
_WHY = {
    "running headers and footers": "they stand on every page",
    "deletions under change tracking": "they are no longer part of the text",
    "reviewers' comments": "they are no part of the text",
}


def load_docx(content: bytes, options: Options) -> Decoded:
    """Decode a Word document."""
    with open_archive(BytesIO(content), options.limits) as archive:
        return _Reader(archive, options.limits).read()


@dataclass
class _Reader:
    archive: zipfile.ZipFile
    limits: Limits
    skipped: Counter[str] = field(default_factory=Counter)
    levels: dict[str, int] = field(default_factory=dict)

    def read(self) -> Decoded:
        main = self._main()
        self.levels = self._style_levels(main)
        writer = TextWriter(self.limits)
        body = read_xml(self.archive, main, self.limits).find(f"{W}body")
        if body is not None:
            self._write(body, writer)
        for kind in _NOTES:
            for part in related(self.archive, main, kind, self.limits):
                self._write(read_xml(self.archive, part, self.limits), writer)
        for kind in ("header", "footer"):
            parts = list(related(self.archive, main, kind, self.limits))
            self.skipped["running headers and footers"] += len(parts)
        for part in related(self.archive, main, "comments", self.limits):
            comments = read_xml(self.archive, part, self.limits).iter(f"{W}comment")
            self.skipped["reviewers' comments"] += sum(1 for _ in comments)
        skipped = tuple(
            Skipped(what, _WHY[what], count) for what, count in self.skipped.items() if count
        )
        return Decoded(writer.text, FORMAT, writer.blocks, "docx", skipped=skipped)

    def _main(self) -> str:
        """Return the name of the part that holds the text; some programs name it otherwise."""
        mains = related(self.archive, "", "officeDocument", self.limits)
        name = next(mains, _MAIN)
        if not has_part(self.archive, name):
            raise DocumentError("it has no text part. Open it in Word and save it anew.")
        return name

    # ---- styles --------------------------------------------------------------------------------

    def _style_levels(self, main: str) -> dict[str, int]:
        """Return the heading level of each style that has one; 0 = the title."""
        own: dict[str, int] = {}
        based: dict[str, str] = {}
        for part in related(self.archive, main, "styles", self.limits):
            for style in read_xml(self.archive, part, self.limits).iter(f"{W}style"):
                name = style.get(f"{W}styleId") or ""
                based[name] = _value(style, "basedOn") or ""
                level = _named_level(_value(style, "name") or "", style)
                if level is not None:
                    own[name] = level
        levels = ((name, _inherited(name, own, based)) for name in based)
        return {name: level for name, level in levels if level is not None}

    def _level(self, paragraph: etree._Element) -> int | None:
        properties = paragraph.find(f"{W}pPr")
        if properties is None:
            return None
        outline = _value(properties, "outlineLvl")
        if outline is not None and outline.isdecimal():
            return int(outline) + 1 if int(outline) < _BODY_LEVEL else None
        return self.levels.get(_value(properties, "pStyle") or "")

    # ---- text ----------------------------------------------------------------------------------

    def _write(self, container: etree._Element, writer: TextWriter) -> None:
        """Write the paragraphs and tables of a part, cell or text box, in order."""
        for child in container:
            if child.tag == _PARAGRAPH:
                writer.add(self._text(child), level=self._level(child))
                for box in _boxes(child):
                    self._write(box, writer)
            elif child.tag == _TABLE:
                self._write_table(child, writer)
            elif isinstance(child.tag, str) and child.tag not in _GONE:
                self._write(child, writer)  # content controls and the like

    def _text(self, paragraph: etree._Element) -> str:
        """Return the words of a paragraph, without those of the text boxes anchored in it."""
        words: list[str] = []
        todo = [paragraph]
        while todo:
            element = todo.pop()
            if element.tag == f"{W}t":
                words.append(element.text or "")
            elif element.tag in _SPACES:
                words.append(_SPACES[element.tag])
            elif element.tag == f"{W}del":
                self.skipped["deletions under change tracking"] += 1
            elif element.tag not in _GONE and element.tag != _BOX:
                todo.extend(reversed(element))
        return "".join(words)

    def _write_table(self, table: etree._Element, writer: TextWriter) -> None:
        rows = _own_rows(table)
        widest = max((len(list(_cells(row))) for row in rows), default=0)
        if widest == 1:  # a frame around text
            for row in rows:
                for cell in _cells(row):
                    self._write(cell, writer)
            return
        is_marked = bool(rows) and rows[0].find(f"{W}trPr/{W}tblHeader") is not None
        for line in row_lines(self._rows(rows), has_header=True if is_marked else None):
            writer.add(line)

    def _rows(self, rows: list[etree._Element]) -> Iterator[list[str]]:
        """Yield the cells of each row; one merged downwards is in each, one to the right in one."""
        above: list[str] = []
        for number, row in enumerate(rows):
            cells: list[str] = []
            for cell in _cells(row):
                properties = cell.find(f"{W}tcPr")
                words = " ".join(self._text(p) for p in cell.iter(_PARAGRAPH))
                merged = None if properties is None else properties.find(f"{W}vMerge")
                if merged is not None and merged.get(f"{W}val") != "restart":
                    words = above[len(cells)] if len(cells) < len(above) else words
                span = _value(properties, "gridSpan") if properties is not None else None
                extra = min(int(span), 100) - 1 if span and span.isdecimal() else 0
                cells.extend([words, *[words if number == 0 else ""] * extra])
            above = cells
            yield cells


_BOX = f"{W}txbxContent"


def _boxes(paragraph: etree._Element) -> Iterator[etree._Element]:
    """Yield the text boxes anchored in a paragraph; they come twice, once for old programs."""
    for box in paragraph.iter(_BOX):
        ancestors = (parent.tag for parent in box.iterancestors())
        if not any(tag in (f"{_MC}Fallback", _BOX) for tag in ancestors):
            yield box


def _own_rows(table: etree._Element) -> list[etree._Element]:
    return [row for row in table.iter(f"{W}tr") if next(row.iterancestors(_TABLE)) is table]


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for cell in row.iter(f"{W}tc"):
        if next(cell.iterancestors(f"{W}tr")) is row:
            yield cell


def _value(element: etree._Element, name: str) -> str | None:
    child = element.find(f"{W}{name}")
    return None if child is None else child.get(f"{W}val")


def _named_level(name: str, style: etree._Element) -> int | None:
    if heading := _HEADING_NAME.match(name):
        return int(heading.group(1))
    if _TITLE_NAME.match(name):
        return 0
    properties = style.find(f"{W}pPr")
    outline = None if properties is None else _value(properties, "outlineLvl")
    has_level = outline is not None and outline.isdecimal() and int(outline) < _BODY_LEVEL
    return int(outline) + 1 if outline is not None and has_level else None


def _inherited(name: str, own: dict[str, int], based: dict[str, str]) -> int | None:
    """Return the level of a style or of the nearest it is based on."""
    for _ in range(_LONGEST_CHAIN):
        if name in own:
            return own[name]
        name = based.get(name, "")
    return None
