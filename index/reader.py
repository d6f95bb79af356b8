"""An opened index: the generation in use, with its two views and its passages."""

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from index.errors import IndexDamagedError
from index.in_use import State, generations_of
from index.lexical import Alternatives, LexicalHit
from index.locations import IndexPlace, index_place
from index.manifest import BUILD_AGAIN
from index.opened import OpenedGeneration
from index.part_vectors import PartCosines, PartVectors
from index.protocols import Opened
from index.segmented import SegmentedStore
from index.types import (
    Document,
    DocumentDetails,
    DocumentInfo,
    IndexInfo,
    IndexSize,
    Passage,
    Version,
)
from index.vectors import FloatArray, IntArray

if TYPE_CHECKING:
    from index.embedder import Embedder

_LOOKED_AMONG = 500
"""Passages among which words are looked for that alone would lead astray."""

_T = TypeVar("_T")


class Index:
    """An opened index. A context manager; safe to use from several threads.

    A rebuild does not disturb it: it goes on reading the generation it opened, which nobody
    removes meanwhile, until ``refresh`` takes the new one. Who needs several calls to speak of
    the same generation makes them on a ``snapshot``.

    When the generation in use is damaged, the newest good one is opened, with an
    ``IndexFallbackWarning``; ``warning`` holds its text.
    """

    def __init__(
        self, index_dir: IndexPlace, *, model: str | None = None, folder: Path | None = None
    ) -> None:
        self.index_dir = index_dir
        self._model = model
        self._refreshing = threading.Lock()
        self._generations = generations_of(index_dir)
        # A folder is given only to check a generation that is not in use yet.
        if folder is None:
            self._adopt(self._generations.open(model))
        else:
            self._adopt(State(OpenedGeneration(folder, model), None))

    def _adopt(self, state: State) -> None:
        self._state = state
        self._snapshot = Snapshot(self.index_dir, state)

    @property
    def _opened(self) -> Opened:
        return self._state.opened

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files, or the connection; snapshots can be used no longer."""
        self._opened.close()
        self._generations.close()

    def snapshot(self) -> "Index":
        """Return a view that stays with the generation now open; closing it closes nothing."""
        return self._snapshot

    def refresh(self) -> bool:
        """Take the generation in use when it is another one; return whether it was.

        Only CURRENT is read when nothing changed. Snapshots, and with them questions under way,
        stay with the old generation, which is closed when the last of them is gone.

        Raises:
            IndexNotFoundError: the index is gone.
            IndexDamagedError: neither the generation in use nor any other is good.
            IndexFormatError: a version with another layout has written it.
        """
        with self._refreshing:
            if self._state.current == self._generations.current():
                return False
            state = self._generations.open(self._model, self._opened)
            changed = state.opened is not self._opened
            self._adopt(state)
            return changed

    def __len__(self) -> int:
        return self._opened.manifest.passages

    @property
    def generation(self) -> str:
        """Name of the generation that is open."""
        return self._opened.name

    @property
    def warning(self) -> str:
        """Why another generation is open than the one in use; empty when it is that one."""
        return self._state.warning

    @property
    def info(self) -> IndexInfo:
        """What the index says of itself."""
        opened = self._opened
        manifest = opened.manifest
        return IndexInfo(
            index_dir=str(self.index_dir),
            generation=opened.name,
            created=datetime.fromisoformat(manifest.created),
            documents=manifest.documents,
            passages=manifest.passages,
            model=manifest.model,
            model_revision=manifest.model_revision,
            dimension=manifest.dimension,
            token_vectors=opened.tokens.kind,
            bytes_on_disk=sum(opened.bytes_by_part().values()),
            segments=len(opened.parts),
            lexical=opened.lexical_kind,
        )

    def size(self) -> IndexSize:
        """Count what the index holds; reads every text, seconds where there are millions."""
        opened = self._opened
        return IndexSize(
            sentences=opened.sentences.total(),
            characters=opened.store.characters(),
            bytes_by_part=opened.bytes_by_part(),
        )

    @property
    def embedder(self) -> "Embedder":
        """The model the index was made with.

        Raises:
            ModelMismatchError: another model was asked for, or its weights have changed.
            ModelNotFoundError: it is not on this machine.
        """
        return self._opened.embedder

    def use_embedder(self, embedder: "Embedder") -> None:
        """Encode questions by this embedder, which is of the index's own model, and load none.

        It serves the generation that is open now, and every view of it.
        """
        self._opened.use_embedder(embedder)

    def search_dense(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return ids and cosines of the k passages nearest to a query vector, best first."""
        return self._opened.vectors.search(query_vector, k)

    def dense_scores(self, query_vector: FloatArray, passage_ids: Sequence[int]) -> FloatArray:
        """Return the cosine of each given passage to a query vector."""
        return self._opened.vectors.scores(query_vector, passage_ids)

    def passage_vectors(self, passage_ids: Sequence[int]) -> FloatArray:
        """Return the vectors of passages, unit length, ``(len(passage_ids), dimension)``.

        Only these are read of the mapped file.
        """
        return self._opened.vectors.rows(np.asarray(passage_ids, np.int64))

    def token_vectors(self, passage_id: int) -> PartVectors:
        """Return the token vectors of a passage; their spans count from its headings on."""
        return self._opened.tokens.get(passage_id)

    def compare_tokens(self, vectors: FloatArray, passage_ids: Sequence[int]) -> PartCosines:
        """Return the cosine of every token of some passages to each vector, ``(n, dim)``.

        There is at least one passage; spans count from its headings on.
        """
        return self._opened.tokens.compare(vectors, passage_ids)

    def compare_sentences(self, vectors: FloatArray, passage_ids: Sequence[int]) -> PartCosines:
        """Return the cosine of every sentence of some passages to each vector, ``(n, dim)``.

        There is at least one passage; spans count from its own text on.
        """
        return self._opened.sentences.compare(vectors, passage_ids)

    def sentence_vectors(self, passage_id: int) -> FloatArray:
        """Return the vector of each sentence of a passage, encoded by itself, ``(n, dim)``."""
        return self._opened.sentences.get(passage_id).vectors

    def near_by(self, query_vector: FloatArray) -> Sequence[int]:
        """Return where to look for a question's words, for an engine that cannot search by words.

        The nearest passages by the question's vector; none where the engine looks everywhere.
        """
        return () if self._opened.lexical.looks_everywhere else self.near(query_vector)

    def near(self, query_vector: FloatArray) -> Sequence[int]:
        """Return the passages that are near enough to a question for its words to mean much."""
        ids, _ = self.search_dense(query_vector, _LOOKED_AMONG)
        found: list[int] = ids.tolist()
        return found

    def search_lexical(
        self, terms: Sequence[str], k: int, beside: Sequence[int] = ()
    ) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first.

        Args:
            terms: that are looked for.
            k: how many passages.
            beside: what ``near_by`` gives: where to look, if not everywhere.
        """
        return self._opened.lexical.search(terms, k, beside)

    def search_any(
        self, weighed: Sequence[tuple[Alternatives, float]], k: int, among: Sequence[int]
    ) -> list[LexicalHit]:
        """Return the k of some passages with the most weight; each counts for any alternative.

        Args:
            weighed: alternatives and their weight.
            k: how many passages.
            among: which passages are looked at.
        """
        return self._opened.lexical.search_any(weighed, k, among)

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        return self._opened.lexical.frequency_of_any(alternatives)

    def idf(self, term: str) -> float:
        """Return a term's inverse document frequency; largest for a term in no passage."""
        return self._opened.lexical.idf(term)

    def frequency(self, term: str) -> int:
        """Return in how many passages a term stands."""
        return self._opened.lexical.frequency(term)

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        return self._opened.store.get_passages(passage_ids)

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        return self._opened.passages_of(document_id)

    def passage_ranges(self) -> dict[str, range]:
        """Return the ids of each document's passages, in the order of the ids; none is read."""
        return self._opened.store.passage_ranges()

    def document(self, document_id: str) -> Document:
        """Return one document; KeyError when the index has none of that id."""
        return self._opened.document(document_id)

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return self._opened.store.document_list()

    def documents(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        return self._opened.store.infos()

    def document_details(self) -> list[DocumentDetails]:
        """Return what there is to know of every document beside its text, by path."""
        return self._opened.store.details()

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        return self._opened.store.documents_of_content(prefix)

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        return self._opened.store.versions_of_content(prefix)

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return what each passage shares with its duplicates, in the order asked for."""
        return self._opened.store.duplicate_keys(passage_ids)

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        return self._opened.store.repeats(duplicate_keys)

    def reported(self, report: Callable[[SegmentedStore], _T]) -> _T:
        """Return what is reported of the store that is open; for the build that wrote it."""
        return report(self._opened.store)

    def verify(self, *, deep: bool = True, taken_over: Collection[str] = ()) -> None:
        """Check every file's hash and that every passage stands where it says.

        Args:
            deep: look also at every vector, every span, and every id.
            taken_over: files that were linked from another generation, and are not read.

        Raises:
            IndexDamagedError: something is missing, altered or misplaced; the message names all.
        """
        opened = self._opened
        found = list(opened.faults(deep=deep, taken_over=taken_over))
        if found:
            listed = "; ".join(fact.rstrip(".") for fact in found)
            raise IndexDamagedError(f"{opened.where} is damaged: {listed}. {BUILD_AGAIN}")


class Snapshot(Index):
    """A view of an opened index that stays with one generation; the index must stay open."""

    def __init__(self, index_dir: IndexPlace, state: State) -> None:
        self.index_dir = index_dir
        self._state = state

    def close(self) -> None:
        """Do nothing: the index behind the view stays open."""

    def snapshot(self) -> Index:
        """Return itself."""
        return self

    def refresh(self) -> bool:
        """Return False: a view stays with its generation."""
        return False


def open_index(index_dir: str | IndexPlace | None = None, *, model: str | None = None) -> Index:
    """Open an index for reading.

    Warns ``IndexFallbackWarning`` when the generation in use is damaged and another one is opened.

    Args:
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        model: the embedding model, when it should be checked against the index; None =
            ``YINZHENG_MODEL`` or the model the index was made with.

    Raises:
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: a part of it is missing or disagrees with the others, in every
            generation.
        IndexFormatError: it was written by a version with another layout.
        IndexServerError: the Milvus server does not answer, or lets nobody in.
    """
    return Index(index_place(index_dir), model=model)
