"""Question → candidate passages: dense and lexical evidence fused into one measure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index import Index, fold, terms

FloatArray = npt.NDArray[np.float32]

_CANDIDATES = 100
LEXICAL_WEIGHT = 0.4
"""Weight of the lexical part beside a cosine; measured on public sets, see docs/retrieval.md."""
_HIGHEST_TF = 2.2  # k1 + 1: what BM25 gives at most for a term of idf 1


@dataclass(frozen=True)
class Query:
    """A question as retrieval sees it.

    Attributes:
        vector: its unit vector, float32 ``(dimension,)``.
        terms: its distinct search terms.
        idf: inverse document frequency of each term in the index asked.
        known: whether each term stands anywhere in the index.
    """

    vector: FloatArray
    terms: tuple[str, ...]
    idf: FloatArray
    known: npt.NDArray[np.bool_]

    @property
    def mass(self) -> float:
        """The idf of all terms together; what full lexical agreement would weigh."""
        return float(self.idf.sum())

    @property
    def coverage(self) -> float:
        """The share of that mass whose terms exist in the index, 0 to 1."""
        return float(self.idf[self.known].sum() / self.mass) if self.terms else 0.0


@dataclass(frozen=True)
class Candidate:
    """A passage with its evidence: cosine, lexical agreement (0 to 1), and both fused."""

    passage_id: int
    dense: float
    lexical: float
    score: float


def to_query(index: Index, question: str) -> Query:
    """Encode a question and look its terms up."""
    distinct = tuple(dict.fromkeys(terms(question)))
    return Query(
        vector=index.embedder.encode_queries([fold(question)])[0],
        terms=distinct,
        idf=np.array([index.idf(term) for term in distinct], np.float32),
        known=np.array([index.frequency(term) > 0 for term in distinct], np.bool_),
    )


def find_candidates(index: Index, query: Query, count: int) -> list[Candidate]:
    """Return the ``count`` best passages by fused evidence, best first.

    The lexical part is a passage's BM25 score over the most the query could get. Terms that exist
    nowhere in the index count in that most, so the part shrinks with the query's lexical coverage: a
    question in another language leaves the word to the dense part, with no switch in between.
    """
    lexical = {
        hit.passage_id: hit.score / (_HIGHEST_TF * query.mass)
        for hit in index.search_lexical(query.terms, _CANDIDATES)
    }
    nearest, _ = index.search_dense(query.vector, _CANDIDATES)
    ids = list(dict.fromkeys([*nearest.tolist(), *lexical]))
    candidates = [
        Candidate(
            passage_id=passage_id,
            dense=float(dense),
            lexical=lexical.get(passage_id, 0.0),
            score=float(dense) + LEXICAL_WEIGHT * lexical.get(passage_id, 0.0),
        )
        for passage_id, dense in zip(ids, index.dense_scores(query.vector, ids), strict=True)
    ]
    return best(candidates, count)


def best(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the highest scores first; equal scores in the order of the documents."""
    return sorted(candidates, key=lambda c: (-c.score, c.passage_id))[:count]
