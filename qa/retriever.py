"""Question → passages, best first: two views fused, the best of them compared token by token."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from index import Index, TokenVectors, fold, place_names, terms

FloatArray = npt.NDArray[np.float32]

# The three numbers were chosen on public question sets in both scripts and across languages;
# docs/retrieval.md has the figures.
_CANDIDATES = 100
RERANKED = 20
"""How many candidates are compared token by token."""
_LEXICAL_BESIDE_COSINE = 0.6
_LEXICAL_BESIDE_MAXSIM = 0.3
_HIGHEST_TF = 2.2  # k1 + 1: what BM25 gives at most for a term of idf 1


@dataclass(frozen=True, eq=False)
class Query:
    """A question as retrieval sees it.

    Attributes:
        vector: its unit vector, float32 ``(dimension,)``.
        tokens: the vectors of its tokens.
        terms: its distinct search terms.
        idf: inverse document frequency of each term in the index asked.
        known: whether each term stands anywhere in the index.
        unknown_name: a place or year the question names and the index never mentions, if any.
    """

    vector: FloatArray
    tokens: TokenVectors
    terms: tuple[str, ...]
    idf: FloatArray
    known: npt.NDArray[np.bool_]
    unknown_name: str | None

    @property
    def mass(self) -> float:
        """The idf of all terms together; what full lexical agreement would weigh."""
        return float(self.idf.sum())

    @property
    def coverage(self) -> float:
        """Lexical coverage: the share of the mass whose terms exist in the index, 0 to 1."""
        return float(self.idf[self.known].sum() / self.mass) if self.terms else 0.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A passage with its evidence.

    Attributes:
        passage_id: which passage.
        dense: cosine of passage and question.
        lexical: BM25 over the most the question could get, times its coverage, 0 to 1.
        late: mean MaxSim of the question's tokens; None before reranking.
        token_best: each question token's best cosine to a token of the passage; empty before
            reranking.
        score: what it is ranked by.
    """

    passage_id: int
    dense: float
    lexical: float
    late: float | None
    token_best: FloatArray
    score: float


def to_query(index: Index, question: str) -> Query:
    """Encode a question and look its terms up."""
    encoded = index.embedder.encode_query_tokens(fold(question))
    distinct = tuple(dict.fromkeys(terms(question)))
    return Query(
        vector=encoded.vector,
        tokens=encoded.tokens,
        terms=distinct,
        idf=np.array([index.idf(term) for term in distinct], np.float32),
        known=np.array([index.frequency(term) > 0 for term in distinct], np.bool_),
        unknown_name=_unknown_name(index, question),
    )


_YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d)")
_HAN_DIGITS = str.maketrans("123456789", "一二三四五六七八九")


def _unknown_name(index: Index, question: str) -> str | None:
    """Return a place or year of the question that stands nowhere in the index, if any."""
    for place in place_names(question):
        pairs = [term for term in terms(place) if term.startswith("_")]
        if any(index.frequency(pair) == 0 for pair in pairs):
            return place
    for year in _YEAR.findall(fold(question)):
        # 二〇一九年 is indexed as 2019 too; 一九年, which says no century, only as a pair.
        short = "_" + year[2:].translate(_HAN_DIGITS)
        if index.frequency(year) == index.frequency(short) == 0:
            return str(year)
    return None


def find_candidates(index: Index, query: Query, count: int) -> list[Candidate]:
    """Return the ``count`` best passages, best first."""
    fused = _best(_fuse(index, query), max(count, RERANKED))
    return _best([_rerank(index, query, candidate) for candidate in fused], count)


def _fuse(index: Index, query: Query) -> list[Candidate]:
    """Return the best of both views with one score.

    BM25 is taken as a share of the most the question could get, and weighed by the question's
    lexical coverage: a question in another language than the documents, whose terms exist nowhere
    in the index, leaves the word to the dense view, with no switch in between.
    """
    full = _HIGHEST_TF * query.mass
    lexical = {
        hit.passage_id: query.coverage * hit.score / full
        for hit in index.search_lexical(query.terms, _CANDIDATES)
    }
    nearest, _ = index.search_dense(query.vector, _CANDIDATES)
    ids = list(dict.fromkeys([*nearest.tolist(), *lexical]))
    return [
        Candidate(
            passage_id=passage_id,
            dense=float(dense),
            lexical=lexical.get(passage_id, 0.0),
            late=None,
            token_best=np.empty(0, np.float32),
            score=float(dense) + _LEXICAL_BESIDE_COSINE * lexical.get(passage_id, 0.0),
        )
        for passage_id, dense in zip(ids, index.dense_scores(query.vector, ids), strict=True)
    ]


def _rerank(index: Index, query: Query, candidate: Candidate) -> Candidate:
    """Replace the cosine by late interaction."""
    similar = similarities(query, index.token_vectors(candidate.passage_id))
    if not similar.size:  # a question of marks only, or a model that cannot place its tokens
        return candidate
    token_best = similar.max(axis=1)
    late = float(token_best.mean())
    score = late + _LEXICAL_BESIDE_MAXSIM * candidate.lexical
    return replace(candidate, late=late, token_best=token_best, score=score)


def similarities(query: Query, tokens: TokenVectors) -> FloatArray:
    """Return the cosine of every question token to every passage token."""
    cosines: FloatArray = query.tokens.vectors @ tokens.vectors.T
    return cosines


def _best(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return the highest scores first; equal scores in the order of the documents."""
    return sorted(candidates, key=lambda c: (-c.score, c.passage_id))[:count]
