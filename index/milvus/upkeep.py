"""The generations of an index on a server: list and check them, go back to one, remove some."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from index.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexNotFoundError,
)
from index.milvus.address import MilvusAddress, credentials
from index.milvus.client import MilvusServer
from index.milvus.lease import writing_to
from index.milvus.names import Names
from index.milvus.opened import MilvusGeneration, not_there, read_said
from index.milvus.rows import Seen
from index.milvus.segment import SegmentTexts
from index.upkeep import GenerationInfo, PruneReport
from index.verification import Problem


@contextmanager
def connected(address: MilvusAddress) -> Iterator[MilvusServer]:
    """Lend the server of an index, which must be there."""
    server = MilvusServer(address, credentials())
    try:
        if server.target_of(address.collection) is None:
            raise not_there(server.address)
        yield server
    finally:
        server.close()


def list_generations(address: MilvusAddress) -> list[GenerationInfo]:
    """Return every complete generation of an index on a server, newest first."""
    with connected(address) as server:
        return _generations(server)


def _generations(server: MilvusServer) -> list[GenerationInfo]:
    names = Names(server.address.collection)
    in_use = server.target_of(names.alias)
    found = (
        _describe(server, names.of_generation(name), name, in_use)
        for name in names.generations(server.collections())
    )
    return [one for one in found if one is not None]


def _describe(
    server: MilvusServer, collection: str, name: str, in_use: str | None
) -> GenerationInfo | None:
    created, documents, passages, problem = None, 0, 0, ""
    try:
        server.make_ready(collection)
        texts = SegmentTexts(server, collection, Seen(always=True))
        if texts.read_if_there("generation") is None and collection != in_use:
            return None  # left by a writer that was stopped
        manifest = read_said(texts, collection)["manifest"]
        created = datetime.fromisoformat(str(manifest["created"]))
        documents, passages = int(manifest["documents"]), int(manifest["passages"])
    except (IndexFolderError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    return GenerationInfo(
        name, created, documents, passages, 0, collection == in_use, is_held=None, problem=problem
    )


def verify(address: MilvusAddress, *, name: str | None, deep: bool) -> list[Problem]:
    """Return everything that is wrong with a generation on a server."""
    with connected(address) as server:
        collection = _collection_of(server, name)
        try:
            opened = MilvusGeneration(server, collection, seen=Seen(always=True))
            found = list(opened.faults(deep=deep, taken_over=()))
        except IndexDamagedError as error:
            found = [str(error)]
    return [Problem(collection, fact.removeprefix(f"{collection} ")) for fact in found]


def rollback(address: MilvusAddress, name: str | None, *, wait: float) -> str:
    """Put another generation into use, after checking it; nothing is removed."""
    with connected(address) as server, writing_to(server, wait=wait) as writing:
        in_use = server.target_of(address.collection)
        listed = _generations(server)
        if name is None:
            older = listed[[one.is_in_use for one in listed].index(True) + 1 :]
            if not older:
                raise IndexNotFoundError(
                    f"The generation in use of {address} is the oldest there is. "
                    f"Choose another one: python -m index info --index {address}"
                )
            name = older[0].name
        collection = _collection_of(server, name)
        problems = list(
            MilvusGeneration(server, collection, seen=Seen(always=True)).faults(
                deep=True, taken_over=()
            )
        )
        if problems:
            raise IndexDamagedError(
                f"{collection} is damaged: {'; '.join(problems)}. {in_use} stays in use. Choose "
                f"another generation: python -m index info --index {address}"
            )
        writing.check()
        server.point(address.collection, collection)
    return name


def _collection_of(server: MilvusServer, name: str | None) -> str:
    names = Names(server.address.collection)
    if name is None:
        target = server.target_of(names.alias)
        if target is None:
            raise not_there(server.address)
        return target
    known = names.generations(server.collections())
    if name not in known:
        raise IndexNotFoundError(
            f"There is no generation {name!r} of {server.address}. "
            f"Choose one of {', '.join(known)}."
        )
    return names.of_generation(name)


def prune(address: MilvusAddress, *, keep: int, wait: float) -> PruneReport:
    """Remove old generations, and what a writer that was stopped has left."""
    with connected(address) as server, writing_to(server, wait=wait):
        return PruneReport(remove_old(server, keep=keep), [], 0)


def remove_old(server: MilvusServer, *, keep: int) -> list[str]:
    """Remove all but the newest generations and the one in use; whoever calls may write.

    Returns:
        The names of those removed.
    """
    names = Names(server.address.collection)
    collections = server.collections()
    in_use = server.target_of(names.alias)
    known = names.generations(collections)
    current = [name for name in known if names.of_generation(name) == in_use]
    others = [name for name in known if name not in current and _is_complete(server, names, name)]
    kept = [*current, *others[: max(0, keep - len(current))]]
    removed = [name for name in known if name not in kept]
    for name in removed:
        server.drop(names.of_generation(name))
    wanted = {segment for name in kept for segment in _segments_of(server, names, name)}
    for segment in names.segments(collections) - wanted:
        for collection in names.of_segment(segment).all():
            if collection in collections:
                server.drop(collection)
    return removed


def _is_complete(server: MilvusServer, names: Names, name: str) -> bool:
    collection = names.of_generation(name)
    server.make_ready(collection)
    texts = SegmentTexts(server, collection, Seen(always=True))
    return texts.read_if_there("generation") is not None


def _segments_of(server: MilvusServer, names: Names, name: str) -> Collection[str]:
    collection = names.of_generation(name)
    server.make_ready(collection)
    said = read_said(SegmentTexts(server, collection, Seen(always=True)), collection)
    return [str(facts["name"]) for facts in said["segments"]]
