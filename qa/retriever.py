"""Question → passages, best first: three views fused, the best of them compared token by token."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index import (
    Index,
    PartCosines,
    PartVectors,
    Passage,
    Translation,
    fold,
    lookup_terms,
    place_names,
    terms,
    translations,
)
from qa.stages import staged
from qa.weights import Weights, weights_for

if TYPE_CHECKING:
    from index import Encoded

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

_CANDIDATES = 100
RERANKED = 30
"""How many candidates are compared token by token."""
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
        translations: its English words with their Chinese counterparts.
        translation_idf: inverse document frequency of each, all counterparts taken as one term.
        unknown_name: a place or year the question names and the index never mentions, if any.
        weights: how evidence is weighed for the index's model.
    """

    vector: FloatArray
    tokens: PartVectors
    terms: tuple[str, ...]
    idf: FloatArray
    known: BoolArray
    translations: tuple[Translation, ...]
    translation_idf: FloatArray
    unknown_name: str | None
    weights: Weights

    @property
    def mass(self) -> float:
        """The idf of all terms together; what full lexical agreement would weigh."""
        return float(self.idf.sum())

    @property
    def coverage(self) -> float:
        """Lexical coverage: the share of the mass whose terms exist in the index, 0 to 1."""
        return float(self.idf[self.known].sum() / self.mass) if self.terms else 0.0

    def translated_share(self, stands: BoolArray) -> FloatArray:
        """Return the share of the translations' idf for rows that say which of them stand."""
        mass = max(float(self.translation_idf.sum()), 1e-9)
        share: FloatArray = stands @ self.translation_idf / mass
        return share


@dataclass(frozen=True)
class PassageEvidence:
    """What a candidate is ranked by; each number grows with the likelihood of an answer.

    Attributes:
        dense: cosine of passage and question.
        lexical: BM25 over the most the question could get, times its coverage, 0 to 1.
        translated: share of the idf of the question's English words that stand in it in Chinese.
        sentence: cosine of the question and the passage's best sentence, encoded by itself.
        late: mean MaxSim of the question's tokens.
        missed: minus the root mean square of what its tokens lack to the best candidate's. Where
            the mean forgives one token without any counterpart, this does not.
    """

    dense: float
    lexical: float
    translated: float
    sentence: float = 0.0
    late: float = 0.0
    missed: float = 0.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A passage with its evidence.

    Attributes:
        passage: what was found.
        evidence: what it is ranked by.
        similar: cosine of every question token to every token of the passage.
        token_spans: where the passage's tokens stand, in offsets of its document; those of its
            headings lie before it.
        score: the evidence weighed; higher is better.
    """

    passage: Passage
    evidence: PassageEvidence
    similar: FloatArray
    token_spans: npt.NDArray[np.int64]
    score: float

    @cached_property
    def token_best(self) -> FloatArray:
        """Each question token's best cosine to a token of the passage."""
        # A question of marks only, or a model that cannot place its tokens, has none to compare.
        best: FloatArray = self.similar.max(axis=1, initial=-1.0)
        return best


@staged("embed")
def encode(index: Index, question: str) -> "Encoded":
    """Encode a question, together with those of other threads that wait for the same pass."""
    return index.embedder.encode_query_tokens(fold(question))


@staged("embed")
def to_query(index: Index, question: str, encoded: "Encoded | None" = None) -> Query:
    """Translate the English words of a question, and look its terms up.

    Args:
        index: that is asked.
        question: cleaned.
        encoded: what ``encode`` gives for it; None = it is encoded now.
    """
    encoded = encoded or encode(index, question)
    distinct = tuple(dict.fromkeys(terms(question)))
    translated = tuple(translations(question))
    standing = [index.frequency_of_any(_lookups(one)) for one in translated]
    return Query(
        vector=encoded.vector,
        tokens=encoded.tokens,
        terms=distinct,
        idf=np.array([index.idf(term) for term in distinct], np.float32),
        known=np.array([index.frequency(term) > 0 for term in distinct], np.bool_),
        translations=translated,
        translation_idf=np.array([_idf(count, len(index)) for count in standing], np.float32),
        unknown_name=_unknown_name(index, question) or _unknown_place(translated, standing),
        weights=weights_for(index.embedder.name, index.embedder.revision),
    )


def _idf(frequency: int, passages: int) -> float:
    return float(np.log1p((passages - frequency + 0.5) / (frequency + 0.5)))


def _lookups(translation: Translation) -> list[tuple[str, ...]]:
    return [lookup_terms(word) for word in sorted(translation.alternatives)]


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


def _unknown_place(translated: Sequence[Translation], standing: Sequence[int]) -> str | None:
    """Return a place named in English that stands nowhere in the index in Chinese, if any."""
    named = zip(translated, standing, strict=True)
    return next((" ".join(one.words) for one, count in named if one.is_place and not count), None)


@staged("rerank")
def find_candidates(index: Index, query: Query, count: int) -> list[Candidate]:
    """Return the ``count`` best passages, best first."""
    keys = _Keys(index)
    first = _fuse(index, query, keys)
    passages = index.get_passages(_best_ids(keys, first, query.weights, max(count, RERANKED)))
    if not passages:
        return []
    tokens = index.compare_tokens(query.tokens.vectors, [passage.id for passage in passages])
    evidence = _full_evidence(index, query, [first[p.id] for p in passages], passages, tokens)
    scores = query.weights.scores(evidence, query.weights.passage).tolist()
    similar = np.split(tokens.cosines, tokens.bounds[1:-1], axis=1)
    # Token offsets count from the headings, which are searched with the passage, on.
    offsets = [passage.start - passage.searchable_offset for passage in passages]
    moved = tokens.spans + np.repeat(offsets, np.diff(tokens.bounds))[:, None]
    spans = np.split(moved, tokens.bounds[1:-1])
    found = map(Candidate, passages, evidence, similar, spans, scores)
    return sorted(found, key=lambda c: (-c.score, c.passage.id))[:count]


def _full_evidence(
    index: Index,
    query: Query,
    first: Sequence[PassageEvidence],
    passages: Sequence[Passage],
    tokens: PartCosines,
) -> list[PassageEvidence]:
    """Return the evidence of passages of which the tokens have been compared."""
    best = np.ascontiguousarray(tokens.largest().T)
    # A passage without tokens, or a question without, lacks nothing and has nothing.
    counted = np.diff(tokens.bounds) * best.shape[1] > 0
    late = np.where(counted, best.sum(axis=1) / max(1, best.shape[1]), 0.0)
    sentences = index.compare_sentences(query.vector[None], [one.id for one in passages])
    columns = zip(
        first,
        _translated(query, passages).tolist(),
        sentences.largest()[0].tolist(),
        late.tolist(),
        _missed(best).tolist(),
        strict=True,
    )
    return [
        PassageEvidence(one.dense, one.lexical, translated, sentence, mean, missed)
        for one, translated, sentence, mean, missed in columns
    ]


@staged("candidates")
def _fuse(index: Index, query: Query, keys: "_Keys") -> dict[int, PassageEvidence]:
    """Return the best of the three views, by passage, with what is known of each so far.

    BM25 is taken as a share of the most the question could get, and weighed by the question's
    lexical coverage: a question in another language than the documents, whose terms exist nowhere
    in the index, leaves the word to the others, with no switch in between.
    """
    full, coverage = _HIGHEST_TF * query.mass, query.coverage
    nearest = _of_enough_texts(keys, lambda k: _nearest(index, query, k))
    near = index.near_by(query.vector)
    found = _of_enough_texts(
        keys, lambda k: {h.passage_id: h.score for h in index.search_lexical(query.terms, k, near)}
    )
    lexical = {id_: coverage * score / full for id_, score in found.items()}
    translated = _search_translated(index, query, keys)
    ids = list(dict.fromkeys([*nearest, *lexical, *translated]))
    cosines = index.dense_scores(query.vector, ids).tolist()
    return {
        passage_id: PassageEvidence(
            cosine, lexical.get(passage_id, 0.0), translated.get(passage_id, 0.0)
        )
        for passage_id, cosine in zip(ids, cosines, strict=True)
    }


def _search_translated(index: Index, query: Query, keys: "_Keys") -> Mapping[int, float]:
    """Return what speaks for passages by the Chinese of a question's English words.

    Only near ones are looked at: a word has many translations, and of 21,000 passages hundreds
    hold some of them and have nothing to do with the question.
    """
    weights = query.translation_idf.tolist()
    mass = sum(weights)
    weighed = [
        (_lookups(one), weight) for one, weight in zip(query.translations, weights, strict=True)
    ]
    if not weighed:
        return {}
    near = index.near(query.vector)
    found = _of_enough_texts(
        keys, lambda k: {h.passage_id: h.score for h in index.search_any(weighed, k, near)}
    )
    return {passage_id: score / mass for passage_id, score in found.items()}


def _nearest(index: Index, query: Query, k: int) -> dict[int, float]:
    ids, cosines = index.search_dense(query.vector, k)
    return dict(zip(ids.tolist(), cosines.tolist(), strict=True))


class _Keys:
    """The duplicate keys of passages; the views find many of the same ones.

    Args:
        index: where they stand.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._known: dict[int, bytes] = {}

    def of(self, passage_ids: Collection[int]) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""
        new = [id_ for id_ in passage_ids if id_ not in self._known]
        if new:
            self._known.update(zip(new, self._index.duplicate_keys(new), strict=True))
        return [self._known[id_] for id_ in passage_ids]


def _of_enough_texts(keys: _Keys, search: Callable[[int], dict[int, float]]) -> dict[int, float]:
    """Return the best of a view, best first, as many as hold 100 different texts.

    A paragraph that stands 500 times in the index would leave no room for any other.
    """
    wanted = _CANDIDATES
    while True:
        found = search(wanted)
        of_found = keys.of(found)
        distinct = len(set(of_found))
        if distinct >= _CANDIDATES or len(found) < wanted:
            break
        # As many as would do if the next ones repeat each other as these do, and some to spare.
        wanted = max(2 * wanted, wanted * _CANDIDATES * 5 // (distinct * 4))
    texts: set[bytes] = set()
    enough: dict[int, float] = {}
    for (passage_id, score), key in zip(found.items(), of_found, strict=True):
        texts.add(key)
        if len(texts) > _CANDIDATES:
            break
        enough[passage_id] = score
    return enough


def _best_ids(
    keys: _Keys, first: Mapping[int, PassageEvidence], weights: Weights, count: int
) -> list[int]:
    """Return the best passages, of those with the same words only the best one."""
    best: dict[bytes, int] = {}
    ranked = _ranked(first, weights)
    for passage_id, key in zip(ranked, keys.of(ranked), strict=True):
        best.setdefault(key, passage_id)
    if len(best) == len(ranked):
        return ranked[:count]
    # Evidence without a scale is compared with that of the others: with each text once.
    kept = set(best.values())
    distinct = {passage_id: one for passage_id, one in first.items() if passage_id in kept}
    return _ranked(distinct, weights)[:count]


def _ranked(first: Mapping[int, PassageEvidence], weights: Weights) -> list[int]:
    scores = weights.scores(list(first.values()), weights.first).tolist()
    ranked = sorted(zip(first, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return [passage_id for passage_id, _ in ranked]


def _missed(token_best: FloatArray) -> FloatArray:
    """Return, for each row, minus the root mean square of what it lacks to the best row."""
    if not token_best.size:
        return np.zeros(len(token_best), np.float32)
    lacking = token_best.max(axis=0) - token_best
    missed: FloatArray = -np.sqrt((lacking**2).mean(axis=1))
    return missed


def _translated(query: Query, passages: Sequence[Passage]) -> FloatArray:
    """Return the translated shares, read in the text: the index knows it only by its terms."""
    if not query.translations:
        return np.zeros(len(passages), np.float32)
    texts = [fold(passage.searchable) for passage in passages]
    stands = np.array([one.stands_in_each(texts) for one in query.translations], np.bool_)
    return query.translated_share(stands.T)
