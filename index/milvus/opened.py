"""A generation on a Milvus server, opened, and which one is in use; nothing is written here."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import IndexFormatError, IndexNotFoundError, IndexServerError
from index.in_use import State
from index.manifest import Manifest, manifest_of
from index.milvus.address import MilvusAddress, credentials
from index.milvus.client import MilvusServer
from index.milvus.lexical import MilvusLexical
from index.milvus.names import Names
from index.milvus.rows import Seen
from index.milvus.segment import MilvusSegment, MilvusStore, SegmentTexts
from index.milvus.tables import damaged, unpack_arrays
from index.model_in_use import embedder_of
from index.places import Places
from index.protocols import Opened
from index.segmented import SegmentedParts, SegmentedStore, SegmentedVectors
from index.types import Document, Passage

if TYPE_CHECKING:
    from index.embedder import Embedder

_FORMAT = 1
_LOOKED_EVERY = 1.0
"""Seconds between two looks at which generation is in use."""


class MilvusGeneration:
    """A generation, from which any number of threads may read.

    Args:
        server: that has it.
        collection: of the generation.
        model: the embedding model asked for; None = ``YINZHENG_MODEL`` or the index's own.
        seen: what of it has to be seen; None = what was written before it was opened.

    Raises:
        IndexDamagedError: it is not there as a whole.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """

    def __init__(
        self,
        server: MilvusServer,
        collection: str,
        model: str | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._server = server
        self._model = model
        self.collection = collection
        self._names = Names(server.address.collection)
        server.make_ready(collection)
        self.texts = SegmentTexts(server, collection, Seen(always=True))
        said = read_said(self.texts, collection)
        self.name: str = str(said["name"])
        self.manifest: Manifest = manifest_of(said["manifest"], collection)
        table = unpack_arrays(self.texts.read("places"), collection)["places"]
        places = Places(np.array(table, np.int64))
        self.parts: list[MilvusSegment] = []
        for facts in said["segments"]:
            where = self._names.of_segment(str(facts["name"]))
            for one in where.all():
                server.make_ready(one)
            self.parts.append(MilvusSegment(server, where, facts, seen or Seen()))
        self.store: SegmentedStore = _Store([part.store for part in self.parts], places, self.texts)
        self.vectors = SegmentedVectors([part.vectors for part in self.parts], places)
        self.tokens = SegmentedParts([part.tokens for part in self.parts], places)
        self.sentences = SegmentedParts([part.sentences for part in self.parts], places)
        self.lexical = MilvusLexical(server, self.parts, places)
        document = lru_cache(maxsize=64)(self.store.document)
        self.document: Callable[[str], Document] = document
        self._passages_of = lru_cache(maxsize=16)(self.store.passages_of)

    def close(self) -> None:
        """Do nothing: the connection is shared."""

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        return list(self._passages_of(document_id))

    @cached_property
    def embedder(self) -> "Embedder":
        """The model the generation was made with.

        Raises:
            ModelMismatchError: another model was asked for, or its weights have changed.
            ModelNotFoundError: it is not on this machine.
        """
        return embedder_of(self.manifest, self._model, str(self._server.address))

    def use_embedder(self, embedder: "Embedder") -> None:
        """Encode questions by this embedder, which is of the generation's own model."""
        self.embedder = embedder

    @property
    def lexical_kind(self) -> str:
        """How passages are found by their words."""
        if self._server.has_bm25:
            return f"BM25 of Milvus {self._server.version}"
        return f"among the nearest passages (Milvus {self._server.version} has no BM25)"

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        return f"{self.collection} on {self._server.address.server}"

    def faults(self, *, deep: bool, taken_over: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        """Yield everything that is wrong with it; see ``Index.verify``."""
        from index.milvus.checking import faults_of

        for part in self.parts:
            yield from faults_of(part, deep=deep)

    def bytes_by_part(self) -> dict[str, int]:
        """Return nothing: a server does not say how large its collections are."""
        return {}


class _Store(SegmentedStore):
    """The documents and passages of a generation, whose duplicates were counted beforehand."""

    def __init__(self, stores: Sequence[MilvusStore], places: Places, texts: SegmentTexts) -> None:
        super().__init__(stores, places)
        self._texts = texts

    def duplicates(self, document_ids: Collection[str] | None = None) -> dict[str, int]:
        """Return how many passages of each document stand elsewhere too, where there are any."""
        found = self._duplicates
        return {id_: n for id_, n in found.items() if document_ids is None or id_ in document_ids}

    @cached_property
    def _duplicates(self) -> dict[str, int]:
        held = json.loads(self._texts.read("duplicates"))
        return {str(id_): int(count) for id_, count in held.items()}


def not_there(address: MilvusAddress) -> IndexNotFoundError:
    """Return the error that there is no such index on a server."""
    return IndexNotFoundError(
        f"There is no index {address.collection} on the Milvus server at {address.server}. "
        f"Build one: python -m index build PATH --index {address}"
    )


def read_said(texts: SegmentTexts, collection: str) -> dict[str, Any]:
    """Return what a generation says of itself.

    Raises:
        IndexDamagedError: it says nothing, or nothing sensible.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """
    try:
        said = json.loads(texts.read("generation"))
        written_as = int(said["format"])
        if written_as == _FORMAT and {"name", "manifest", "segments"} <= said.keys():
            return dict(said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged(f"'generation' in {collection}", f"holds {error!r}") from error
    raise IndexFormatError(
        f"{collection} was written in layout {written_as}, and this version of Yinzheng reads "
        f"{_FORMAT}. Use the version that wrote it, or build the index again."
    )


class MilvusGenerations:
    """The generations of an index on a server.

    Args:
        address: of the index.

    Raises:
        IndexServerError: the server does not answer, or lets nobody in.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        self.server: MilvusServer = MilvusServer(address, credentials())
        self._names = Names(address.collection)
        self._looked = (0.0, b"")
        self._failed: tuple[float, IndexServerError] | None = None

    def current(self) -> bytes:
        """Return the name of the collection of the generation in use, as of a second ago at most.

        Raises:
            IndexNotFoundError: there is no such index on the server.
            IndexServerError: it does not answer, or did not a second ago.
        """
        when, found = self._looked
        if found and time.monotonic() - when < _LOOKED_EVERY:
            return found
        # Many questions at once would wait for the same silence one after the other.
        if self._failed is not None and time.monotonic() - self._failed[0] < _LOOKED_EVERY:
            raise self._failed[1]
        try:
            target = self.server.target_of(self._names.alias)
        except IndexServerError as error:
            self._failed = (time.monotonic(), error)
            raise
        if target is None:
            raise not_there(self.address)
        self._looked = (time.monotonic(), target.encode())
        return self._looked[1]

    def open(self, model: str | None, already: Opened | None = None) -> State:
        """Open the generation in use; ``already`` is not opened again.

        Raises:
            IndexNotFoundError: there is no such index on the server.
            IndexDamagedError: it is not there as a whole.
            IndexFormatError: another version of Yinzheng wrote it in another layout.
        """
        current = self.current()
        collection = current.decode()
        if isinstance(already, MilvusGeneration) and already.collection == collection:
            return State(already, current)
        return State(MilvusGeneration(self.server, collection, model), current)

    def close(self) -> None:
        """Close the connection."""
        self.server.close()
