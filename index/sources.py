"""Paths → sources: what the index knows a file by, and a way to read its bytes."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from index.loaders import find_files


@dataclass(frozen=True)
class Source:
    """Something to index.

    Attributes:
        path: the name the index knows it by.
        read: returns its bytes; raises OSError or DocumentError.
    """

    path: str
    read: Callable[[], bytes]


def find_sources(paths: Iterable[str | Path]) -> Iterator[Source]:
    """Yield the files to index: those named, and those of a known kind inside named folders.

    Raises:
        DocumentError: a named path does not exist; before anything is yielded.
    """
    for path in find_files([Path(path).expanduser() for path in paths]):
        yield Source(str(path), path.read_bytes)


def shown(path: str) -> str:
    """Return a path as it can be stored and shown: a name may hold bytes that are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")
