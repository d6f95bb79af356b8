"""Paths → the documents they name: files, folders, globs, ZIP archives, standard input.

One bad file never stops the others. Only regular files are opened: opening a FIFO would wait for a
writer, and reading a device might never end.
"""

import glob
import os
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from index.errors import DocumentError
from index.loaders.archives import (
    ZIP_MARKS,
    archive_kind,
    is_link,
    leaves_folder,
    open_archive,
    open_checked,
    read_head,
    read_member,
    shown,
)
from index.loaders.decoded import Options
from index.loaders.encodings import decode
from index.loaders.kinds import is_taken
from index.loaders.limits import Limits, megabytes
from index.types import FailedFile

STDIN = "-"
_INSIDE = "!/"
_HEAD = 1024
_PIECE = 1024 * 1024
_UTF8_NAME = 0x800  # the flag of a member whose name is UTF-8


@dataclass(frozen=True)
class Source:
    """A document to be read.

    Attributes:
        path: the name the index knows it by; a member of an archive is ``a.zip!/inner/b.docx``.
        read: returns its bytes; raises DocumentError when it cannot be read (any more).
    """

    path: str
    read: Callable[[], bytes]


Found = Source | FailedFile


@dataclass
class _Search:
    limits: Limits
    follow_links: bool
    on_skip: Callable[[str], None]
    kept: "_Kept"
    seen: set[str] = field(default_factory=set)


def find_sources(
    paths: Iterable[str | Path],
    *,
    limits: Limits | None = None,
    follow_links: bool = False,
    on_skip: Callable[[str], None] | None = None,
) -> Iterator[Found]:
    """Find the documents to index: those named, and those of a known kind inside folders, archives.

    Args:
        paths: files, folders, ZIP archives, globs, or ``-`` for standard input.
        limits: what is refused; None = the defaults.
        follow_links: whether symbolic links in a folder may lead out of it.
        on_skip: called with each path in a folder or archive that is hidden or of no known kind.

    Yields:
        each document once, and for each that cannot be read, why.

    Raises:
        DocumentError: a named path does not exist; raised before anything is read.
    """
    named = [path for name in paths for path in _named(str(name))]
    limits = limits or Limits()
    search = _Search(limits, follow_links, on_skip or _tell_nobody, _Kept(limits))
    return _find(named, search)


def _find(named: Iterable[str], search: _Search) -> Iterator[Found]:
    for name in named:
        if name == STDIN:
            yield from _stdin(search)
        elif (path := Path(name).resolve()).is_dir():
            yield from _walk(path, search)
        else:
            yield from _file(path, search, is_named=True)


def _named(name: str) -> list[str]:
    """Return what a named path stands for: itself, or what a glob matches."""
    if name == STDIN:
        return [name]
    try:
        path = Path(name).expanduser()
        if path.exists():
            return [str(path)]
        # Path.glob knows no absolute patterns.
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, nobody's home
        raise DocumentError(f"{shown(name)} is no path ({error}). Check it.") from error
    if not matches:
        raise DocumentError(f"{shown(name)} does not exist. Check the path and try again.")
    return matches


def _tell_nobody(_path: str) -> None:
    return


# ---- folders ---------------------------------------------------------------------------------


def _walk(root: Path, search: _Search) -> Iterator[Found]:
    """Yield the documents below a folder, in the order of their paths; loops of links end."""
    folders = [root]
    entered: set[tuple[int, int]] = set()
    while folders:
        folder = folders.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            entries = sorted(folder.iterdir())
        except OSError as error:
            yield _failed(folder, error)
            continue
        below: list[Path] = []
        for entry in entries:
            yield from _entry(entry, root, below, search)
        folders.extend(reversed(below))


def _entry(entry: Path, root: Path, below: list[Path], search: _Search) -> Iterator[Found]:
    if entry.name.startswith("."):
        search.on_skip(str(entry))
        return
    try:
        path = entry.resolve() if entry.is_symlink() else entry
        if path != entry and not path.is_relative_to(root) and not search.follow_links:
            yield FailedFile(
                shown(str(entry)),
                f"{shown(entry.name)} is a link that leads out of {shown(str(root))}. "
                "Name what it leads to, or follow links.",
            )
            return
        is_folder = path.is_dir()
    except (OSError, RuntimeError) as error:  # a loop is a RuntimeError below Python 3.13
        yield _failed(entry, error)
        return
    if is_folder:
        below.append(path)
    else:
        yield from _file(path, search, is_named=False)


def _failed(path: Path, error: Exception) -> FailedFile:
    reason = getattr(error, "strerror", None) or "it is a loop of links"
    return FailedFile(
        shown(str(path)), f"{shown(path.name)} cannot be read ({reason}). Check its permissions."
    )


# ---- files -----------------------------------------------------------------------------------


def _file(path: Path, search: _Search, *, is_named: bool) -> Iterator[Found]:
    if str(path) in search.seen:
        return
    try:
        head = _head(path)
    except DocumentError as error:
        if is_named or is_taken(str(path), b""):
            search.seen.add(str(path))
            yield FailedFile(shown(str(path)), str(error))
        else:
            search.on_skip(str(path))
        return
    if not is_named and not is_taken(str(path), head):
        search.on_skip(str(path))
        return
    search.seen.add(str(path))
    read = partial(_read_file, path, search.limits)
    kind = _kind_of_archive(path, search.limits) if head.startswith(ZIP_MARKS) else ""
    yield from _document_or_archive(str(path), read, kind, search)


def _kind_of_archive(path: Path, limits: Limits) -> str:
    """Return what a ZIP archive holds; nothing of one that loading will say is bad."""
    try:
        with _opened(path) as file, open_archive(file, limits) as archive:
            return archive_kind(archive)
    except DocumentError:
        return ""


def _head(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(_HEAD)


def _opened(path: Path) -> BinaryIO:
    """Open a regular file, without waiting should it turn out to be none."""
    name = shown(path.name)
    try:
        if stat.S_ISREG(path.stat().st_mode):
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
            file = os.fdopen(descriptor, "rb")
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file
            file.close()
    except FileNotFoundError as error:
        raise DocumentError(f"{name} is not there any more. Build again.") from error
    except OSError as error:
        raise DocumentError(
            f"{name} cannot be read ({error.strerror}). Check its permissions."
        ) from error
    raise DocumentError(f"{name} is no regular file, and was not opened. Leave it out.")


_BINARY = getattr(os, "O_BINARY", 0)


def _read_file(path: Path, limits: Limits) -> bytes:
    """Return a file's bytes; one that changes meanwhile is read once more, then given up."""
    name = shown(path.name)
    for _ in range(2):
        with _opened(path) as file:
            try:
                before = os.fstat(file.fileno())
                if before.st_size > limits.max_file_size:
                    raise _too_large(name, before.st_size, limits)
                content = _read_up_to(file, limits.max_file_size)
                after = os.fstat(file.fileno())
            except OSError as error:
                raise DocumentError(
                    f"{name} cannot be read ({error.strerror}). Check the disk."
                ) from error
        if content is None:
            raise _too_large(name, after.st_size, limits)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return content
    raise DocumentError(f"{name} changed while it was read. Build again when it is at rest.")


def _read_up_to(file: BinaryIO, most: int) -> bytes | None:
    """Return what a file holds; None when that is more than ``most`` bytes."""
    pieces: list[bytes] = []
    size = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > most:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(name: str, size: int, limits: Limits) -> DocumentError:
    return DocumentError(
        f"{name} is {megabytes(size)}; the limit is {megabytes(limits.max_file_size)} "
        "(max_file_size). Split it, or raise the limit."
    )


def _stdin(search: _Search) -> Iterator[Found]:
    try:
        content = _read_up_to(sys.stdin.buffer, search.limits.max_file_size)
    except OSError as error:
        yield FailedFile(STDIN, f"Standard input cannot be read ({error.strerror}).")
        return
    if content is None:
        yield FailedFile(
            STDIN,
            f"Standard input holds more than {megabytes(search.limits.max_file_size)} "
            "(max_file_size). Split it, or raise the limit.",
        )
        return
    kind = ""
    if content.startswith(ZIP_MARKS):
        with suppress(DocumentError), open_archive(BytesIO(content), search.limits) as archive:
            kind = archive_kind(archive)
    given = content
    yield from _document_or_archive(STDIN, lambda: given, kind, search)


# ---- archives --------------------------------------------------------------------------------


@dataclass
class _Budget:
    """What an archive, with those inside it, may still unpack to."""

    size: int
    members: int

    def spend(self, archive: zipfile.ZipFile) -> None:
        """Take off what an archive declares.

        Raises:
            DocumentError: nothing is left.
        """
        members = archive.infolist()
        self.size -= sum(member.file_size for member in members)
        self.members -= len(members)
        if self.size < 0 or self.members < 0:
            raise DocumentError(
                "the archives in it unpack to more than max_unpacked or max_members allow. "
                "Unpack what you need of them by hand."
            )


class _Kept:
    """The archive read last, kept in memory for the next of its members; one in a whole search."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: tuple[str, zipfile.ZipFile] | None = None

    def open(self, path: str, read: Callable[[], bytes]) -> zipfile.ZipFile:
        """Return the archive of a path, opened from its bytes unless it was read last."""
        last = self._last
        if last is not None and last[0] == path:
            return last[1]
        archive = open_checked(BytesIO(read()), self._limits)
        self._last = (path, archive)
        return archive


@dataclass(frozen=True)
class _Archive:
    """An archive of documents; its bytes are read again when they are needed."""

    path: str
    read: Callable[[], bytes]
    kept: _Kept
    depth: int
    budget: _Budget

    def open(self) -> zipfile.ZipFile:
        return self.kept.open(self.path, self.read)

    def member(self, number: int, most: int) -> bytes:
        archive = self.open()
        return read_member(archive, archive.infolist()[number], most)


def _document_or_archive(
    path: str, read: Callable[[], bytes], kind: str, search: _Search
) -> Iterator[Found]:
    if kind != "zip":
        yield Source(path, read)
        return
    budget = _Budget(search.limits.max_unpacked, search.limits.max_members)
    yield from _members(_Archive(path, read, search.kept, 1, budget), search)


def _members(archive: _Archive, search: _Search) -> Iterator[Found]:
    """Yield the documents of an archive, in the order of their names."""
    try:
        opened = archive.open()
        archive.budget.spend(opened)
    except DocumentError as error:
        yield FailedFile(shown(archive.path), f"{shown(Path(archive.path).name)}: {error}")
        return
    names = [(_name(member), number, member) for number, member in enumerate(opened.infolist())]
    for name, number, member in sorted(names, key=lambda named: named[:2]):
        if not member.is_dir():
            yield from _member(archive, name, number, member, search)


def _member(
    archive: _Archive, name: str, number: int, member: zipfile.ZipInfo, search: _Search
) -> Iterator[Found]:
    path = archive.path + _INSIDE + name
    try:
        if leaves_folder(name) or is_link(member):
            what = "is a link" if is_link(member) else "has a name that leads out of its archive"
            raise DocumentError(f"{shown(name)} {what}. Leave it out.")
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        read = partial(archive.member, number, search.limits.max_file_size)
        if hidden or not is_taken(name, _member_head(archive.open(), member)):
            search.on_skip(path)
        elif name.lower().endswith(".zip"):
            yield from _inner(archive, path, read, search)
        else:
            yield Source(path, read)
    except DocumentError as error:
        yield FailedFile(shown(path), str(error))


def _inner(
    archive: _Archive, path: str, read: Callable[[], bytes], search: _Search
) -> Iterator[Found]:
    if archive.depth >= search.limits.max_nesting:
        raise DocumentError(
            f"{shown(path.rpartition(_INSIDE)[2])} is an archive {archive.depth + 1} deep; the "
            f"limit is {search.limits.max_nesting} (max_nesting). Unpack it by hand."
        )
    kind = archive_kind(search.kept.open(path, read))
    if kind != "zip":
        yield Source(path, read)
        return
    yield from _members(
        _Archive(path, read, search.kept, archive.depth + 1, archive.budget), search
    )


def _member_head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the first bytes of a member without a telling suffix."""
    if is_taken(member.filename, b""):
        return b""
    return read_head(archive, member, _HEAD)


def _name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; Chinese Windows writes it in its own encoding and does not say so."""
    name = member.filename
    if member.flag_bits & _UTF8_NAME or name.isascii():
        return name
    try:
        return decode(name.encode("cp437"), Options()).text
    except (UnicodeEncodeError, DocumentError):
        return name
