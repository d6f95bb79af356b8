"""The files that visitors upload: checked, kept in a folder of the server, and removed again.

    <data folder>/documents/<key of the index folder>/NAME     what is indexed
    <data folder>/documents/<key of the index folder>/.incoming/<batch>/   what arrives

A file arrives beside the others and takes its place only when its change begins; where the change
does not take it, what was there before comes back.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from index import (
    DocumentError,
    Limits,
    UploadError,
    UploadKindError,
    UploadTooLargeError,
    file_of,
    index_place,
    recognise,
)
from qa.server.file_names import safe_name
from qa.server.settings import ServerSettings

_INCOMING = ".incoming"
_BEFORE = ".before"  # no file that is taken has a name with a dot in front
_PIECE = 1 << 20
_MIB = 1 << 20


@dataclass
class Batch:
    """Files that have arrived together and wait for their change.

    Attributes:
        folder: where they wait.
        home: where they will be kept.
        names: their names there.
    """

    folder: Path
    home: Path
    names: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        """Where the files are once they have taken their place."""
        return [self.home / name for name in self.names]

    def place(self) -> None:
        """Let the files take their place; what was there is kept until ``settle``."""
        before = self.folder / _BEFORE
        with _storing():
            before.mkdir(exist_ok=True)
            for name in self.names:
                if (self.home / name).exists():
                    (self.home / name).replace(before / name)
                (self.folder / name).replace(self.home / name)

    def settle(self, taken: Collection[str]) -> None:
        """Keep the files that the index has taken; put back what was in the others' place.

        Args:
            taken: paths of documents; of an archive, those of its members.
        """
        files = {file_of(path) for path in taken}
        with _storing():
            for name in self.names:
                if str(self.home / name) not in files:
                    self._put_back(name)
        self.discard()

    def _put_back(self, name: str) -> None:
        before = self.folder / _BEFORE / name
        if before.exists():
            before.replace(self.home / name)
        elif not (self.folder / name).exists():  # it did take its place
            (self.home / name).unlink(missing_ok=True)

    def discard(self) -> None:
        """Drop what still waits."""
        shutil.rmtree(self.folder, ignore_errors=True)


class UploadStore:
    """The uploaded files of one index.

    Attributes:
        folder: where they are kept.

    Args:
        settings: the limits, the data folder, and which index.
    """

    def __init__(self, settings: ServerSettings) -> None:
        index = index_place(settings.index or None)
        where = str(index.resolve() if isinstance(index, Path) else index)
        # Two servers of different indexes may share a data folder; their files must not.
        key = hashlib.sha256(where.encode()).hexdigest()[:12]
        self.folder = settings.data_dir.expanduser().resolve() / "documents" / key
        self._settings = settings
        self._arriving = threading.Lock()

    def receive(self, files: Iterable[tuple[str, BinaryIO]]) -> Batch:
        """Store files beside the others, after checking names, sizes, kinds and the disk's room.

        Args:
            files: the name and the content of each.

        Raises:
            UploadTooLargeError: there are too many, or they are too large.
            UploadKindError: one of them is of no kind that can be read.
            UploadError: there are none, two have the same name, or the disk is full.
        """
        batch = Batch(self.folder / _INCOMING / secrets.token_hex(8), self.folder)
        with self._arriving:  # so that two together do not pass the limit that each keeps
            try:
                with _storing():
                    batch.folder.mkdir(parents=True, mode=0o700)
                for given, content in files:
                    self._receive_one(batch, given, content)
                if not batch.names:
                    raise UploadError("No file was sent. Choose at least one.")
            except BaseException:
                batch.discard()
                raise
        return batch

    def _receive_one(self, batch: Batch, given: str, content: BinaryIO) -> None:
        settings, name = self._settings, safe_name(given)
        if len(batch.names) >= settings.max_upload_files:
            raise UploadTooLargeError(
                f"At most {settings.max_upload_files} files can be uploaded at a time. "
                "Upload the others afterwards."
            )
        if name in batch.names:
            raise UploadError(f"Two of the files are named {name}. Rename one of them.")
        room = min(settings.max_upload_bytes, self.room())
        path = batch.folder / name
        with _storing():
            is_whole = _write(path, content, room)
        if not is_whole:
            raise self._too_large(name, room)
        _check_kind(name, path, settings)
        batch.names.append(name)

    def _too_large(self, name: str, room: int) -> UploadError:
        settings = self._settings
        if room < settings.max_upload_bytes:
            return UploadTooLargeError(
                f"There is no room for {name}: uploaded files may take "
                f"{_megabytes(settings.max_upload_total)} in all. Remove documents first."
            )
        return UploadTooLargeError(
            f"{name} is larger than {_megabytes(settings.max_upload_bytes)}, the most one file "
            "may have. Split it."
        )

    def used(self) -> int:
        """Return how many bytes the uploaded files take."""
        if not self.folder.is_dir():
            return 0
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if path.is_file())

    def room(self) -> int:
        """Return how many bytes more the uploaded files may take."""
        return max(0, self._settings.max_upload_total - self.used())

    def remove(self, paths: Iterable[str], *, still_needed: Iterable[str]) -> None:
        """Remove the uploaded files of documents that were taken out of the index.

        Args:
            paths: of the documents taken out; files that were not uploaded are left alone.
            still_needed: paths of the documents there are: other members of the same archive.
        """
        needed = {file_of(path) for path in still_needed}
        for file in {file_of(path) for path in paths} - needed:
            # Named by the index, which may come from elsewhere: only what lies right here.
            if Path(file).parent == self.folder:
                with contextlib.suppress(OSError):
                    Path(file).unlink(missing_ok=True)

    def clear_arrivals(self) -> None:
        """Remove what a server that was killed left half arrived."""
        shutil.rmtree(self.folder / _INCOMING, ignore_errors=True)


def _write(path: Path, content: BinaryIO, most: int) -> bool:
    """Write a file and put it on the disk; return whether it was not too large."""
    size = 0
    with path.open("xb") as file:
        while piece := content.read(_PIECE):
            size += len(piece)
            if size > most:
                return False
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return True


def _check_kind(name: str, path: Path, settings: ServerSettings) -> None:
    try:
        recognise(name, path.read_bytes(), limits=Limits(max_file_size=settings.max_upload_bytes))
    except DocumentError as error:
        raise UploadKindError(f"{name} is not taken: {error}") from error


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UploadError(
            f"The uploaded files cannot be stored ({error.strerror or error}). "
            "Make room on the server's disk, then try again."
        ) from error


def _megabytes(size: int) -> str:
    return f"{size / _MIB:,.0f} MB" if size >= _MIB else f"{size:,} bytes"
