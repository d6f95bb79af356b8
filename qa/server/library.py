"""The documents of the index as a list for people: what each is, and what is to be looked after."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from index import DocumentDetails, Index, file_of, fold
from qa.indexes import shared_index
from qa.server.settings import ServerSettings
from qa.server.uploads import UploadStore

_MEMBER = "!/"


@dataclass(frozen=True)
class Line:
    """A document in the list.

    Attributes:
        details: what the index knows of it.
        is_uploaded: whether its file was uploaded.
        is_missing: whether its file is gone; what the index holds of it is still quoted.
    """

    details: DocumentDetails
    is_uploaded: bool
    is_missing: bool

    @property
    def name(self) -> str:
        """The name of its file, without folders; of an archive's member, behind the archive's."""
        return _name(self.details.info.path)

    @property
    def indexed(self) -> datetime | None:
        """When it was first indexed as it is now; None when that was not recorded."""
        text = self.details.indexed
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Lines:
    """A part of the list.

    Attributes:
        index: the generation they are of.
        total: how many documents there are.
        matching: how many of them have the words that are looked for.
        lines: those asked for.
    """

    index: Index
    total: int
    matching: int
    lines: Sequence[Line]


class Library:
    """Lists documents; what is known of them is read once for each generation.

    Args:
        settings: which index.
        uploads: tells which files were uploaded.
    """

    def __init__(self, settings: ServerSettings, uploads: UploadStore) -> None:
        self._settings = settings
        self._uploads = uploads
        self._lock = threading.Lock()
        self._known: tuple[str, list[tuple[str, DocumentDetails]]] = ("", [])

    def lines(self, *, search: str = "", offset: int = 0, limit: int = 200) -> Lines:
        """Return documents by name.

        Args:
            search: words that the name or the title must have, in whatever script.
            offset: how many to leave out at the beginning.
            limit: how many at most.

        Raises:
            IndexFolderError: the index cannot be opened.
        """
        index = shared_index(self._settings.index)
        known = self._details(index)
        wanted = fold(search).split()
        found = [one for text, one in known if all(word in text for word in wanted)]
        lines = [self._line(one) for one in found[offset : offset + limit]]
        return Lines(index, len(known), len(found), lines)

    def _details(self, index: Index) -> list[tuple[str, DocumentDetails]]:
        """Return what is known of every document, each with the text it is searched by."""
        with self._lock:
            generation, known = self._known
            if generation != index.generation:
                found = sorted(index.document_details(), key=lambda one: fold(_name(one.info.path)))
                known = [(fold(f"{_name(one.info.path)} {one.info.title}"), one) for one in found]
                self._known = (index.generation, known)
            return known

    def _line(self, details: DocumentDetails) -> Line:
        path = details.info.path
        file = Path(file_of(path))
        return Line(
            details,
            is_uploaded=file.parent == self._uploads.folder,
            is_missing=path != "-" and not file.is_file(),
        )


def _name(path: str) -> str:
    file = file_of(path)
    member = path[len(file) :].replace(_MEMBER, " › ")
    return Path(file).name + member
