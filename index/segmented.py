"""The parts of all segments of a generation, read as one; passages by their id in the generation.

Each class here stands for a list of parts, one a segment, and is asked what one of them is asked.
"""

import heapq
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

import numpy as np

from index import generation
from index.lexical import Alternatives, LexicalHit, LexicalIndex
from index.part_vectors import PartCosines, PartVectors
from index.places import Places
from index.protocols import SegmentParts, SegmentStore, SegmentVectors
from index.quantiser import ProductQuantiser
from index.store import Store
from index.types import (
    Document,
    DocumentDetails,
    DocumentInfo,
    Passage,
    TokenVectorKind,
    Version,
)
from index.vectors import FloatArray, IntArray

_T = TypeVar("_T")
_MOST_WEIGHED = 5000
_MOST_TIED = 1000
"""Hits beyond those asked for that are looked at for those of the same score."""
_LOOKED_UP = 200
"""Documents whose passages are looked up one by one, and not counted with all others."""


def stores_of(folder: Path, segments: int, stack: ExitStack) -> list[Store]:
    """Open the store of each segment of a generation; the stack closes them.

    Raises:
        IndexDamagedError: one of them cannot be read.
    """
    found = []
    for number in range(segments):
        store = Store(generation.segment(folder, number) / generation.PASSAGES)
        stack.callback(store.close)
        found.append(store)
    return found


class SegmentedStore(ABC):
    """The documents and passages of a generation.

    Args:
        stores: that of each segment.
        places: where the passages are.
    """

    def __init__(self, stores: Sequence[SegmentStore], places: Places) -> None:
        self.stores = stores
        self.places = places

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return sum(store.documents for store in self.stores)

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return sum(store.passages for store in self.stores)

    def close(self) -> None:
        """Close the files; does nothing the second time."""
        for store in self.stores:
            store.close()

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            KeyError: the index has no such document.
        """
        for store in self.stores:
            try:
                return store.document(document_id)
            except KeyError:
                continue
        raise KeyError(document_id)

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        found = [one for store in self.stores for one in store.documents_of_content(prefix)]
        return sorted(found, key=lambda document: document.path)

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        found = [one for store in self.stores for one in store.versions_of_content(prefix)]
        return sorted(found, key=lambda version: version.indexed)

    def infos(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        found = chain.from_iterable(store.infos() for store in self.stores)
        return sorted(found, key=lambda info: info.path)

    def details(self) -> list[DocumentDetails]:
        """Return what there is to know of every document beside its text, by path."""
        duplicates = self.duplicates()
        found = [
            DocumentDetails(info, facts, duplicates.get(info.id, 0), indexed)
            for store in self.stores
            for info, facts, indexed in store.listed()
        ]
        return sorted(found, key=lambda one: one.info.path)

    @abstractmethod
    def duplicates(self, document_ids: Collection[str] | None = None) -> dict[str, int]:
        """Return how many passages of each document stand elsewhere too, where there are any.

        Args:
            document_ids: of the documents that are of interest; None = all.
        """

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return [(info.id, info.title, info.path, info.passages) for info in self.infos()]

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""
        return self._each(passage_ids, lambda store, rows: store.duplicate_keys(rows))

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        if self.places.is_plain:
            return self.stores[0].repeats(duplicate_keys)
        found: list[tuple[bytes, int]] = []
        for number, store in enumerate(self.stores):
            rows = store.repeats(duplicate_keys)
            ids = self.places.ids(number, np.array([row for _, row in rows], np.int64))
            found += [(key, id_) for (key, _), id_ in zip(rows, ids.tolist(), strict=True)]
        return sorted(found, key=lambda one: one[1])

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        found = self._each(passage_ids, lambda store, rows: store.get_passages(rows))
        return [
            passage if passage.id == id_ else replace(passage, id=id_)
            for passage, id_ in zip(found, passage_ids, strict=True)
        ]

    def _each(
        self, passage_ids: Sequence[int], ask: Callable[[SegmentStore, Sequence[int]], Sequence[_T]]
    ) -> list[_T]:
        """Ask each store for the passages it has; the answers in the order asked for."""
        if self.places.is_plain:
            return list(ask(self.stores[0], passage_ids))
        numbers, rows = self.places.rows(np.asarray(passage_ids, np.int64))
        found: dict[int, _T] = {}
        for number, store in enumerate(self.stores):
            mine = np.flatnonzero(numbers == number)
            if len(mine):
                found.update(zip(mine.tolist(), ask(store, rows[mine].tolist()), strict=True))
        return [found[at] for at in range(len(passage_ids))]

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        for number, store in enumerate(self.stores):
            found = store.passages_of(document_id)
            if found:
                rows = np.array([passage.id for passage in found], np.int64)
                ids = self.places.ids(number, rows).tolist()
                return [replace(one, id=id_) for one, id_ in zip(found, ids, strict=True)]
        return []

    def passage_ranges(self) -> dict[str, range]:
        """Return the ids of each document's passages, which follow one another, in their order."""
        if self.places.is_plain:
            return self.stores[0].passage_ranges()
        found: list[tuple[int, str, int]] = []
        for number, store in enumerate(self.stores):
            ranges = store.passage_ranges()
            rows = np.array([rows.start for rows in ranges.values()], np.int64)
            starts = self.places.ids(number, rows).tolist()
            found += zip(starts, ranges, map(len, ranges.values()), strict=True)
        return {id_: range(start, start + count) for start, id_, count in sorted(found)}

    def characters(self) -> int:
        """Return how many characters all documents have together."""
        return sum(store.characters() for store in self.stores)


class FolderStore(SegmentedStore):
    """The documents and passages of a generation in a folder.

    Args:
        stores: that of each segment.
        places: where the passages are.
    """

    def __init__(self, stores: Sequence[Store], places: Places) -> None:
        super().__init__(stores, places)
        self._own = stores

    def duplicates(self, document_ids: Collection[str] | None = None) -> dict[str, int]:
        """Return how many passages of each document stand elsewhere too, where there are any.

        Args:
            document_ids: of the documents that are of interest; None = all.
        """
        if document_ids is not None and len(document_ids) <= _LOOKED_UP:
            return {id_: n for id_ in document_ids if (n := self._duplicates_of(id_))}
        if len(self._own) == 1:
            return self._own[0].duplicates()
        counted: Counter[tuple[int, int]] = Counter()
        streams = (_tagged(number, store) for number, store in enumerate(self._own))
        for _, group in groupby(heapq.merge(*streams), key=lambda row: row[0]):
            rows = list(group)
            if len(rows) > 1:
                counted.update((number, row) for _, number, row in rows)
        found: Counter[str] = Counter()
        for number, row in counted:
            found[self._own[number].place_of(row)[1]] += 1
        return dict(found)

    def _duplicates_of(self, document_id: str) -> int:
        keys = [key for store in self._own for key in store.duplicate_keys_of(document_id)]
        found: Counter[bytes] = Counter()
        for store in self._own:
            found.update(store.counts_of(keys))
        return sum(found[key] > 1 for key in keys)


def _tagged(number: int, store: Store) -> Iterator[tuple[bytes, int, int]]:
    return ((key, number, row) for key, row in store.repeated())


class SegmentedVectors:
    """The vectors of a generation's passages.

    Args:
        parts: those of each segment.
        places: where the passages are.
    """

    def __init__(self, parts: Sequence[SegmentVectors], places: Places) -> None:
        self.parts = parts
        self._places = places

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.parts[0].dimension

    def search(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the ids and cosines of the k nearest passages, best first."""
        if self._places.is_plain:
            return self.parts[0].search(query_vector, k)
        found = [part.search(query_vector, k) for part in self.parts]
        ids = np.concatenate([self._places.ids(n, rows) for n, (rows, _) in enumerate(found)])
        scores = np.concatenate([scores for _, scores in found])
        best = np.lexsort((ids, -scores))[: max(0, k)]
        return ids[best], scores[best]

    def scores(self, query_vector: FloatArray, passage_ids: Sequence[int]) -> FloatArray:
        """Return the cosine of each passage to the query, float32 ``(len(passage_ids),)``.

        Raises:
            IndexError: there is no such passage.
        """
        # Row by row: a product of matrices rounds a row by where it stands among the others, and
        # of two passages with the same words now one and now the other would come first.
        vectors = self.rows(np.asarray(passage_ids, np.int64))
        cosines: FloatArray = np.einsum("ij,j->i", vectors, query_vector.reshape(-1))
        return cosines

    def rows(self, passage_ids: IntArray) -> FloatArray:
        """Return the vectors of passages as they were written, ``(len(passage_ids), dim)``.

        Raises:
            IndexError: there is no such passage.
        """
        if self._places.is_plain:
            return self.parts[0].rows(passage_ids)
        numbers, rows = self._places.rows(np.asarray(passage_ids, np.int64))
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            vectors[mine] = self.parts[number].rows(rows[mine])
        return vectors


class SegmentedParts:
    """The vectors of the tokens, or of the sentences, of a generation's passages.

    Args:
        parts: those of each segment.
        places: where the passages are.
    """

    def __init__(self, parts: Sequence[SegmentParts], places: Places) -> None:
        self.parts = parts
        self._places = places

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def kind(self) -> TokenVectorKind:
        """How the vectors are stored, in every segment."""
        return self.parts[0].kind

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.parts[0].dimension

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """What the codes of every segment were made with; None for int8."""
        return self.parts[0].quantiser

    def get(self, passage_id: int) -> PartVectors:
        """Return the parts of one passage, restored to float32."""
        if self._places.is_plain:
            return self.parts[0].get(passage_id)
        numbers, rows = self._places.rows(np.array([passage_id], np.int64))
        return self.parts[int(numbers[0])].get(int(rows[0]))

    def compare(self, vectors: FloatArray, passage_ids: Sequence[int]) -> PartCosines:
        """Return the cosine of every part of some passages to each vector.

        Args:
            vectors: of unit length, float32 ``(vectors, dimension)``.
            passage_ids: at least one.
        """
        places = list(self._rows(passage_ids))
        for mine in self.parts:
            mine.prepare([row for part, row in places if part is mine])
        found = [part.stored_of(row) for part, row in places]
        pieces, spans = zip(*found, strict=True)
        return PartCosines(
            self.parts[0].products(pieces, vectors),
            np.concatenate(spans).astype(np.int64),
            np.cumsum([0, *map(len, spans)]),
        )

    def _rows(self, passage_ids: Sequence[int]) -> Iterator[tuple[SegmentParts, int]]:
        """Yield the part that has each passage, and its row there."""
        if self._places.is_plain:
            return ((self.parts[0], passage_id) for passage_id in passage_ids)
        numbers, rows = self._places.rows(np.asarray(passage_ids, np.int64))
        return zip((self.parts[n] for n in numbers.tolist()), rows.tolist(), strict=True)

    def total(self) -> int:
        """Return how many parts all passages have together."""
        return sum(part.total for part in self.parts)


class SegmentedLexical:
    """The terms of a generation; one index, in which passages have numbers of their own.

    Args:
        index: the lexical index.
        places: whose passage each number is.
    """

    looks_everywhere = True

    def __init__(self, index: LexicalIndex, places: Places) -> None:
        self.index = index
        self._places = places

    def __len__(self) -> int:
        return len(self.index)

    def idf(self, term: str) -> float:
        """Return the term's inverse document frequency; largest for a term in no passage."""
        return self.index.idf(term)

    def frequency(self, term: str) -> int:
        """Return in how many passages the term stands."""
        return self.index.frequency(term)

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        return self.index.frequency_of_any(alternatives)

    def search(
        self,
        terms: Sequence[str],
        k: int,
        beside: Sequence[int],  # noqa: ARG002  (all passages are looked at)
    ) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first."""
        return self._best(lambda most: self.index.search(terms, most), k)

    def search_any(
        self, weighed: Sequence[tuple[Alternatives, float]], k: int, among: Sequence[int]
    ) -> list[LexicalHit]:
        """Return the k of some passages with the most weight, best first; see ``LexicalIndex``.

        Those are looked for among the several thousand with the most weight of all.
        """
        wanted = set(among)
        most = max(k, _MOST_WEIGHED)
        found = self._best(lambda more: self.index.search_any(weighed, more), most)
        return [hit for hit in found if hit.passage_id in wanted][:k]

    def _best(self, ask: Callable[[int], list[LexicalHit]], k: int) -> list[LexicalHit]:
        if self._places.is_plain or k <= 0:
            return ask(k)
        # Of passages with the same score the index takes those it has seen first, and here those
        # that stand first are wanted: more are asked for, until the k-th differs from the last.
        most = k + 1
        hits = ask(most)
        while len(hits) == most < k + _MOST_TIED and hits[k - 1].score == hits[-1].score:
            most *= 2
            hits = ask(most)
        numbers = np.array([hit.passage_id for hit in hits], np.int64)
        ids = self._places.of_numbers(numbers).tolist()
        mine = [LexicalHit(id_, hit.score) for id_, hit in zip(ids, hits, strict=True)]
        return sorted(mine, key=lambda hit: (-hit.score, hit.passage_id))[:k]
