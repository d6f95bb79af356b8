"""Excel: each sheet under its name, each row with the names of its columns."""

import datetime
import re
import warnings
import zipfile
import zlib
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

from lxml import etree

from index.errors import DocumentError
from index.loaders.archives import open_archive, read_head
from index.loaders.decoded import FORMAT, Decoded, Options, TextWriter
from index.loaders.tables import row_lines

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_HEAD = 4096
# What openpyxl raises over a damaged workbook.
_DEFAULT_NAME = re.compile(r"(?:sheet|工作表|工作表格)?\s*\d*", re.IGNORECASE)  # says nothing
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,  # XML that is none
    TypeError,
    ValueError,
    etree.LxmlError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_xlsx(content: bytes, options: Options) -> Decoded:
    """Decode a workbook: values as they were when it was saved, not formulas."""
    from openpyxl import load_workbook

    _check(content, options)
    writer = TextWriter(options.limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of drawings and styles that are not read
            book = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
            try:
                _write(book, writer, options)
            finally:
                book.close()
    except _DAMAGED as error:
        raise DocumentError(
            "it is a damaged workbook. Open it in Excel and save it anew."
        ) from error
    return Decoded(writer.text, FORMAT, writer.blocks, "xlsx")


def _check(content: bytes, options: Options) -> None:
    """Refuse what is too large, or defines entities of its own, before openpyxl reads it."""
    with open_archive(BytesIO(content), options.limits) as archive:
        for member in archive.infolist():
            if b"<!DOCTYPE" in read_head(archive, member, _HEAD).replace(b"\x00", b""):
                raise DocumentError("it defines entities, which no workbook does. Leave it out.")


def _write(book: "Workbook", writer: TextWriter, options: Options) -> None:
    sheets = book.worksheets
    if len(sheets) > options.limits.max_pages:
        raise DocumentError(
            f"it has {len(sheets):,} sheets; the limit is {options.limits.max_pages:,} "
            "(max_pages). Split it, or raise the limit."
        )
    for number, sheet in enumerate(sheets, start=1):
        sheet.reset_dimensions()  # what it says of its size may be a million empty columns
        rows = ([_shown(cell) for cell in row] for row in sheet.iter_rows())
        titled = False
        # An empty row parts one table from the next, which has names of its own.
        for is_filled, table in groupby(rows, key=any):
            for line in row_lines(table) if is_filled else ():
                if not titled and not _DEFAULT_NAME.fullmatch(sheet.title or ""):
                    writer.add(sheet.title, level=1, page=number)
                titled = True
                writer.add(line, page=number)


def _shown(cell: object) -> str:
    """Return a value about as Excel shows it."""
    value = getattr(cell, "value", None)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float | int):
        is_share = "%" in str(getattr(cell, "number_format", ""))
        return f"{value * 100:.12g}%" if is_share else f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return str(value)
