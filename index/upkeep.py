"""The generations of an index: list them, check one, go back to one, remove old ones."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from index import generation
from index.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexNotFoundError,
    SettingError,
)
from index.locations import IndexPlace, index_place
from index.locks import is_held, writer
from index.manifest import MANIFEST
from index.milvus.address import MilvusAddress
from index.opened import OpenedGeneration
from index.verification import Problem, problems_of


@dataclass(frozen=True)
class GenerationInfo:
    """What is known of a generation without checking every byte of it.

    Attributes:
        name: its name.
        created: when it was built; None when it cannot be opened.
        documents: how many documents; 0 when it cannot be opened.
        passages: how many passages; 0 when it cannot be opened.
        bytes_on_disk: the size of all its files, also of those that other generations have too; 0
            on a server, which does not say.
        is_in_use: whether CURRENT names it.
        is_held: whether some process has it open; None where the system cannot tell.
        problem: why it cannot be opened; empty when it can.
    """

    name: str
    created: datetime | None
    documents: int
    passages: int
    bytes_on_disk: int
    is_in_use: bool
    is_held: bool | None
    problem: str


@dataclass(frozen=True)
class PruneReport:
    """What a pruning did.

    Attributes:
        removed: names of the generations removed.
        held: names of those that were to go, but are being read.
        freed_bytes: the size of what was removed and no other generation has.
    """

    removed: Sequence[str]
    held: Sequence[str]
    freed_bytes: int


def list_generations(index_dir: str | IndexPlace | None = None) -> list[GenerationInfo]:
    """Return every complete generation of an index, newest first.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.

    Raises:
        IndexNotFoundError: there is no index in the folder.
    """
    place = index_place(index_dir)
    if isinstance(place, MilvusAddress):
        from index.milvus import upkeep as on_server

        return on_server.list_generations(place)
    folder = _existing(place)
    in_use = generation.name_in_use(folder)
    return [_describe(found, in_use) for found in generation.sealed(folder)]


def _describe(folder: Path, in_use: str | None) -> GenerationInfo:
    held = is_held(folder / MANIFEST)  # before it is opened here
    created, documents, passages, problem = None, 0, 0, ""
    try:
        opened = OpenedGeneration(folder)
        opened.close()
        manifest = opened.manifest
        created = datetime.fromisoformat(manifest.created)
        documents, passages = manifest.documents, manifest.passages
    except (IndexFolderError, OSError) as error:
        problem = str(error)
    return GenerationInfo(
        name=folder.name,
        created=created,
        documents=documents,
        passages=passages,
        bytes_on_disk=_size(folder),
        is_in_use=folder.name == in_use,
        is_held=held,
        problem=problem,
    )


def _size(folder: Path) -> int:
    """Return the size of the files below a folder, whatever is wrong with it."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _on_disk(index_dir: Path) -> dict[tuple[int, int], int]:
    """Return the size of each file of all generations; one that several have counts once."""
    statuses = (
        path.lstat()
        for folder in generation.sealed(index_dir)
        for path in folder.rglob("*")
        if not path.is_dir()
    )
    return {(status.st_dev, status.st_ino): status.st_size for status in statuses}


def verify(
    index_dir: str | IndexPlace | None = None, *, name: str | None = None, deep: bool = True
) -> list[Problem]:
    """Return everything that is wrong with a generation; nothing when it is as it was built.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        name: which generation; None = the one in use.
        deep: look also at every vector, every span, and every id; otherwise only at files, counts
            and the places of passages.

    Raises:
        IndexNotFoundError: there is no index, or no such generation, in the folder.
        IndexDamagedError: CURRENT does not say which generation is in use.
    """
    place = index_place(index_dir)
    if isinstance(place, MilvusAddress):
        from index.milvus import upkeep as on_server

        return on_server.verify(place, name=name, deep=deep)
    folder = _existing(place)
    found = generation.current(folder) if name is None else _named(folder, name)
    return problems_of(found, deep=deep)


def prune(
    index_dir: str | IndexPlace | None = None, *, keep: int = 2, wait: float = 0.0
) -> PruneReport:
    """Remove old generations that nobody reads; the one in use always stays.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        keep: how many generations stay: the one in use, and the newest others.
        wait: seconds to wait for another writer.

    Raises:
        IndexNotFoundError: there is no index in the folder.
        IndexBusyError: another process is writing in this folder.
        SettingError: ``keep`` is below 1, or ``wait`` below 0.
    """
    if keep < 1:
        raise SettingError(f"{keep} generations cannot be kept. Keep at least 1: the one in use.")
    place = index_place(index_dir)
    if isinstance(place, MilvusAddress):
        from index.milvus import upkeep as on_server

        return on_server.prune(place, keep=keep, wait=wait)
    folder = _existing(place)
    with writer(folder, wait=wait):
        # When CURRENT names nothing good, readers have the newest good one: nothing may go.
        _check_opens(generation.current(folder))
        generation.remove_leftovers(folder)
        before = _on_disk(folder)
        done = generation.remove_old(folder, keep=keep)
        freed = sum(before.values()) - sum(_on_disk(folder).values())
    removed = [name for name, was_removed in done if was_removed]
    held = [name for name, was_removed in done if not was_removed]
    return PruneReport(removed, held, freed)


def rollback(
    index_dir: str | IndexPlace | None = None, name: str | None = None, *, wait: float = 0.0
) -> str:
    """Put another generation into use, after checking every byte of it; nothing is removed.

    Open readers take it as they take a new one.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        name: which generation; None = the newest one older than that in use, or the newest of all
            when none is in use.
        wait: seconds to wait for another writer.

    Returns:
        The name of the generation now in use.

    Raises:
        IndexNotFoundError: there is no index, or no such generation, in the folder.
        IndexDamagedError: the generation is damaged; the one in use stays.
        IndexBusyError: another process is writing in this folder.
    """
    place = index_place(index_dir)
    if isinstance(place, MilvusAddress):
        from index.milvus import upkeep as on_server

        return on_server.rollback(place, name, wait=wait)
    folder = _existing(place)
    with writer(folder, wait=wait):
        target = _before(folder) if name is None else _named(folder, name)
        found = problems_of(target)
        if found:
            listed = "; ".join(str(problem).rstrip(".") for problem in found)
            raise IndexDamagedError(
                f"{target} is damaged: {listed}. CURRENT was left as it is. "
                f"Choose another generation: python -m index info --index {_quoted(folder)}"
            )
        generation.use(folder, target)
    return target.name


def _existing(folder: Path) -> Path:
    if not generation.sealed(folder):
        raise IndexNotFoundError(
            f"There is no index in {folder}. "
            f"Build one: python -m index build PATH --index {_quoted(folder)}"
        )
    return folder


def _quoted(folder: Path) -> str:
    return shlex.quote(str(folder))


def _check_opens(folder: Path) -> None:
    """Raise what is wrong with a generation, as far as opening it tells."""
    OpenedGeneration(folder).close()


def _named(folder: Path, name: str) -> Path:
    for found in generation.sealed(folder):
        if found.name == name:
            return found
    known = ", ".join(found.name for found in generation.sealed(folder))
    raise IndexNotFoundError(f"There is no generation {name!r} in {folder}. Choose one of {known}.")


def _before(folder: Path) -> Path:
    """Return the newest generation older than the one in use."""
    complete = generation.sealed(folder)
    names = [found.name for found in complete]
    in_use = generation.name_in_use(folder)
    older = complete[names.index(in_use) + 1 :] if in_use in names else complete
    if not older:
        raise IndexNotFoundError(
            f"The generation in use in {folder} is the oldest there is. "
            f"Choose another one: python -m index info --index {_quoted(folder)}"
        )
    return older[0]
