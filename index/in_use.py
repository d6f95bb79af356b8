"""Which generation of an index is in use, opened; of a folder the newest good one if it is not."""

import shlex
import time
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from index import generation
from index.errors import (
    IndexDamagedError,
    IndexFallbackWarning,
    IndexFolderError,
    IndexFormatError,
)
from index.locations import IndexPlace
from index.locks import GoneError
from index.manifest import BUILD_AGAIN
from index.milvus.address import MilvusAddress
from index.opened import OpenedGeneration
from index.protocols import Opened

_PATIENCE = 5.0  # seconds to look again while generations come and go
_PAUSE = 0.01


@dataclass(frozen=True)
class State:
    """What an index reads, replaced as a whole.

    Attributes:
        opened: the generation.
        current: what named it then; None when that could not be read.
        warning: why it is not the generation that is named; empty when it is.
    """

    opened: Opened
    current: bytes | None
    warning: str = ""


class Generations(Protocol):
    """Where an index's generations are."""

    def current(self) -> bytes | None:
        """Return what names the generation in use, as ``State.current``."""

    def open(self, model: str | None, already: Opened | None = None) -> State:
        """Open the generation in use; ``already`` is not opened again."""

    def close(self) -> None:
        """Close what all generations share."""


def generations_of(place: IndexPlace) -> Generations:
    """Return where the generations of an index are."""
    if isinstance(place, MilvusAddress):
        from index.milvus.opened import MilvusGenerations

        return MilvusGenerations(place)
    return FolderGenerations(place)


class FolderGenerations:
    """The generations in an index folder."""

    def __init__(self, index_dir: Path) -> None:
        self._index_dir = index_dir

    def current(self) -> bytes | None:
        """Return what stands in CURRENT; None when it cannot be read.

        Raises:
            IndexNotFoundError: there is no index in the folder.
        """
        try:
            return generation.read_current(self._index_dir)
        except IndexDamagedError:
            return None

    def open(self, model: str | None, already: Opened | None = None) -> State:
        """Open the generation in use, or the newest good one; ``already`` is not opened again.

        Raises:
            IndexNotFoundError: there is no index in the folder.
            IndexDamagedError: neither the generation in use nor any other is good.
            IndexFormatError: a version with another layout has written it.
        """
        known = already if isinstance(already, OpenedGeneration) else None
        return _open_usable(self._index_dir, model, known)

    def close(self) -> None:
        """Do nothing: generations share no file."""


def _open_usable(
    index_dir: Path, model: str | None, already: OpenedGeneration | None = None
) -> State:
    deadline = time.monotonic() + _PATIENCE
    while True:
        current = None
        try:
            current = generation.read_current(index_dir)
            folder = generation.folder_of(index_dir, current)
            return State(_open(folder, model, already), current)
        except IndexDamagedError as damage:
            # It may have been removed after CURRENT was read, because CURRENT names another now.
            if time.monotonic() < deadline and _has_moved_on(index_dir, current):
                continue
            return _fall_back(index_dir, model, already, current, damage)
        except GoneError:
            if time.monotonic() > deadline:
                raise IndexDamagedError(
                    f"The generation in use in {index_dir} is locked by somebody who does not "
                    "let go. End the process that prunes it, or build the index again."
                ) from None
            time.sleep(_PAUSE)


def _has_moved_on(index_dir: Path, current: bytes | None) -> bool:
    try:
        return generation.read_current(index_dir) != current
    except IndexFolderError:
        return current is not None


def _open(folder: Path, model: str | None, already: OpenedGeneration | None) -> OpenedGeneration:
    if already is not None and already.folder == folder:
        return already
    try:
        return OpenedGeneration(folder, model)
    except IndexFormatError as error:
        command = generation.rebuild_command(folder.parent.parent, folder)
        raise IndexFormatError(f"{error} Build it again: {command}") from error
    except OSError as error:
        raise IndexDamagedError(f"{folder} cannot be opened ({error}). {BUILD_AGAIN}") from error


def _fall_back(
    index_dir: Path,
    model: str | None,
    already: OpenedGeneration | None,
    current: bytes | None,
    damage: IndexDamagedError,
) -> State:
    """Open the newest good generation, with a warning; raise what is wrong when there is none."""
    for folder in generation.sealed(index_dir):
        if current is not None and folder.name == generation.name_in(current) and already is None:
            continue
        try:
            opened = _open(folder, model, already)
        except (IndexDamagedError, IndexFormatError, GoneError):
            continue
        built = datetime.fromisoformat(opened.manifest.created).astimezone()
        warning = (
            f"{str(damage).rstrip('.')}. Until then the generation {folder.name}, "
            f"built {built:%Y-%m-%d %H:%M}, answers; "
            f"python -m index verify --index {shlex.quote(str(index_dir))} tells more."
        )
        warnings.warn(warning, IndexFallbackWarning, stacklevel=2)
        return State(opened, current, warning)
    raise damage
