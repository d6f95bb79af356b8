"""Hits → citations: the sentences that best answer, word for word, each checked in its document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index import CitationError, Index, Passage, fold, terms
from qa.retriever import FloatArray, Query, similarities
from qa.types import Citation, Hit

BoolArray = npt.NDArray[np.bool_]

# Chosen on public question sets, like those of the retriever.
_LEXICAL_WEIGHT = 0.1
_LENGTH_COST = 0.005
_LONGEST = 3
_ENCODED = 3  # sentences of a passage, the best by the other evidence; all of them gain 1 %


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

    @property
    def total(self) -> float:
        """The evidence of passage and span together."""
        return self.hit.score + self.score


@dataclass(frozen=True, eq=False)
class _Sentences:
    """The evidence of every sentence of one hit.

    Attributes:
        texts: the sentences.
        late: best cosine to each question token, ``(sentences, question tokens)``.
        holds: which of the question's terms stand in it, ``(sentences, terms)``.
        promising: the sentences worth encoding by themselves.
    """

    texts: list[str]
    late: FloatArray
    holds: BoolArray
    promising: list[int]


def best_spans(index: Index, query: Query, hits: Sequence[Hit]) -> list[Span]:
    """Return the best span of each hit, in the order of the hits."""
    evidence = [_sentence_evidence(index, query, hit.passage) for hit in hits]
    # A sentence's own vector, not one pooled from its passage's tokens: those all speak of the
    # whole passage, which cost a fifth of the right sentences across languages.
    texts = [fold(of_hit.texts[row]) for of_hit in evidence for row in of_hit.promising]
    cosines = index.embedder.encode_passages(texts) @ query.vector
    parts = np.split(cosines, np.cumsum([len(of_hit.promising) for of_hit in evidence])[:-1])
    return [
        max(_spans(hit, query, of_hit, of_promising), key=lambda span: span.score)
        for hit, of_hit, of_promising in zip(hits, evidence, parts, strict=True)
    ]


def _sentence_evidence(index: Index, query: Query, passage: Passage) -> _Sentences:
    texts = [
        passage.text[s.start - passage.start : s.end - passage.start] for s in passage.sentences
    ]
    late = _late(index, query, passage)
    holds = _holds(query, texts)
    overall = _mean(late) + _LEXICAL_WEIGHT * _shares(query, holds)
    promising = np.sort(np.argsort(-overall, kind="stable")[:_ENCODED]).tolist()
    return _Sentences(texts, late, holds, promising)


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


def _holds(query: Query, texts: Sequence[str]) -> BoolArray:
    words = [set(terms(text)) for text in texts]
    held = [[term in of_one for term in query.terms] for of_one in words]
    return np.array(held, np.bool_).reshape(len(texts), len(query.terms))


def _mean(late: FloatArray) -> FloatArray:
    """Return the mean over the question's tokens; 0 for a question without tokens."""
    mean: FloatArray = late.sum(axis=1) / max(late.shape[1], 1)
    return mean


def _shares(query: Query, holds: BoolArray) -> FloatArray:
    """Return the share of the question's idf mass that each row of terms holds."""
    shares: FloatArray = (holds @ query.idf) / max(query.mass, 1e-9)
    return shares


def _spans(
    hit: Hit, query: Query, evidence: _Sentences, of_promising: FloatArray
) -> Iterator[Span]:
    """Yield every run of one to three sentences of a hit that holds a promising one."""
    dense = dict(zip(evidence.promising, of_promising.tolist(), strict=True))
    places = hit.passage.sentences
    for first in range(len(places)):
        for last in range(first, min(first + _LONGEST, len(places))):
            own = [dense[row] for row in range(first, last + 1) if row in dense]
            if own:
                yield _span(hit, query, evidence, (first, last), max(own))


def _span(hit: Hit, query: Query, evidence: _Sentences, run: tuple[int, int], dense: float) -> Span:
    first, last = run
    rows = slice(first, last + 1)
    late = float(_mean(evidence.late[rows].max(axis=0)[None])[0])
    held: BoolArray = np.logical_or.reduce(evidence.holds[rows], axis=0)
    lexical = float(_shares(query, held[None])[0])
    score = (dense + late) / 2 + _LEXICAL_WEIGHT * lexical - _LENGTH_COST * (last - first)
    places = hit.passage.sentences
    return Span(hit, places[first].start, places[last].end, dense, late, lexical, score)


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
