"""A corpus of hostile files: each would take a careless reader down, and ends here in one line."""

import io
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from office_files import TYPES, book, raw_docx, workbook, zipped

MIB = 1024 * 1024


@cache
def bomb(kind: str, member: str, size: int = 600 * MIB) -> bytes:
    """Return an archive one member of which unpacks to much more than it takes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "docx":
            archive.writestr("[Content_Types].xml", TYPES)
            archive.writestr("word/styles.xml", "<x/>")
        with archive.open(member, "w", force_zip64=True) as opened:
            piece = b" " * MIB
            for _ in range(size // MIB):
                opened.write(piece)
    return file.getvalue()


def lying(size: int = 40 * MIB) -> bytes:
    """Return an archive whose directory says that a large member is small."""
    content = bytearray(bomb("zip", "a.txt", size))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<L", content, content.index(mark) + offset, 10)
    return bytes(content)


def nested(depth: int) -> bytes:
    """Return an archive in an archive in an archive …, with a document innermost."""
    content = zipped({"innermost.txt": "最裡面的內容。"})
    for _ in range(depth - 1):
        content = zipped({"inner.zip": content, "beside.txt": "旁邊的內容。"})
    return content


@cache
def crowded(members: int) -> bytes:
    """Return an archive of many empty members."""
    return zipped({f"{n}.txt": "" for n in range(members)})


def leaving() -> bytes:
    """Return an archive whose members' names lead out of it."""
    return zipped({"../../out.txt": "外", "/abs.txt": "外", "C:\\x.txt": "外", "in.txt": "內文。"})


def with_link() -> bytes:
    """Return an archive with a symbolic link in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("in.txt", "內文。")
    return file.getvalue()


def deep_docx() -> bytes:
    """Return a Word file with very deep XML."""
    return raw_docx("<w:sdt>" * 50_000 + "</w:sdt>" * 50_000)


def long_pdf(pages: int) -> bytes:
    """Return a PDF that says it has many pages, all the same one."""
    kids = b"3 0 R " * pages
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count %d/Kids[%s]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%%%EOF" % (pages, kids)
    )


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty.txt": lambda: b"",
    "blank.txt": lambda: " \n\t\u3000".encode() * 1000,
    "nul.txt": lambda: b"\x00" * MIB,
    "nul.csv": lambda: b"\x00,\x00\n" * 1000,
    "program.md": lambda: bytes(range(256)) * 100,
    "deep.html": lambda: b"<html>" + b"<div>" * 100_000,
    "half.pdf": lambda: b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n",
    "long.pdf": lambda: long_pdf(10_000),
    "bomb.docx": lambda: bomb("docx", "word/media/image.png"),
    "part_bomb.docx": lambda: bomb("docx", "word/document.xml", 100 * MIB),
    "bomb.zip": lambda: bomb("zip", "a.txt"),
    "crowded.zip": lambda: crowded(10_001),
    "half.zip": lambda: nested(2)[:-40],
    "deep.docx": deep_docx,
    "half.docx": lambda: raw_docx("<w:p/>")[:-30],
    "half.xlsx": lambda: workbook([["甲"]])[:-30],
    "half.epub": lambda: book({"a.xhtml": "<p>甲</p>"})[:-30],
    "picture.docx": lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
    "old.docx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
}
"""Files of which nothing can be indexed: each gives exactly one line."""


def write_all(folder: Path) -> None:
    """Write the corpus, and two sound files beside it."""
    for name, make in HOSTILE.items():
        (folder / name).write_bytes(make())
    (folder / "a_sound.txt").write_text("第一份好的文件。", encoding="utf-8")
    (folder / "z_sound.txt").write_text("第二份好的文件。", encoding="utf-8")
