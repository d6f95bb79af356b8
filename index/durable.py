"""Files that survive a crash: hashes, fsync, atomic replacement, room taken before it is used."""

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from index.errors import IndexFolderError

_CAN_SYNC_FOLDERS = os.name != "nt"
# A link is not followed, and a pipe does not block; neither flag is there on Windows.
_WARILY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def open_warily(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file of a folder that may come from a stranger; return its descriptor.

    Raises:
        OSError: it is not there, a symbolic link, or no regular file.
    """
    descriptor = os.open(path, flags | _WARILY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def read_bounded(path: Path, most: int) -> bytes:
    """Return the content of a small regular file.

    Args:
        path: the file; a symbolic link is refused.
        most: how many bytes it may have.

    Raises:
        OSError: it cannot be read, or is larger.
    """
    with os.fdopen(open_warily(path), "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path} has more than {most:,} bytes")
    return content


def fsync(path: Path) -> None:
    """Ask the operating system to put a file or a folder's entries on the disk."""
    if path.is_dir() and not _CAN_SYNC_FOLDERS:
        return
    descriptor = os.open(path, os.O_RDONLY if _CAN_SYNC_FOLDERS else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Fsync every file below ``folder``, then the folders, deepest first."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            fsync(Path(root) / name)
        fsync(Path(root))


def replace_text(path: Path, text: str) -> None:
    """Replace a file's content by one atomic rename; a reader sees the old text or the new."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        write_new(beside, text)
        fsync(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def write_new(path: Path, text: str) -> None:
    """Write a file anew; a link that somebody left in its place is removed, not followed."""
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def link_or_copy(source: Path, target: Path) -> bool:
    """Give a file a second name, or a copy where the file system knows no second names.

    Returns:
        Whether both are the same file now.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        return False
    return True


def take_room(path: Path) -> None:
    """Make the disk promise a file all of its length: then writing through a map cannot fail.

    The file is not empty. Were it made of holes, a full disk would end the process with a bus
    error, not an exception.

    Raises:
        OSError: the disk has no room for it.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS and Windows
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, path.stat().st_size)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writing(path: Path, *engine_errors: type[Exception]) -> Iterator[None]:
    """Say in our own words that a file of the index could not be written.

    Args:
        path: what is being written.
        engine_errors: what the engine raises when the disk refuses, beside OSError.

    Raises:
        IndexFolderError: it could not be written.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (OSError, *engine_errors)):
            raise
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise IndexFolderError(
            f"{path} cannot be written ({reason}). The old index, if any, is unchanged. "
            "Make room on the disk or choose another folder with --index, then try again."
        ) from error
