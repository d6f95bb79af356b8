"""Hits → citations: the sentences that best answer, word for word, each checked in its document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index import CitationError, Index, Passage, fold, terms
from qa.retriever import FloatArray, Query, similarities
from qa.types import Citation, Hit

# Chosen on public question sets, like those of the retriever.
_LEXICAL_WEIGHT = 0.1
_LENGTH_COST = 0.005
_LONGEST = 3


@dataclass(frozen=True)
class Span:
    """One to three consecutive sentences of a hit, with their evidence.

    Attributes:
        hit: the passage they stand in.
        start: first character in the document's text.
        end: one past the last character.
        dense: cosine of the best sentence, encoded by itself, to the question.
        late: mean MaxSim of the question's tokens over the span's tokens.
        lexical: share of the question's idf mass whose terms stand in the span, 0 to 1.
        score: all three fused, a little less for length.
    """

    hit: Hit
    start: int
    end: int
    dense: float
    late: float
    lexical: float
    score: float


@dataclass(frozen=True)
class _Sentences:
    """The evidence of every sentence of one hit.

    Attributes:
        dense: cosine to the question, ``(sentences,)``.
        late: best cosine to each question token, ``(sentences, question tokens)``.
        holds: which of the question's terms stand in it, ``(sentences, terms)``.
    """

    dense: FloatArray
    late: FloatArray
    holds: npt.NDArray[np.bool_]


def best_spans(index: Index, query: Query, hits: Sequence[Hit]) -> list[Span]:
    """Return the best span of each hit, in the order of the hits."""
    texts = [_sentence_texts(hit.passage) for hit in hits]
    # A sentence's own vector, not one pooled from its passage's tokens: those all speak of the
    # whole passage, which cost a fifth of the right sentences across languages.
    vectors = index.embedder.encode_passages([fold(text) for of_hit in texts for text in of_hit])
    cosines = np.split(vectors @ query.vector, np.cumsum([len(of_hit) for of_hit in texts])[:-1])
    return [
        max(_spans(hit, query, evidence), key=lambda span: span.score)
        for hit, evidence in (
            (hit, _Sentences(dense, _late(index, query, hit.passage), _holds(query, of_hit)))
            for hit, of_hit, dense in zip(hits, texts, cosines, strict=True)
        )
    ]


def _sentence_texts(passage: Passage) -> list[str]:
    return [
        passage.text[s.start - passage.start : s.end - passage.start] for s in passage.sentences
    ]


def _late(index: Index, query: Query, passage: Passage) -> FloatArray:
    tokens = index.token_vectors(passage.id)
    similar = similarities(query, tokens)
    # Token offsets count from the headings, which are searched with the passage, on.
    starts = tokens.spans[:, 0] - passage.searchable_offset + passage.start
    late = np.zeros((len(passage.sentences), len(query.tokens.vectors)), np.float32)
    for row, sentence in enumerate(passage.sentences):
        inside = (sentence.start <= starts) & (starts < sentence.end)
        if inside.any():
            late[row] = similar[:, inside].max(axis=1)
    return late


def _holds(query: Query, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    words = [set(terms(text)) for text in texts]
    held = [[term in of_one for term in query.terms] for of_one in words]
    return np.array(held, np.bool_).reshape(len(texts), len(query.terms))


def _spans(hit: Hit, query: Query, evidence: _Sentences) -> Iterator[Span]:
    """Yield every run of one to three sentences of a hit."""
    places = hit.passage.sentences
    for first in range(len(places)):
        for last in range(first, min(first + _LONGEST, len(places))):
            run = slice(first, last + 1)
            dense = float(evidence.dense[run].max())
            late = evidence.late[run].max(axis=0)
            late_mean = float(late.mean()) if late.size else dense
            held = evidence.holds[run].any(axis=0)
            lexical = float(query.idf[held].sum()) / query.mass if query.terms else 0.0
            score = (dense + late_mean) / 2 + _LEXICAL_WEIGHT * lexical
            score -= _LENGTH_COST * (last - first)
            start, end = places[first].start, places[last].end
            yield Span(hit, start, end, dense, late_mean, lexical, score)


def to_citation(span: Span) -> Citation:
    """Return the span as a citation.

    Raises:
        CitationError: the quote is not a slice of the stored document.
    """
    document, passage = span.hit.document, span.hit.passage
    quote = passage.text[span.start - passage.start : span.end - passage.start]
    if not quote or document.text[span.start : span.end] != quote:
        raise CitationError(
            f"Passage {passage.id} does not stand in {document.title} where the index says. "
            "Check the index: python -m index verify"
        )
    return Citation(
        quote=quote,
        document=document,
        start=span.start,
        end=span.end,
        page=passage.page,
        headings=passage.headings,
        score=span.score,
        passage=passage,
    )
