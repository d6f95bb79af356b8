"""ZIP archives, looked at before anything is unpacked; nothing is ever unpacked onto the disk."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from index.errors import DocumentError
from index.loaders.limits import Limits, megabytes

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
"""What a ZIP archive begins with; the second is that of an empty one."""

_OFFICE = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_ENTRY = 512  # bytes of the directory for each member, with a long name
_PIECE = 1024 * 1024
_MIMETYPE = 100  # bytes; longer ones are none
# What zipfile and zlib raise over a damaged archive.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,  # a place outside the file
    NotImplementedError,  # a compression it does not know
    RuntimeError,  # a password is needed
    KeyError,
    LookupError,
    OverflowError,
)


@contextmanager
def open_archive(file: BinaryIO, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP archive whose directory and declared sizes are within the limits.

    Raises:
        DocumentError: they are not, or it is damaged.
    """
    archive = open_checked(file, limits)
    try:
        yield archive
    finally:
        archive.close()


def open_checked(file: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """Do what ``open_archive`` does; the caller closes it."""
    _check_directory(file, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise DocumentError(
            "it is a damaged ZIP archive (docx, pptx, xlsx and epub are ones, too). "
            "Get it anew, or leave it out."
        ) from error
    members = archive.infolist()
    if len(members) > limits.max_members:
        raise _too_many(limits)
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.max_unpacked:
        raise DocumentError(
            f"it would unpack to {megabytes(unpacked)}; the limit is "
            f"{megabytes(limits.max_unpacked)} (max_unpacked). Unpack what you need of it by hand."
        )
    return archive


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Refuse a directory too long to be read; zipfile would make an object of each entry."""
    size = file.seek(0, 2)
    tail_size = min(size, 22 + 65_535)  # the record that ends an archive, and its longest comment
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) >= at + 16:
        # In an archive of the 64-bit kind this is 4 GiB less a byte, and the file is no longer
        # than the limit: the directory cannot be longer than the file.
        declared = struct.unpack_from("<L", tail, at + 12)[0]
        if min(declared, size) > limits.max_members * _ENTRY:
            raise _too_many(limits)
    file.seek(0)


def _too_many(limits: Limits) -> DocumentError:
    return DocumentError(
        f"it has more than {limits.max_members:,} members (max_members). "
        "Unpack what you need of it by hand."
    )


def archive_kind(archive: zipfile.ZipFile) -> str:
    """Return ``docx``, ``pptx``, ``xlsx``, ``epub``, or ``zip`` for an archive of documents.

    Raises:
        DocumentError: it is a document of a kind that cannot be read.
    """
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE.items():
            if any(name.startswith(folder) for name in names):
                return kind
    mimetype = _mimetype(archive)
    if mimetype == "application/epub+zip" or "META-INF/container.xml" in names:
        return "epub"
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        raise DocumentError(
            "it is an OpenDocument file, which cannot be read. Save it as docx, pptx or xlsx."
        )
    return "zip"


def _mimetype(archive: zipfile.ZipFile) -> str:
    try:
        member = archive.getinfo("mimetype")
        if member.file_size > _MIMETYPE:
            return ""
        return archive.read(member).decode("ascii", "replace").strip()
    except _DAMAGED:
        return ""


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo | str, most: int) -> bytes:
    """Return the content of a member, never more than it declares nor than ``most`` bytes.

    Raises:
        DocumentError: it is longer, missing, damaged or encrypted.
    """
    try:
        info = archive.getinfo(member) if isinstance(member, str) else member
        if info.flag_bits & 0x1:
            raise DocumentError("it is protected by a password. Unpack it by hand.")
        if info.file_size > most:
            raise DocumentError(
                f"{shown(info.filename)} is {megabytes(info.file_size)} unpacked; the limit is "
                f"{megabytes(most)}. Leave it out, or raise the limit."
            )
        with archive.open(info) as file:
            pieces = list(iter(lambda: file.read(_PIECE), b""))
    except _DAMAGED as error:
        name = member if isinstance(member, str) else member.filename
        raise DocumentError(
            f"its part {shown(name)} is missing or damaged. Get it anew, or leave it out."
        ) from error
    return b"".join(pieces)


def read_head(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return the first bytes of a member; none of one that cannot be read."""
    try:
        with archive.open(member) as file:
            return file.read(most)
    except _DAMAGED:
        return b""


def is_link(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is a symbolic link."""
    return stat.S_ISLNK(member.external_attr >> 16)


def leaves_folder(name: str) -> bool:
    """Return whether a member's name would lead out of the folder it is unpacked into."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def shown(name: str) -> str:
    """Return a file's name on one line: what would break it or turn its direction is escaped."""
    printable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in printable)
