"""An index from a folder to a Milvus server, back, or to another one, without embedding again."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from index import generation
from index.errors import SettingError
from index.locations import IndexPlace, cache_dir, index_place
from index.locks import writer
from index.milvus.address import MilvusAddress, credentials

Told = Callable[[str, int, int], None]


def copy_index(
    source: str | IndexPlace,
    target: str | IndexPlace,
    *,
    progress: Told | None = None,
    wait: float = 0.0,
) -> str:
    """Copy the generation in use, and put the copy in use.

    Stopped, it goes on where it was when it is called again.

    Args:
        source: an index folder, or an address on a Milvus server.
        target: the other of both, or another address.
        progress: called with ``upload`` or ``download``, how many passages are done, and of
            how many.
        wait: seconds to wait for another writer of the target.

    Returns:
        The name of the generation.

    Raises:
        IndexNotFoundError: there is no index at the source.
        IndexDamagedError: it is not as it was built.
        IndexBusyError: another process is writing to the target.
        IndexServerError: a server does not answer; what was in use stays.
        SettingError: both are folders, or the same.
    """
    place, other = index_place(source), index_place(target)
    told = progress or _tell_nobody
    if place == other:
        raise SettingError(f"{place} cannot be copied to itself. Name another target.")
    if isinstance(other, MilvusAddress):
        return _to_server(place, other, told, wait)
    if isinstance(place, MilvusAddress):
        return _to_folder(place, other, told, wait)
    raise SettingError(
        "An index folder is copied as any folder is: with cp -r, while nobody builds."
    )


def _to_server(place: IndexPlace, target: MilvusAddress, told: Told, wait: float) -> str:
    from index.milvus.client import MilvusServer
    from index.milvus.lease import writing_to
    from index.milvus.pushing import push

    server = MilvusServer(target, credentials())
    try:
        with writing_to(server, wait=wait) as writing:
            if not isinstance(place, MilvusAddress):
                return push(generation.current(place), server, writing, told).generation
            cache_dir().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="copy-") as between:
                folder = Path(between)
                _receive(place, folder, told)
                return push(generation.current(folder), server, writing, told).generation
    finally:
        server.close()


def _to_folder(source: MilvusAddress, folder: Path, told: Told, wait: float) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with writer(folder, wait=wait):
        return _receive(source, folder, told)


def _receive(source: MilvusAddress, folder: Path, told: Told) -> str:
    from index.milvus.client import MilvusServer
    from index.milvus.opened import not_there
    from index.milvus.staging import receive

    server = MilvusServer(source, credentials())
    try:
        collection = server.target_of(source.collection)
        if collection is None:
            raise not_there(source)
        receive(server, collection, folder, told)
        return generation.current(folder).name
    finally:
        server.close()


def _tell_nobody(_stage: str, _done: int, _total: int) -> None:
    return
