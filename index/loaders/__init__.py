"""Files → decoded text. One loader a file; ``LOADERS`` has one line for each kind.

A loader takes the bytes of a file and returns ``Decoded``: its text, how it was decoded, and its
blocks where the format tells them (None = the splitter finds them in the text).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from index.errors import DocumentError
from index.loaders.archives import shown
from index.loaders.csv import load_csv, load_tsv
from index.loaders.decoded import Block, Decoded, Options, Skipped
from index.loaders.docx import load_docx
from index.loaders.eml import load_eml
from index.loaders.encodings import decode
from index.loaders.epub import load_epub
from index.loaders.html import load_html
from index.loaders.kinds import TEXTS, kind_of
from index.loaders.limits import Limits, megabytes
from index.loaders.markdown import load_markdown
from index.loaders.pdf import load_pdf
from index.loaders.pptx import load_pptx
from index.loaders.sources import Source, find_sources
from index.loaders.text import load_text
from index.loaders.xlsx import load_xlsx

__all__ = [
    "LOADERS",
    "Block",
    "Decoded",
    "Limits",
    "Skipped",
    "Source",
    "find_sources",
    "load",
    "recognise",
    "shown",
]

LOADERS: dict[str, Callable[[bytes, Options], Decoded]] = {
    "csv": load_csv,
    "docx": load_docx,
    "eml": load_eml,
    "epub": load_epub,
    "html": load_html,
    "md": load_markdown,
    "pdf": load_pdf,
    "pptx": load_pptx,
    "tsv": load_tsv,
    "txt": load_text,
    "xlsx": load_xlsx,
}


def load(
    path: str, content: bytes, *, encoding: str | None = None, limits: Limits | None = None
) -> Decoded:
    """Decode a file's bytes with the loader for what they hold.

    Args:
        path: the file's name; its suffix decides where the content does not tell.
        content: its bytes.
        encoding: of text, where it is known; None = found out.
        limits: what is refused; None = the defaults.

    Raises:
        DocumentError: it cannot be read, holds no text, or is beyond a limit.
        SettingError: there is no such encoding.
    """
    options = Options(encoding, limits or Limits())
    try:
        decoded = _load(path, content, options)
    except DocumentError as error:
        raise DocumentError(f"{shown(PurePath(path).name)}: {error}") from error
    if not decoded.text.strip():
        raise DocumentError(
            f"{shown(PurePath(path).name)} holds no text. Check the file, or leave it out."
        )
    return decoded


def _load(path: str, content: bytes, options: Options) -> Decoded:
    limits = options.limits
    if not content:
        raise DocumentError("it is empty (0 bytes). Check the file, or leave it out.")
    if len(content) > limits.max_file_size:
        raise DocumentError(
            f"it is {megabytes(len(content))}; the limit is {megabytes(limits.max_file_size)} "
            "(max_file_size). Split it, or raise the limit."
        )
    kind, note = kind_of(path, content, limits)
    if kind not in LOADERS:
        raise DocumentError(f"it is a {kind} archive. Name it .{kind}, or unpack it.")
    decoded = LOADERS[kind](content, options)
    return replace(decoded, notes=(note, *decoded.notes)) if note else decoded


def recognise(path: str, content: bytes, *, limits: Limits | None = None) -> str:
    """Return what kind a file is of by what it holds, ``pdf`` say, without reading all of it.

    Args:
        path: the file's name; its suffix decides where the content does not tell.
        content: its bytes.
        limits: what is refused; None = the defaults.

    Raises:
        DocumentError: it is of no kind that can be read.
    """
    options = Options(None, limits or Limits())
    if not content:
        raise DocumentError("it is empty (0 bytes). Check the file, or leave it out.")
    kind, _ = kind_of(path, content, options.limits)
    if kind in TEXTS:
        decode(content, options)  # whatever has no other mark is taken for text
    return kind
