"""PDF: the text layer, with the pages. The only file that knows PDFium.

PDFium tells each character and its place; ``pdf_layout.py`` makes lines, columns and paragraphs of
them. A scan without a text layer is refused: it would be indexed as empty.
"""

import ctypes
import math
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pypdfium2 import raw

from index.errors import DocumentError
from index.loaders.decoded import FORMAT, Decoded, Options, Skipped, TextWriter, check_length
from index.loaders.pdf_layout import Page, Run, read_pages

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_pdfium_lock = threading.Lock()  # PDFium may be used by one thread at a time
_NEEDS_PASSWORD = 4  # FPDF_ERR_PASSWORD
_LINE_ENDS = "\r\n"
_SOFT_HYPHENS = "\x02\xad\ufffe"  # PDFium's mark of a hyphen at a line's end is U+FFFE or 2
_NOT_MAPPED = "\x00\uffff"
# In sizes of the font. The boxes fonts claim for characters are not to be relied on.
_ASCENT, _DESCENT = 0.88, 0.12
_SAME_LINE = 0.5
_WIDEST_GAP = 1.0  # between characters of one run
_UNREADABLE = 0.3  # of a page's characters
_LONGEST_FONT_NAME = 128
_SLANTED = math.radians(10)


def load_pdf(content: bytes, options: Options) -> Decoded:
    """Decode a PDF's text layer; every block has its page."""
    with _pdfium_lock:
        pages = _read_pages(content, options)
    scanned = [page.number for page in pages if page.has_picture and not page.runs]
    if all(not page.runs for page in pages):
        raise DocumentError(_no_text(pages, scanned))
    writer = TextWriter(options.limits)
    layout = read_pages(pages)
    for block in layout.blocks:
        writer.add(block.text, level=block.level, page=block.page)
    pictures = {page.number for page in pages if page.has_picture}
    without_text = sorted({*scanned, *pictures.intersection(layout.emptied)})
    return Decoded(
        writer.text,
        FORMAT,
        writer.blocks,
        "pdf",
        tuple(_notes(pages, without_text)),
        tuple(_skipped(pages, layout.skipped)),
    )


def _no_text(pages: Sequence[Page], scanned: Sequence[int]) -> str:
    if scanned:
        return (
            f"it is a scan without a text layer ({len(pages)} pages, {len(scanned)} of them "
            "pictures). Recognise its text (OCR), and index what comes out."
        )
    broken = sum(page.failure is not None for page in pages)
    if broken:
        return f"none of its {len(pages)} pages can be read. Get it anew, or leave it out."
    return f"its {len(pages)} pages hold no text. Leave it out."


def _notes(pages: Sequence[Page], without_text: Sequence[int]) -> Iterator[str]:
    if without_text:
        yield (
            f"Pages without a text layer, pictures only: {_ranges(without_text)}. "
            "Their text is not indexed; recognise it (OCR) to have it."
        )
    if broken := [page.number for page in pages if page.failure is not None]:
        yield f"Pages that cannot be read: {_ranges(broken)}."
    if garbled := [page.number for page in pages if page.unmapped > _UNREADABLE * page.characters]:
        yield (
            f"Pages whose characters are not all named in the file: {_ranges(garbled)}. "
            "Their text is garbled; recognise it (OCR) to have it."
        )


def _skipped(pages: Sequence[Page], running: Counter[str]) -> Iterator[Skipped]:
    for what, count in running.items():
        yield Skipped(what, "they stand on every page", count)
    if slanted := sum(page.slanted for page in pages):
        yield Skipped("slanted characters", "they are stamps or watermarks", slanted)


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 → ``1–3, 7``."""
    pieces = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        pieces.append(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}")
    return ", ".join(pieces)


# ---- PDFium ----------------------------------------------------------------------------------


def _read_pages(content: bytes, options: Options) -> list[Page]:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(content)
    except PdfiumError as error:
        if getattr(error, "err_code", None) == _NEEDS_PASSWORD:
            raise DocumentError("it is protected by a password. Save it without one.") from error
        raise DocumentError(
            "it is a damaged PDF, or only a part of one. Get it anew, or leave it out."
        ) from error
    try:
        count = len(document)
        if count > options.limits.max_pages:
            raise DocumentError(
                f"it has {count:,} pages; the limit is {options.limits.max_pages:,} (max_pages). "
                "Split it, or raise the limit."
            )
        if not count:
            raise DocumentError("it has no pages. Get it anew, or leave it out.")
        return list(_pages(document, count, options.limits.max_characters))
    finally:
        document.close()


def _pages(document: "PdfDocument", count: int, most: int) -> Iterator[Page]:
    from pypdfium2 import PdfiumError

    characters = 0
    for number in range(1, count + 1):
        try:
            page = document[number - 1]
        except PdfiumError as error:
            yield Page(number, [], failure=str(error))
            continue
        try:
            read = _read_page(page, number)
        except PdfiumError as error:
            read = Page(number, [], failure=str(error))
        finally:
            page.close()
        characters += read.characters
        check_length(characters, most)
        yield read


def _read_page(page: "PdfPage", number: int) -> Page:
    text_page = page.get_textpage()
    try:
        reader = _PageReader(text_page.raw, text_page.count_chars())
        runs = reader.runs()
    finally:
        text_page.close()
    return Page(
        number,
        runs,
        has_picture=_has_picture(page),
        characters=reader.characters,
        unmapped=reader.unmapped,
        slanted=reader.slanted,
    )


def _has_picture(page: "PdfPage") -> bool:
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    return next(page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE]), None) is not None


class _PageReader:
    """Reads the characters of a page into runs, turned so that most of them stand upright."""

    def __init__(self, text_page: Any, count: int) -> None:  # noqa: ANN401 - a ctypes handle
        self.characters = count
        self.unmapped = 0
        self.slanted = 0
        self._page = text_page
        self._box = raw.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()

    def runs(self) -> list[Run]:
        quarters = [self._quarter(place) for place in range(self.characters)]
        told = Counter(quarter for quarter in quarters if quarter is not None)
        upright = max(told, key=lambda quarter: told[quarter], default=0)
        runs: list[Run] = []
        current: Run | None = None
        for place, quarter in enumerate(quarters):
            text = self._text(place)
            if text in _LINE_ENDS:
                current = None
            elif raw.FPDFText_IsGenerated(self._page, place) == 1:
                if current is not None:
                    current.text += text
            elif quarter != upright:
                self.slanted += 1
            elif text:
                run = self._extend(current, text, self._place(place, upright), place)
                if run is not current:
                    runs.append(run)
                current = run
        return [run for run in runs if run.text.strip()]

    def _quarter(self, place: int) -> int | None:
        """Return by how many quarters a character is turned clockwise; None = it is slanted."""
        angle = raw.FPDFText_GetCharAngle(self._page, place)
        quarter = round(angle / (math.pi / 2))
        return quarter % 4 if abs(angle - quarter * math.pi / 2) < _SLANTED else None

    def _text(self, place: int) -> str:
        character = chr(raw.FPDFText_GetUnicode(self._page, place))
        if character in _SOFT_HYPHENS:
            return "\xad"
        if character in _NOT_MAPPED or unicodedata.category(character) in ("Co", "Cs"):
            self.unmapped += 1
            return character if unicodedata.category(character) == "Co" else "\ufffd"
        # Fonts that draw 方 and the radical ⽅ alike may name either.
        return unicodedata.normalize("NFKC", character) if _is_radical(character) else character

    def _place(self, place: int, upright: int) -> tuple[float, float, float]:
        """Return left, right and baseline of a character as it is seen; y grows downwards."""
        raw.FPDFText_GetLooseCharBox(self._page, place, self._box)
        raw.FPDFText_GetCharOrigin(self._page, place, self._x, self._y)
        box, x, y = self._box, self._x.value, self._y.value
        if upright == 3:
            return box.bottom, box.top, x
        if upright == 2:
            return -box.right, -box.left, y
        if upright == 1:
            return -box.top, -box.bottom, -x
        return box.left, box.right, -y

    def _extend(
        self, run: Run | None, text: str, place: tuple[float, float, float], number: int
    ) -> Run:
        """Add a character to a run; return a new one where it does not follow."""
        left, right, baseline = place
        if run is not None and _follows(run, left, baseline):
            run.text += text
            run.x1 = max(run.x1, right)
            return run
        size, font = self._font(number)
        top, bottom = baseline - _ASCENT * size, baseline + _DESCENT * size
        return Run(text, left, right, top, bottom, size, font)

    def _font(self, place: int) -> tuple[float, str]:
        """Return the size of a character's font as drawn, and its name."""
        matrix = raw.FS_MATRIX()
        size = float(raw.FPDFText_GetFontSize(self._page, place))
        if raw.FPDFText_GetMatrix(self._page, place, matrix):
            size *= math.hypot(matrix.c, matrix.d)
        name = ctypes.create_string_buffer(_LONGEST_FONT_NAME)
        flags = ctypes.c_int()
        raw.FPDFText_GetFontInfo(self._page, place, name, _LONGEST_FONT_NAME, flags)
        return size, name.value.decode("utf-8", "replace")


def _follows(run: Run, left: float, baseline: float) -> bool:
    is_level = abs(run.bottom - _DESCENT * run.size - baseline) < _SAME_LINE * run.size
    return is_level and -run.size < left - run.x1 < _WIDEST_GAP * run.size


def _is_radical(character: str) -> bool:
    return "\u2e80" <= character <= "\u2fdf" or "\ufb00" <= character <= "\ufb06"
