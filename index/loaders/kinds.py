"""Which format a file has: what its content says, and where that says nothing, its suffix."""

import re
from io import BytesIO
from pathlib import PurePath

from index.errors import DocumentError
from index.loaders.archives import ZIP_MARKS, archive_kind, open_archive
from index.loaders.limits import Limits

SUFFIXES = {
    ".txt": "txt",
    ".text": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".epub": "epub",
    ".eml": "eml",
    ".zip": "zip",
}
"""The suffixes taken from folders and archives, and the kind each stands for."""

TEXTS = frozenset(("txt", "md", "html", "csv", "tsv", "eml"))
"""The kinds that are text, in whatever encoding."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# What cannot be read, by its first bytes, and what to do about it.
_OTHERS = (
    (b"{\\rtf", "an RTF file", "Save it as docx."),
    (b"\x89PNG", "a PNG picture", "Leave it out."),
    (b"\xff\xd8\xff", "a JPEG picture", "Leave it out."),
    (b"GIF8", "a GIF picture", "Leave it out."),
    (b"II*\x00", "a TIFF picture", "Leave it out."),
    (b"MM\x00*", "a TIFF picture", "Leave it out."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it first."),
    (b"\x7fELF", "a program", "Leave it out."),
    (b"SQLite format 3\x00", "an SQLite database", "Leave it out."),
)
_PDF_WITHIN = 1024  # bytes; readers look for the mark that far
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,99}(?:<\?xml[^>]{0,200}>\s{0,99})?<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE,
)
# A mail begins with fields, some of which only mail programs write.
_MAIL = re.compile(rb"(?:[A-Za-z-]{1,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){3,}\r?\n")
_OF_MAIL = re.compile(rb"^(?:message-id|mime-version|received):", re.IGNORECASE | re.MULTILINE)
_HEAD = 16 * 1024


def kind_of(path: str, content: bytes, limits: Limits) -> tuple[str, str | None]:
    """Return the kind of a file, and a note where its suffix says otherwise.

    Raises:
        DocumentError: it is of a kind that cannot be read.
    """
    suffix = PurePath(path).suffix.lower()
    named = SUFFIXES.get(suffix)
    kind = _by_content(content, limits) or _text_kind(content, named)
    if kind == named:
        return kind, None
    if named is None:
        told = f"suffix {suffix!r}" if suffix else "no suffix"
        return kind, f"It has {told}, which says nothing; read as {kind} by its content."
    return kind, f"It is named {suffix} but holds {kind}; read as {kind}."


def is_taken(path: str, head: bytes) -> bool:
    """Return whether a file in a folder is a document: by its suffix, else by its first bytes.

    Text without a known suffix is not: programs and settings are text as well.
    """
    if PurePath(path).suffix.lower() in SUFFIXES:
        return True
    # The first member of these archives comes uncompressed, or with a name that tells.
    first = head[30:100]
    tells = b"[Content_Types].xml" in first or b"epub+zip" in first
    return (head.startswith(ZIP_MARKS) and tells) or head.startswith(b"%PDF-")


def _by_content(content: bytes, limits: Limits) -> str | None:
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return "pdf"
    if content.startswith(ZIP_MARKS):
        with open_archive(BytesIO(content), limits) as archive:
            return archive_kind(archive)
    if content.startswith(_OLE):
        raise DocumentError(_old_office(content))
    for mark, what, step in _OTHERS:
        if content.startswith(mark):
            raise DocumentError(f"it is {what}, which cannot be read. {step}")
    return None


def _text_kind(content: bytes, named: str | None) -> str:
    """Return the kind of what is text, if anything; a suffix that stands for text is believed."""
    if named in TEXTS and named != "txt":
        return named
    if _HTML.match(content):
        return "html"
    head = content[:_HEAD]
    mail = _MAIL.match(head)
    if mail and _OF_MAIL.search(mail.group()):
        return "eml"
    return "txt"


def _old_office(content: bytes) -> str:
    if _ENCRYPTED in content:
        return "it is protected by a password. Save it without one."
    return (
        "it is of the old Office format (.doc, .xls, .ppt), which cannot be read. "
        "Save it as docx, xlsx or pptx."
    )
