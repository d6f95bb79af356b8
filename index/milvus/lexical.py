"""BM25 over a generation on a Milvus server: the server finds candidates, the score is our own.

Scores are those a folder gives, to the last digit but one: the same terms, lengths as tantivy
knows them, frequencies of the whole generation. A server from 2.5 on finds the candidates by its
own BM25. One before that has none: then the passages that are nearest by their vectors, which the
caller has found already, are the candidates, and a passage that is only near by its words is
missed. ``IndexInfo.lexical`` says which.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from index import bm25
from index.lexical import LONGEST_TERM, Alternatives, LexicalHit
from index.milvus.client import MilvusServer
from index.milvus.last_used import LastUsed
from index.milvus.segment import MilvusSegment
from index.milvus.tables import FOUND_FIELDS, as_word, damaged, read_terms
from index.places import Places

_COUNTED_UP_TO = 1000
"""Passages up to which a server without BM25 counts those that hold several words."""
_COUNTS_KEPT = 4096
_TEXTS_KEPT = 256
_MORE = 3
"""Times as many candidates are asked for as passages are wanted: the server's score is another."""


def term_text(term: str, texts: int) -> int:
    """Return in which of so many texts the frequency of a term stands."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass")) % texts


class MilvusLexical:
    """The terms of a generation.

    Args:
        server: that has it.
        segments: its segments.
        places: where its passages are.
    """

    def __init__(
        self, server: MilvusServer, segments: Sequence[MilvusSegment], places: Places
    ) -> None:
        self._server = server
        self._segments = segments
        self._places = places
        self._texts: LastUsed[tuple[int, int], Mapping[str, int]] = LastUsed(_TEXTS_KEPT)
        self._counts: LastUsed[tuple[tuple[str, ...], ...], int] = LastUsed(_COUNTS_KEPT)
        terms = sum(int(segment.facts["terms"]) for segment in segments)
        self._mean_length = terms / max(1, len(self))

    def __len__(self) -> int:
        return self._places.passages

    @property
    def looks_everywhere(self) -> bool:
        """Whether the server searches all passages, and not only those it is given."""
        return self._server.has_bm25

    # ---- how often a term stands -----------------------------------------------------------------

    def idf(self, term: str) -> float:
        """Return the term's inverse document frequency; largest for a term in no passage."""
        return bm25.idf(self.frequency(term), len(self))

    def frequency(self, term: str) -> int:
        """Return in how many passages the term stands."""
        short = term[:LONGEST_TERM]
        return sum(self._frequencies(n, short).get(short, 0) for n in range(len(self._segments)))

    def _frequencies(self, number: int, term: str) -> Mapping[str, int]:
        """Return the text of a segment in which the frequency of a term would stand."""
        segment = self._segments[number]
        key = (number, term_text(term, int(segment.facts["term_texts"])))
        found = self._texts.get(key)
        if found is not None:
            return found
        name = f"terms/{key[1]}"
        try:
            found = {str(k): int(v) for k, v in json.loads(segment.texts.read(name)).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise damaged(f"{name} in {segment.where.texts}", f"holds {error!r}") from error
        self._texts.put(key, found)
        return found

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands.

        Where the server cannot count and there are many passages, it is estimated: as if no two
        alternatives stood in one passage, and all words of one always together.
        """
        key = tuple(tuple(term[:LONGEST_TERM] for term in one) for one in alternatives)
        count = self._counts.get(key)
        if count is None:
            count = self._count_any(key)
            self._counts.put(key, count)
        return count

    def _count_any(self, alternatives: Alternatives) -> int:
        present = self._present(alternatives)
        if not present:
            return 0
        if len(present) == len(present[0]) == 1:
            return self.frequency(present[0][0])
        if not self._server.has_bm25 and len(self) > _COUNTED_UP_TO:
            rarest = (min(map(self.frequency, terms)) for terms in present)
            return min(len(self), sum(rarest))
        where = " or ".join(f"({' and '.join(map(self._stands, terms))})" for terms in present)
        return sum(
            self._server.count(segment.where.passages, where, newest=segment.seen.newest)
            for segment in self._segments
        )

    def _present(self, alternatives: Alternatives) -> list[Sequence[str]]:
        return [terms for terms in alternatives if terms and all(map(self.frequency, terms))]

    def _stands(self, term: str) -> str:
        """Return the condition that a term stands in a passage."""
        if self._server.has_bm25:
            return f"TEXT_MATCH(terms, {json.dumps(as_word(term), ensure_ascii=False)})"
        return f"array_contains(terms, {json.dumps(term, ensure_ascii=False)})"

    # ---- which passages --------------------------------------------------------------------------

    def search(self, terms: Sequence[str], k: int, beside: Sequence[int]) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first.

        Args:
            terms: that are looked for.
            k: how many passages.
            beside: passages found by their vectors; the only ones where the server has no BM25.
        """
        distinct = dict.fromkeys(term[:LONGEST_TERM] for term in terms)
        weights = {self._word(term): self.idf(term) for term in distinct if self.frequency(term)}

        def score(counts: Counter[str]) -> float:
            length = counts.total()
            return sum(
                weight * bm25.share_of_idf(counts[word], length, self._mean_length)
                for word, weight in weights.items()
                if word in counts
            )

        return self._best(weights, score, k, beside)

    def search_any(
        self, weighed: Sequence[tuple[Alternatives, float]], k: int, among: Sequence[int]
    ) -> list[LexicalHit]:
        """Return the k of some passages with the most weight, best first; see ``LexicalIndex``."""
        wanted = [
            (
                [[self._word(term) for term in terms] for terms in self._present(alternatives)],
                weight,
            )
            for alternatives, weight in weighed
        ]

        def score(counts: Counter[str]) -> float:
            return sum(
                weight
                for alternatives, weight in wanted
                if any(all(word in counts for word in words) for words in alternatives)
            )

        if not any(alternatives for alternatives, _ in wanted):
            return []
        return _best_of(self._known(among), score, k)

    def _word(self, term: str) -> str:
        return as_word(term) if self._server.has_bm25 else term[:LONGEST_TERM]

    def _best(
        self,
        words: Iterable[str],
        score: Callable[[Counter[str]], float],
        k: int,
        beside: Sequence[int],
    ) -> list[LexicalHit]:
        wanted = list(words)
        if not wanted or k <= 0 or not len(self):
            return []
        found = self._found(wanted, _MORE * k) if self._server.has_bm25 else self._known(beside)
        return _best_of(found, score, k)

    def _found(self, words: Sequence[str], k: int) -> Iterator[tuple[int, str]]:
        """Yield the id and the terms of what the server's own BM25 finds."""
        for number, segment in enumerate(self._segments):
            rows = segment.rows
            found = self._server.matching(
                rows.collection, words, k, FOUND_FIELDS, newest=segment.seen.newest
            )
            kept = [rows.keep(one) for one in found]
            numbers = np.array([int(one["row"]) for one in kept], np.int64)
            ids = self._places.ids(number, numbers).tolist() if kept else []
            yield from zip(ids, (str(one["terms"]) for one in kept), strict=True)

    def _known(self, beside: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield the id and the terms of passages found otherwise."""
        ids = np.asarray(beside, np.int64)
        numbers, rows = self._places.rows(ids)
        for number, segment in enumerate(self._segments):
            mine = np.flatnonzero(numbers == number)
            found = segment.rows.get(rows[mine].tolist(), ("terms",)) if len(mine) else []
            terms = (str(one["terms"]) for one in found)
            yield from zip(ids[mine].tolist(), terms, strict=True)


def _best_of(
    found: Iterable[tuple[int, str]], score: Callable[[Counter[str]], float], k: int
) -> list[LexicalHit]:
    """Return the k passages with the highest score of those found, by id and terms."""
    hits = [LexicalHit(id_, score(Counter(read_terms(terms)))) for id_, terms in found]
    best = sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))
    return [hit for hit in best[: max(0, k)] if hit.score > 0]
