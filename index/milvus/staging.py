"""Changing an index on a server: in a folder of this machine first, which is then written there.

So a build for a server is the same build, with all that it takes over, its checkpoint and its
checks. The folder, in the cache, is a copy of the generation in use; if another machine has written
since, or it is gone, the generation is read from the server first. It can be removed at any time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from index import generation
from index.durable import read_bounded, replace_text
from index.errors import IndexFolderError
from index.locations import cache_dir
from index.manifest import read_manifest
from index.milvus.address import MilvusAddress, credentials
from index.milvus.client import MilvusServer
from index.milvus.lease import Writing, writing_to
from index.milvus.names import Names
from index.milvus.opened import MilvusGeneration
from index.milvus.pulling import pull
from index.milvus.pushing import push, segment_name
from index.milvus.rows import Seen
from index.milvus.upkeep import remove_old
from index.spread import Hands

Told = Callable[[str, int, int], None]

_SYNCED = "synced.json"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class _Synced:
    """What a staging folder was last made equal to.

    Attributes:
        collection: the generation's collection on the server; empty = there was none.
        segments: what the segments of the folder are called there, by what they would be.
    """

    collection: str
    segments: Mapping[str, str]


@contextmanager
def staged(address: MilvusAddress, told: Told, hands: Hands, *, wait: float) -> Iterator[Path]:
    """Lend an index folder that holds what the server has; in the end the server has what it holds.

    Args:
        address: of the index.
        told: called with the stage, how much is done, and of how much.
        hands: who writes.
        wait: seconds to wait for another writer.

    Raises:
        IndexBusyError: another process is still writing after that time.
        IndexServerError: the server does not answer; its generation in use stays.
    """
    server = MilvusServer(address, credentials())
    try:
        with writing_to(server, wait=wait) as writing:
            folder = staging_dir(address)
            in_use = server.target_of(address.collection) or ""
            synced = _read(folder)
            if synced is None or synced.collection != in_use:
                synced = _refresh(server, folder, in_use, told)
            yield folder
            _write_back(server, writing, folder, synced, told, hands=hands)
    finally:
        server.close()


def staging_dir(address: MilvusAddress) -> Path:
    """Return the folder in which an index on a server is changed."""
    key = hashlib.sha256(str(address).encode()).hexdigest()[:12]
    return cache_dir() / "milvus" / f"{address.collection}-{key}"


def _write_back(
    server: MilvusServer,
    writing: Writing,
    folder: Path,
    synced: _Synced,
    told: Told,
    *,
    hands: Hands,
) -> None:
    current = generation.current(folder)
    names = Names(server.address.collection)
    collection = names.of_generation(current.name)
    if collection == synced.collection:
        return
    with ExitStack() as stack:
        others = hands.called(read_manifest(current).model)
        if others is not None:
            stack.enter_context(closing(others))
        push(current, server, writing, told, known=synced.segments, others=others)
    _say(folder, _Synced(collection, synced.segments))
    remove_old(server, keep=2)


def _refresh(server: MilvusServer, folder: Path, in_use: str, told: Told) -> _Synced:
    """Make a staging folder hold the generation in use on the server, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    if not in_use:
        synced = _Synced("", {})
    else:
        synced = _Synced(in_use, receive(server, in_use, folder, told))
    _say(folder, synced)
    return synced


def receive(server: MilvusServer, collection: str, folder: Path, told: Told) -> dict[str, str]:
    """Write a generation on a server into an index folder, and put it in use there.

    Returns:
        What its segments are called on the server, by what they would be called.
    """
    opened = MilvusGeneration(server, collection, seen=Seen(always=True))
    with generation.receiving(folder, opened.name) as beside:
        pull(opened, beside, told)
    manifest = read_manifest(beside)
    theirs = [str(part.facts["name"]) for part in opened.parts]
    return {segment_name(manifest, number): name for number, name in enumerate(theirs)}


def _read(folder: Path) -> _Synced | None:
    try:
        values = json.loads(read_bounded(folder / _SYNCED, _MOST_BYTES))
        return _Synced(
            str(values["collection"]), {str(k): str(v) for k, v in values["segments"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _say(folder: Path, synced: _Synced) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"collection": synced.collection, "segments": dict(synced.segments)})
        replace_text(folder / _SYNCED, text + "\n")
    except OSError as error:
        raise IndexFolderError(
            f"{folder} cannot be written ({error.strerror}). An index on a server is changed there "
            "first: make room, or set XDG_CACHE_HOME to a folder with some."
        ) from error
