"""Which documents a path, an id or a glob means."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from index.errors import DocumentError
from index.loaders import shown
from index.types import DocumentInfo

_MEMBER = "!/"
"""Stands between an archive's path and that of a file in it."""


def select(infos: Mapping[str, DocumentInfo], wanted: Iterable[str | Path]) -> set[str]:
    """Return the ids of the documents that are meant.

    Args:
        infos: the documents, by id.
        wanted: each an id; a path of a file, an archive or a folder; or a glob, which is compared
            with the whole path, or, without a ``/`` in it, with the name of the file and that of
            the archive it is in.

    Raises:
        DocumentError: one of them means no document.
    """
    found: set[str] = set()
    for one in map(str, wanted):
        meant = {info.id for info in infos.values() if _is_meant(info, one)}
        if not meant:
            raise DocumentError(
                f"The index holds no document {shown(one)}. See what it holds: python -m index list"
            )
        found |= meant
    return found


def file_of(path: str) -> str:
    """Return the file that holds a document: itself, or the archive it is in."""
    return path.split(_MEMBER, 1)[0]


def _is_meant(info: DocumentInfo, wanted: str) -> bool:
    if wanted in (info.id, info.path):
        return True
    absolute = shown(str(Path(wanted).expanduser().resolve()))
    below = absolute.rstrip("/\\")
    if info.path == absolute or info.path.startswith((f"{below}/", f"{below}\\", below + _MEMBER)):
        return True
    if "/" not in wanted:
        names = {Path(info.path).name, Path(file_of(info.path)).name}
        return any(fnmatchcase(name, wanted) for name in names)
    return fnmatchcase(info.path, absolute)
