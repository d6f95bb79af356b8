"""A question → a verified, quoted answer: the whole way on one screen."""

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from index import (
    Index,
    IndexPlace,
    Passage,
    QuestionError,
    clean_question,
    find_words,
    fold,
    script_of,
)
from qa.confidence import THRESHOLDS, confidence_of
from qa.conversation import in_context
from qa.facets import facets, named_places
from qa.framing import answer_text, is_small_talk, small_talk_text
from qa.indexes import shared_index
from qa.language import language_of
from qa.marks import marks_of, typical_best
from qa.mentions import names_put_in, speaks_of
from qa.phrases import is_wanted, read_phrases
from qa.question_types import asks_for_several
from qa.quotes import (
    Span,
    best_of_each,
    find_spans,
    read_for,
    to_citation,
    worth_citing,
)
from qa.repeats import with_repeats
from qa.retriever import RERANKED, Candidate, Query, encode, find_candidates, to_query
from qa.stages import stage
from qa.types import Answer, Citation, Hit, Language, Place, Strictness

if TYPE_CHECKING:
    from index import Encoded

_LONGEST_QUESTION = 1000
_AT_ONCE = 2
# Questions are encoded together, but all the rest is Python's own work, of which only one thread
# does any at a time: 32 threads that wrangle for it took 21 ms a question, two 18.
_turns = threading.Semaphore(_AT_ONCE)


def retrieve(
    question: str,
    *,
    top_k: int = 5,
    index: str | IndexPlace | Index | None = None,
    reader: bool = True,
) -> list[Hit]:
    """Return the passages closest to a question, best first.

    Args:
        question: in Simplified or Traditional Chinese, English, or a mixture.
        top_k: how many at most.
        index: an index folder, an address on a Milvus server, or an opened index; None = the
            default index, which is built from the bundled report on first use.
        reader: whether phrases that answer are looked for and count for the order, as in ``ask``.

    Raises:
        QuestionError: the question is empty or too long, or top_k is below 1.
        IndexNotFoundError: the folder named holds no index.
    """
    text = clean_question(_checked(question, top_k))
    return _read(shared_index(index), text, top_k, reader=reader).hits[:top_k]


def ask(
    question: str,
    *,
    index: str | IndexPlace | Index | None = None,
    top_k: int = 5,
    strictness: Strictness = "balanced",
    earlier: Sequence[str] = (),
    reader: bool = True,
) -> Answer:
    """Answer a question with verbatim quotes, or say that the documents hold no answer.

    Args:
        question: in Simplified or Traditional Chinese, English, or a mixture.
        index: an index folder, an address on a Milvus server, or an opened index; None = the
            default index, which is built from the bundled report on first use.
        top_k: how many of the closest passages to return beside the quotes.
        strictness: how sure an answer must be; ``strict`` refuses more and errs less.
        earlier: the questions asked before in the same conversation, oldest first: a follow-up is
            completed from them, and ``Answer.searched`` says what was searched for.
        reader: whether the phrase that answers is looked for in the quotes, where the index's model
            has a reader and ``YINZHENG_READER`` is not ``off``.

    Raises:
        QuestionError: the question is empty or too long, top_k is below 1, or there is no such
            strictness.
        IndexNotFoundError: the folder named holds no index.
        CitationError: a quote does not stand where the index says.
    """
    text = _checked(question, top_k)
    if strictness not in get_args(Strictness):
        known = ", ".join(get_args(Strictness))
        raise QuestionError(f"There is no strictness {strictness!r}. Choose one of: {known}.")
    searched = in_context(text, earlier)
    names = names_put_in(clean_question(text), searched)
    readings = read(shared_index(index), searched, top_k, names, reader=reader)
    answer = conclude(
        searched, readings, top_k, strictness=strictness, language=_language(text, searched)
    )
    return replace(answer, question=text)


def read(
    index: Index, question: str, top_k: int, names: Sequence[str] = (), *, reader: bool = True
) -> "list[Reading]":
    """Return what was found for a question; then, if it must be asked of each place, for each.

    Args:
        index: that is asked.
        question: complete.
        top_k: how many of the closest passages to return.
        names: of which a passage has to speak to be quoted; without any, of nothing.
        reader: whether phrases that answer are looked for.
    """
    cleaned = clean_question(question)
    whole = _read(index, cleaned, top_k, names, reader=reader)
    each = facets(cleaned)
    if len(each) > 1 and not _covers(whole, named_places(cleaned).values()):
        named = [[name for name in names if fold(name) in fold(facet)] for facet in each]
        parts = zip(each, named, strict=True)
        return [whole, *(_read(index, part, top_k, own, reader=reader) for part, own in parts)]
    return [whole]


def conclude(
    text: str,
    readings: "Sequence[Reading]",
    top_k: int,
    *,
    strictness: Strictness = "balanced",
    at_least: float | None = None,
    language: Language | None = None,
) -> Answer:
    """Return the answer that the readings of a question give.

    Args:
        text: the question.
        readings: what was found for the whole question, then for its parts, if any.
        top_k: how many of the closest passages to return.
        strictness: how sure an answer must be.
        at_least: the lowest confidence answered, in place of what the strictness says.
        language: of the words around the quotes; None = the question's.
    """
    whole, parts = readings[0], readings[1:] or readings
    lowest = THRESHOLDS[strictness] if at_least is None else at_least
    small_talk = is_small_talk(text)
    confident = [r for r in parts if r.confidence >= lowest and r.citations and not small_talk]
    citations = _cited(confident)
    language = language or language_of(clean_question(text))
    return Answer(
        question=text,
        searched=text,
        language=language,
        status="answered" if confident else "not_found",
        confidence=min((r.confidence for r in confident), default=whole.confidence),
        citations=citations,
        hits=whole.hits[:top_k],
        strictness=strictness,
        text=small_talk_text(language) if small_talk else answer_text(language, citations),
        is_small_talk=small_talk,
    )


@dataclass(frozen=True)
class Reading:
    """What was found for a question.

    Attributes:
        hits: the closest passages, as many as were asked for or read.
        spans: the best span of each of the passages read, best first.
        citations: the best of them, quoted; not yet judged sure enough to be shown.
        confidence: how likely the first one answers.
    """

    hits: list[Hit]
    spans: list[Span]
    citations: list[Citation]
    confidence: float


def _read(
    index: Index, question: str, top_k: int, names: Sequence[str] = (), *, reader: bool = True
) -> Reading:
    encoded = encode(index, question)
    with stage("wait"):
        _turns.acquire()
    try:
        return _read_encoded(index, question, encoded, top_k, names, reader=reader)
    finally:
        _turns.release()


def _read_encoded(
    index: Index,
    question: str,
    encoded: "Encoded",
    top_k: int,
    names: Sequence[str],
    *,
    reader: bool,
) -> Reading:
    query = to_query(index, question, encoded)
    candidates = find_candidates(index, query, max(top_k, RERANKED))
    quotable = [one for one in candidates if not names or _speaks_of(index, one, names)]
    known = {one.passage.id for one in quotable}
    # Only what may be quoted is read; the rest is shown as close, behind it.
    candidates = quotable + [one for one in candidates if one.passage.id not in known]
    several = asks_for_several(question)
    runs = find_spans(index, query, question, quotable[: read_for(question)])
    if reader and is_wanted():
        query, runs = read_phrases(index, query, question, runs)
    spans = best_of_each(runs)
    ranked = _ranked(query, candidates, spans)
    hits = with_repeats(index, _hits(index, ranked[: max(top_k, len(spans))]))
    typical = typical_best(candidates)
    quoted = _without_repeats(
        replace(to_citation(index, span), marks=marks_of(span, candidates, typical))
        for span in worth_citing(spans, several=several)
    )
    others = [passage for passage, _ in ranked[len(hits) :]]
    citations = [replace(one, also_in=_elsewhere(index, one, hits, others)) for one in quoted]
    return Reading(hits, spans, citations, confidence_of(question, query, candidates, spans))


def _speaks_of(index: Index, candidate: Candidate, names: Sequence[str]) -> bool:
    passage = candidate.passage
    title = index.document(passage.document_id).title
    return speaks_of(fold(f"{title}\n{passage.searchable}"), names)


def _ranked(
    query: Query, candidates: Sequence[Candidate], spans: Sequence[Span]
) -> list[tuple[Passage, float]]:
    """Return passages and scores: those read by their best span, then the others as they came."""
    if not spans:
        return [(one.passage, one.score) for one in candidates]
    ranked = [(span.passage, span.score) for span in spans]
    read, others = candidates[: len(spans)], candidates[len(spans) :]
    weight = query.weights.span["passage"]
    for other in others:  # below what was read by as much as the passage itself is
        below = weight * (read[-1].score - other.score)
        ranked.append((other.passage, spans[-1].score - below))
    return ranked


def _hits(index: Index, ranked: Sequence[tuple[Passage, float]]) -> list[Hit]:
    return [
        Hit(rank, score, passage, index.document(passage.document_id))
        for rank, (passage, score) in enumerate(ranked, start=1)
    ]


def _without_repeats(citations: Iterable[Citation]) -> list[Citation]:
    """Leave out quotes that say no more than one before them, whatever the script and marks."""
    kept: list[Citation] = []
    for citation in citations:
        if not any(find_words(citation.quote, other.quote) for other in kept):
            kept.append(citation)
    return kept


def _elsewhere(
    index: Index, citation: Citation, hits: Sequence[Hit], others: Sequence[Passage]
) -> tuple[Place, ...]:
    """Return where else the words of a quote are.

    Looked at are the hits, the passages behind them, and where the hits stand again.
    """
    passages = [*(hit.passage for hit in hits), *others]
    texts = [(one.document_id, one.start, one.text) for one in passages]
    for place in (place for hit in hits for place in hit.also_in):
        words = place.document.text[place.start : place.end]
        texts.append((place.document.id, place.start, words))
    places: dict[tuple[str, int], Place] = {}
    for document_id, start, text in texts:
        found = find_words(citation.quote, text)
        if found is not None:
            at, end = start + found.start, start + found.end
            places.setdefault((document_id, at), Place(index.document(document_id), at, end))
    places.pop((citation.document.id, citation.start), None)
    return tuple(places.values())


def _language(question: str, searched: str) -> Language:
    """Return the language of a question; of a follow-up alike in both scripts, what it stands for.

    那包頭呢？ after a question in Simplified characters is answered in Traditional ones.
    """
    cleaned = clean_question(question)
    if question == searched or script_of(cleaned) is not None:
        return language_of(cleaned)
    own, whole = language_of(cleaned), language_of(clean_question(searched))
    return own if "en" in (own, whole) else whole


def _covers(reading: Reading, places: Iterable[Collection[str]]) -> bool:
    """Return whether the passage of the best span speaks of all places, by any of their names."""
    searched = fold(reading.spans[0].passage.searchable) if reading.spans else ""
    return all(any(name in searched for name in names) for names in places)


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


def _cited(readings: Sequence[Reading]) -> list[Citation]:
    """Return the quotes of a reading; of several, which answer a part each, the best of each."""
    if len(readings) == 1:
        return readings[0].citations
    return _without_repeats(reading.citations[0] for reading in readings)
