"""An opened index as it would be had some of its documents never been indexed."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from index import bm25, folding
from index.lexical import LONGEST_TERM, Alternatives, LexicalHit
from index.reader import Index, Snapshot
from index.types import Document, DocumentInfo, Passage, Version
from index.vectors import FloatArray, IntArray


class Without(Snapshot):
    """A view of an opened index that hides some documents; nothing is built again.

    What depends on the other passages (frequencies, idf, BM25 and with them confidence) is that of
    an index without the hidden ones. Passages keep their ids. Closing the view closes nothing, and
    it stays with the generation that is open when it is made.

    Args:
        opened: the whole index; it must stay open.
        document_ids: the documents to hide.
    """

    def __init__(self, opened: Index, document_ids: Collection[str]) -> None:
        # Everything open is shared, and all of one generation, whatever becomes of the index.
        opened = opened.snapshot()
        self.__dict__.update(vars(opened))
        self._hidden_documents = frozenset(document_ids)
        passages = [p for id_ in self._hidden_documents for p in opened.passages_of(id_)]
        self._hidden = frozenset(passage.id for passage in passages)
        self._hidden_counts = counted = [_count_terms(passage.searchable) for passage in passages]
        self._hidden_frequency = Counter(term for counts in counted for term in counts)
        all_terms = round(_mean_length(opened) * len(opened))
        left = all_terms - sum(counts.total() for counts in counted)
        self._mean_length = left / len(self) if len(self) else 0.0

    def __len__(self) -> int:
        return super().__len__() - len(self._hidden)

    def search_dense(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return ids and cosines of the k passages nearest to a query vector, best first."""
        ids, cosines = super().search_dense(query_vector, k + len(self._hidden))
        kept = [
            row for row, passage_id in enumerate(ids.tolist()) if passage_id not in self._hidden
        ]
        return ids[kept[:k]], cosines[kept[:k]]

    def search_lexical(
        self, terms: Sequence[str], k: int, beside: Sequence[int] = ()
    ) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first.

        Other passages change every score a little, so twice as many are scored again and the best k
        taken: exact unless one of them moves up by k places.
        """
        found = super().search_lexical(terms, 2 * k + len(self._hidden), beside)
        ids = [hit.passage_id for hit in found if hit.passage_id not in self._hidden]
        idf = {term: self.idf(term) for term in {term[:LONGEST_TERM] for term in terms}}
        hits = [LexicalHit(p.id, self._score(idf, p)) for p in self.get_passages(ids)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))[:k]

    def search_any(
        self, weighed: Sequence[tuple[Alternatives, float]], k: int, among: Sequence[int]
    ) -> list[LexicalHit]:
        """Return the k of some passages with the most weight; each counts for any alternative."""
        found = super().search_any(weighed, k + len(self._hidden), among)
        return [hit for hit in found if hit.passage_id not in self._hidden][:k]

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        hidden = sum(
            any(terms and all(t[:LONGEST_TERM] in counts for t in terms) for terms in alternatives)
            for counts in self._hidden_counts
        )
        return super().frequency_of_any(alternatives) - hidden

    def _score(self, idf: dict[str, float], passage: Passage) -> float:
        counts = _count_terms(passage.searchable)
        return sum(
            weight * bm25.share_of_idf(counts[term], counts.total(), self._mean_length)
            for term, weight in idf.items()
            if term in counts
        )

    def idf(self, term: str) -> float:
        """Return a term's inverse document frequency; largest for a term in no passage."""
        return bm25.idf(self.frequency(term), len(self))

    def frequency(self, term: str) -> int:
        """Return in how many passages a term stands."""
        return super().frequency(term) - self._hidden_frequency[term[:LONGEST_TERM]]

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return [row for row in super().document_list() if row[0] not in self._hidden_documents]

    def documents(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        return [info for info in super().documents() if info.id not in self._hidden_documents]

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        found = super().documents_of_content(prefix)
        return [document for document in found if document.id not in self._hidden_documents]

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        found = super().versions_of_content(prefix)
        return [one for one in found if one.document_id not in self._hidden_documents]

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        return [row for row in super().repeats(duplicate_keys) if row[1] not in self._hidden]


@lru_cache(maxsize=2048)
def _count_terms(searchable: str) -> "Counter[str]":
    return Counter(term[:LONGEST_TERM] for term in folding.terms(searchable))


def _mean_length(opened: Index) -> float:
    """Return how many terms a passage has in the mean.

    tantivy keeps the number to itself, but the score of one passage for one term gives it away.
    """
    for passage_id in range(len(opened)):
        (passage,) = opened.get_passages([passage_id])
        counts = _count_terms(passage.searchable)
        if not counts:  # a passage of marks only
            continue
        # A rare term: the float32 idf of one that stands everywhere has few digits.
        term = min(counts, key=opened.frequency)
        (hit,) = opened.search_lexical([term], 1, [passage_id])
        (best,) = opened.get_passages([hit.passage_id])
        counts = _count_terms(best.searchable)
        norm = counts[term] * (opened.idf(term) * (bm25.K1 + 1) / hit.score - 1)
        return bm25.B * bm25.stored_length(counts.total()) / (norm / bm25.K1 - 1 + bm25.B)
    return 0.0
