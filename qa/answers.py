"""A question → a verified, quoted answer: the whole way on one screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index import Index, QuestionError, clean_question, fold, place_names
from qa.confidence import ANSWERED_FROM, confidence_of
from qa.facets import facets
from qa.indexes import shared_index
from qa.language import language_of
from qa.quotes import Span, best_spans, to_citation
from qa.retriever import RERANKED, Candidate, find_candidates, to_query
from qa.types import Answer, Hit

_LONGEST_QUESTION = 1000
_READ = 5  # how many passages are read sentence by sentence
_CITED_WITHIN = 0.05  # a further quote must come this near to the best one
_MOST_CITED = 3


def retrieve(
    question: str, *, top_k: int = 5, index: str | Path | Index | None = None
) -> list[Hit]:
    """Return the passages closest to a question, best first.

    Args:
        question: in Simplified or Traditional Chinese, English, or a mixture.
        top_k: how many at most.
        index: an index folder or an opened index; None = the default index, which is built from the
            bundled report on first use.

    Raises:
        QuestionError: the question is empty or too long, or top_k is below 1.
        IndexNotFoundError: the folder named holds no index.
    """
    text = clean_question(_checked(question, top_k))
    opened = shared_index(index)
    return _hits(opened, find_candidates(opened, to_query(opened, text), top_k))


def ask(question: str, *, index: str | Path | Index | None = None, top_k: int = 5) -> Answer:
    """Answer a question with verbatim quotes, or say that the documents hold no answer.

    Args:
        question: in Simplified or Traditional Chinese, English, or a mixture.
        index: an index folder or an opened index; None = the default index, which is built from the
            bundled report on first use.
        top_k: how many of the closest passages to return beside the quotes.

    Raises:
        QuestionError: the question is empty or too long, or top_k is below 1.
        IndexNotFoundError: the folder named holds no index.
        CitationError: a quote does not stand where the index says.
    """
    typed = _checked(question, top_k)
    text = clean_question(typed)
    opened = shared_index(index)
    whole = _read(opened, text, top_k)
    readings = [whole]
    each = facets(text)
    if len(each) > 1 and not _covers(whole, place_names(text)):
        readings = [_read(opened, facet, top_k) for facet in each]
    confident = [reading for reading in readings if reading.confidence >= ANSWERED_FROM]
    return Answer(
        question=typed,
        language=language_of(text),
        status="answered" if confident else "not_found",
        confidence=min((r.confidence for r in confident), default=whole.confidence),
        citations=[to_citation(span) for span in _worth_citing(confident)],
        hits=whole.hits[:top_k],
    )


@dataclass(frozen=True)
class _Reading:
    """What was found for a question: hits, the best span of each, and how likely they answer."""

    hits: list[Hit]
    spans: list[Span]
    confidence: float


def _read(index: Index, question: str, top_k: int) -> _Reading:
    query = to_query(index, question)
    candidates = find_candidates(index, query, max(top_k, RERANKED))
    hits = _hits(index, candidates[: max(top_k, _READ)])
    spans = sorted(best_spans(index, query, hits[:_READ]), key=lambda s: (-s.total, s.hit.rank))
    return _Reading(hits, spans, confidence_of(question, query, candidates, spans))


def _covers(reading: _Reading, places: list[str]) -> bool:
    """Return whether the passage of the best span speaks of all the places."""
    searched = fold(reading.spans[0].hit.passage.searchable) if reading.spans else ""
    return all(place in searched for place in places)


def _checked(question: str, top_k: int) -> str:
    # A command line may hand on bytes that are no UTF-8 as lone surrogates.
    text = question.encode("utf-8", "replace").decode("utf-8").strip()
    if len(text) > _LONGEST_QUESTION:
        raise QuestionError(
            f"The question has {len(text):,} characters, at most {_LONGEST_QUESTION:,} are read. "
            "Ask something shorter."
        )
    if not clean_question(text):
        raise QuestionError("The question is empty. Type a question.")
    if top_k < 1:
        raise QuestionError(f"top_k is {top_k}. Ask for at least 1 passage.")
    return text


def _hits(index: Index, candidates: Sequence[Candidate]) -> list[Hit]:
    passages = index.get_passages([candidate.passage_id for candidate in candidates])
    return [
        Hit(rank, candidate.score, passage, index.document(passage.document_id))
        for rank, (candidate, passage) in enumerate(zip(candidates, passages, strict=True), start=1)
    ]


def _worth_citing(readings: Sequence[_Reading]) -> list[Span]:
    """Return the best span of each reading; of a single one also those nearly as good."""
    if len(readings) == 1:
        spans = readings[0].spans
        return [s for s in spans if s.total >= spans[0].total - _CITED_WITHIN][:_MOST_CITED]
    best = {(r.spans[0].hit.passage.id, r.spans[0].start): r.spans[0] for r in readings}
    return list(best.values())
