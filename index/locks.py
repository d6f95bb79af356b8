"""Locks on an index folder that die with their owner: one writer, and leases of readers.

The writer's lock is ``.lock`` in the index folder (``filelock``: ``flock`` on Unix, ``LockFile`` on
Windows). Who has it stands in ``.owner``, which is only read when the lock is taken.

A reader's lease is a shared ``flock`` on ``manifest.json`` of the generation it reads, through a
descriptor that stays open. Whoever wants to remove a generation must get the exclusive lock on the
same file first. The system drops both kinds of lock when the process ends, however it ends. A
process that was forked from a reader holds the lease as well, until it ends too.

Where this is weaker:

- Windows has no shared ``flock``. There the open files are the lease: a folder with open files
  cannot be renamed, and a generation is renamed before anything in it is removed. Whether one is
  held cannot be told without trying. Nobody has run this on Windows yet.
- NFS: Linux turns ``flock`` into byte-range locks of the server, which reach other machines, unless
  the share is mounted with ``nolock`` or ``local_lock``; then readers on other machines are not
  seen. Keep ``--keep`` generous there, or prune by hand.
- A file system without locks: a reader reads without a lease, and nothing is ever removed by
  itself, because nobody can tell whether it is read. The writer's lock is then the existence of a
  file, and may outlive a killed owner on another machine.
"""

import contextlib
import errno
import importlib.util
import json
import math
import os
import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import filelock

from index.durable import open_warily, read_bounded, write_new
from index.errors import IndexBusyError, IndexFolderError, SettingError

_HAS_FLOCK = importlib.util.find_spec("fcntl") is not None  # not on Windows
if _HAS_FLOCK:
    import fcntl

LOCK = ".lock"
OWNER = ".owner"
_CONTENDED = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}


class GoneError(Exception):
    """The generation is being removed, or was, while a reader was about to open it."""


@contextlib.contextmanager
def writer(index_dir: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Be the only one who changes an index folder; the folder exists.

    Args:
        index_dir: the index folder.
        wait: seconds to wait for another writer.

    Raises:
        IndexBusyError: another process, or thread, is still writing after that time.
        IndexFolderError: the lock cannot be taken at all.
        SettingError: ``wait`` is no number of seconds.
    """
    if math.isnan(wait) or wait < 0:
        raise SettingError(f"Nobody can wait {wait} seconds. Give a number of seconds from 0 on.")
    # Each its own object: two threads exclude each other as two processes do.
    lock = filelock.FileLock(index_dir / LOCK)
    try:
        lock.acquire(timeout=-1 if math.isinf(wait) else wait)
    except filelock.Timeout as error:
        raise IndexBusyError(
            f"Another process{_owner(index_dir)} is changing the index in {index_dir}. "
            "Wait for it, then try again; --wait SECONDS waits by itself."
        ) from error
    except OSError as error:
        raise IndexFolderError(
            f"{index_dir / LOCK} cannot be locked ({error.strerror or error}). "
            "Check the folder's permissions, or name another one with --index."
        ) from error
    try:
        _say_owner(index_dir)
        yield
    finally:
        with contextlib.suppress(OSError):
            (index_dir / OWNER).unlink(missing_ok=True)
        lock.release()


def _say_owner(index_dir: Path) -> None:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now})
    # A full disk must not keep anyone from pruning.
    with contextlib.suppress(OSError):
        write_new(index_dir / OWNER, text + "\n")


def _owner(index_dir: Path) -> str:
    """Return who has the lock, for a message; empty when that cannot be told."""
    try:
        owner = json.loads(read_bounded(index_dir / OWNER, 4096))
        since = datetime.fromisoformat(str(owner["since"])).astimezone()
        pid, host = int(owner["pid"]), str(owner["host"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    where = "" if host == socket.gethostname() else f" on {host}"
    # Left by a killed owner, and the next one has not yet said who it is
    if not where and not _is_alive(pid):
        return ""
    return f" (pid {pid}{where}, since {since:%Y-%m-%d %H:%M:%S})"


def _is_alive(pid: int) -> bool:
    if not _HAS_FLOCK:  # Windows, where os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


class Lease:
    """Keeps a generation from being removed while it is read; ends with ``release`` or the process.

    Args:
        manifest: the generation's manifest.

    Raises:
        FileNotFoundError: it is not there.
        GoneError: it is just being removed.
        OSError: it cannot be opened, or is no regular file.
    """

    def __init__(self, manifest: Path) -> None:
        descriptor = open_warily(manifest)
        try:
            self._lock(descriptor, manifest)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor: int | None = descriptor

    @staticmethod
    def _lock(descriptor: int, manifest: Path) -> None:
        if not _HAS_FLOCK:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _CONTENDED:
                raise GoneError(str(manifest)) from error
            return  # no locks here: see the module
        # It may have been renamed away between opening and locking.
        try:
            there = manifest.stat()
        except FileNotFoundError as error:
            raise GoneError(str(manifest)) from error
        if not os.path.samestat(there, os.fstat(descriptor)):
            raise GoneError(str(manifest))

    def release(self) -> None:
        """Let the generation go; a forked process keeps its share."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def unheld(manifest: Path) -> Iterator[bool | None]:
    """Yield whether nobody reads a generation; while inside, nobody can begin to.

    None when that cannot be told: the system has no locks, or the file cannot be opened.
    """
    try:
        descriptor = _open_to_exclude(manifest)
    except OSError:
        yield None
        return
    if not _HAS_FLOCK:
        os.close(descriptor)  # else our own open file would keep the folder from being renamed
        yield True
        return
    try:
        yield _exclude(descriptor)
    finally:
        os.close(descriptor)


def _open_to_exclude(manifest: Path) -> int:
    try:
        return open_warily(manifest, os.O_RDWR)  # NFS gives exclusive locks only to who may write
    except PermissionError:
        return open_warily(manifest)


def _exclude(descriptor: int) -> bool | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _CONTENDED else None
    return True


def is_held(manifest: Path) -> bool | None:
    """Return whether somebody reads a generation; None where the system cannot tell."""
    if not _HAS_FLOCK:
        return None
    with unheld(manifest) as free:
        return None if free is None else not free
