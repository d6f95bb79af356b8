"""CSV and TSV: each row a block, with the names of its columns."""

import csv
import re
from collections.abc import Iterator
from io import StringIO

from index.errors import DocumentError
from index.loaders.decoded import Decoded, Options, TextWriter
from index.loaders.encodings import decode
from index.loaders.tables import row_lines

_DELIMITERS = ",;\t|"
_SAMPLE = 20  # lines
_SAMPLE_LENGTH = 100_000  # characters
_QUOTED = re.compile('"[^"]*"')


def load_csv(content: bytes, options: Options) -> Decoded:
    """Decode comma-separated values, or whatever they are separated by."""
    return _load(content, options, "csv")


def load_tsv(content: bytes, options: Options) -> Decoded:
    """Decode tab-separated values."""
    return _load(content, options, "tsv")


def _load(content: bytes, options: Options, kind: str) -> Decoded:
    read = decode(content, options)
    text = read.text.removeprefix("\ufeff").replace("\x00", "")
    delimiter = "\t" if kind == "tsv" else _delimiter(text)
    writer = TextWriter(options.limits)
    csv.field_size_limit(options.limits.max_characters)
    for line in row_lines(_rows(text, delimiter)):
        writer.add(line)
    return Decoded(writer.text, read.encoding, writer.blocks, kind=kind, notes=read.notes)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise DocumentError(
            f"line {reader.line_num:,} is no line of a table ({error}). Correct it."
        ) from error


def _delimiter(text: str) -> str:
    """Return what stands equally often in most of the first lines; a comma if nothing does."""
    lines = [_QUOTED.sub("", line) for line in text[:_SAMPLE_LENGTH].splitlines()[:_SAMPLE]]
    lines = [line for line in lines if line.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        usual = max(set(counts), key=counts.count, default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(_DELIMITERS, key=evenness)
