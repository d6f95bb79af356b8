"""PowerPoint: the slides in order, their titles as headings, and the speaker's notes."""

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
from index.loaders.office import A, P, R, has_part, read_xml, related, relationships
from index.loaders.tables import row_lines

_MAIN = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
_RUNNING = {"dt": "dates", "ftr": "footers", "hdr": "headers", "sldNum": "slide numbers"}
_NO_WORDS = {"sldImg"}


def load_pptx(content: bytes, options: Options) -> Decoded:
    """Decode a presentation; a block's page is its slide."""
    with open_archive(BytesIO(content), options.limits) as archive:
        return _Reader(archive, options.limits).read()


@dataclass
class _Reader:
    archive: zipfile.ZipFile
    limits: Limits
    skipped: Counter[str] = field(default_factory=Counter)

    def read(self) -> Decoded:
        writer = TextWriter(self.limits)
        for number, slide in enumerate(self._slides(), start=1):
            self._write_slide(slide, number, writer)
        skipped = tuple(
            Skipped(what, "they stand on every slide", n) for what, n in self.skipped.items()
        )
        return Decoded(writer.text, FORMAT, writer.blocks, "pptx", skipped=skipped)

    def _slides(self) -> list[str]:
        main = next(related(self.archive, "", "officeDocument", self.limits), _MAIN)
        if not has_part(self.archive, main):
            raise DocumentError("it has no slides. Open it in PowerPoint and save it anew.")
        ids = [
            one.get(f"{R}id") for one in read_xml(self.archive, main, self.limits).iter(f"{P}sldId")
        ]
        parts = relationships(self.archive, main, self.limits)
        names = [parts[one][1] for one in ids if one is not None and one in parts]
        if len(names) > self.limits.max_pages:
            raise DocumentError(
                f"it has {len(names):,} slides; the limit is {self.limits.max_pages:,} "
                "(max_pages). Split it, or raise the limit."
            )
        return [name for name in names if has_part(self.archive, name)]

    def _write_slide(self, name: str, number: int, writer: TextWriter) -> None:
        slide = read_xml(self.archive, name, self.limits)
        shapes = list(slide.iter(f"{P}sp", f"{P}graphicFrame"))
        # A title may be drawn last; it is read first.
        shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)
        for shape in shapes:
            self._write_shape(shape, number, writer)
        for diagram in related(self.archive, name, "diagramData", self.limits):
            for words in _paragraphs(read_xml(self.archive, diagram, self.limits)):
                writer.add(words, page=number)
        for notes in related(self.archive, name, "notesSlide", self.limits):
            for shape in read_xml(self.archive, notes, self.limits).iter(f"{P}sp"):
                self._write_shape(shape, number, writer)

    def _write_shape(self, shape: etree._Element, number: int, writer: TextWriter) -> None:
        placeholder = _placeholder(shape)
        if placeholder in _RUNNING:
            self.skipped[_RUNNING[placeholder]] += 1
            return
        if placeholder in _NO_WORDS:
            return
        if placeholder in _TITLES:
            level = 0 if placeholder == "ctrTitle" and number == 1 else 1
            writer.add(" ".join(_paragraphs(shape)), level=level, page=number)
            return
        tables = list(shape.iter(f"{A}tbl"))
        for table in tables:
            for line in row_lines(_rows(table), has_header=_has_header(table)):
                writer.add(line, page=number)
        if not tables:
            for words in _paragraphs(shape):
                writer.add(words, page=number)


def _placeholder(shape: etree._Element) -> str:
    found = shape.find(f".//{P}nvPr/{P}ph")
    return "" if found is None else found.get("type") or "obj"


def _paragraphs(shape: etree._Element) -> Iterator[str]:
    for paragraph in shape.iter(f"{A}p"):
        words = [
            (one.text or "") if one.tag == f"{A}t" else " "
            for one in paragraph.iter(f"{A}t", f"{A}br")
        ]
        yield "".join(words)


def _rows(table: etree._Element) -> Iterator[list[str]]:
    above: list[str] = []
    for row in table.iterfind(f"{A}tr"):
        cells: list[str] = []
        for cell in row.iterfind(f"{A}tc"):
            is_below = cell.get("vMerge") in ("1", "true") and len(cells) < len(above)
            cells.append(above[len(cells)] if is_below else " ".join(_paragraphs(cell)))
        above = cells
        yield cells


def _has_header(table: etree._Element) -> bool | None:
    properties = table.find(f"{A}tblPr")
    told = properties is not None and properties.get("firstRow") in ("1", "true")
    return True if told and len(table.findall(f"{A}tr")) > 1 else None
