"""Hits → citations: the sentences that best answer, word for word, each checked in its document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from index import CitationError, Index, Passage, fold, terms
from qa.retriever import FloatArray, Query
from qa.types import Citation, Hit

LEXICAL_WEIGHT = 0.3
"""Weight of a span's lexical agreement beside its cosine."""
_LENGTH_COST = 0.01
_LONGEST = 3


@dataclass(frozen=True)
class Span:
    """One to three consecutive sentences of a hit, with their evidence.

    Attributes:
        hit: the passage they stand in.
        start: first character in the document's text.
        end: one past the last character.
        dense: cosine of the best sentence to the question.
        lexical: share of the question's idf mass whose terms stand in the span, 0 to 1.
        score: both fused, a little less for length.
    """

    hit: Hit
    start: int
    end: int
    dense: float
    lexical: float
    score: float


def best_spans(index: Index, query: Query, hits: Sequence[Hit]) -> list[Span]:
    """Return the best span of each hit, in the order of the hits."""
    sentences = [_sentence_texts(hit.passage) for hit in hits]
    vectors = index.embedder.encode_passages([fold(text) for texts in sentences for text in texts])
    cosines = vectors @ query.vector
    spans: list[Span] = []
    at = 0
    for hit, texts in zip(hits, sentences, strict=True):
        of_hit = cosines[at : at + len(texts)]
        at += len(texts)
        candidates = _spans(hit, of_hit, _term_matrix(query, texts), query)
        spans.append(max(candidates, key=lambda span: span.score))
    return spans


def _sentence_texts(passage: Passage) -> list[str]:
    return [
        passage.text[s.start - passage.start : s.end - passage.start] for s in passage.sentences
    ]


def _term_matrix(query: Query, texts: Sequence[str]) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Return which sentence holds which of the question's terms, bool ``(sentences, terms)``."""
    held = [set(terms(text)) for text in texts]
    return np.array([[term in words for term in query.terms] for words in held], np.bool_)


def _spans(
    hit: Hit,
    cosines: FloatArray,
    holds: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    query: Query,
) -> Iterator[Span]:
    places = hit.passage.sentences
    for first in range(len(places)):
        for last in range(first, min(first + _LONGEST, len(places))):
            dense = float(cosines[first : last + 1].max())
            covered = holds[first : last + 1].any(axis=0)
            lexical = float(query.idf[covered].sum()) / query.mass if query.terms else 0.0
            score = dense + LEXICAL_WEIGHT * lexical - _LENGTH_COST * (last - first)
            yield Span(hit, places[first].start, places[last].end, dense, lexical, score)


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
