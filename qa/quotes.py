"""Candidates → citations: the sentences that answer best, word for word, each checked in place."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from index import CitationError, Index, Passage, fold, stands_in_each
from index import Span as Range
from qa.question_types import KINDS, asks_for_several, kinds_asked, kinds_held
from qa.retriever import BoolArray, Candidate, FloatArray, Query
from qa.stages import staged
from qa.types import Citation

_Number = TypeVar("_Number", bound=np.generic)

_LONGEST = 2
"""Sentences in a quote. The answer often stands beside the sentence that repeats the question."""
_READ, _SEVERAL_READ = 5, 8
# How near to the best score a further quote must come, and how many quotes there are at most.
_CITED = (1.0, 3)
_SEVERAL_CITED = (2.5, 5)


@dataclass(frozen=True)
class SpanEvidence:
    """What speaks for a run of sentences; each number grows with the likelihood of an answer.

    Attributes:
        passage: the score of the passage they stand in.
        sentence: cosine of the question and the best of the sentences, encoded by itself.
        sentences: mean of those cosines over the sentences.
        missed: minus the root mean square of what the question's tokens lack to their best in the
            passage. What the passage says first, it speaks of to the end: a token found there is
            not missed further down, where Chinese leaves the subject out.
        lexical: share of the question's idf mass that stands in them, 0 to 1, where a term weighs
            the less the more sentences of the passage hold it.
        translated: share of the idf of its English words that stand in them in Chinese, 0 to 1.
        number, date, person, place, reason, several: 1 when the question asks for such a thing and
            they hold one, else 0.
        phrase: the score of the likeliest phrase in them, where they were read.
    """

    passage: float
    sentence: float
    sentences: float
    missed: float
    lexical: float
    translated: float
    number: float
    date: float
    person: float
    place: float
    reason: float
    several: float
    phrase: float = 0.0


@dataclass(frozen=True)
class Span:
    """One or two consecutive sentences of a passage, with their evidence.

    Attributes:
        passage: the passage they stand in.
        start: first character in the document's text.
        end: one past the last character.
        evidence: what speaks for them.
        held: share of the question's idf mass whose terms stand in them, 0 to 1.
        score: the evidence weighed; higher is better, comparable between passages.
        answer: the phrase in it that answers, in offsets of the document's text, if any was read.
    """

    passage: Passage
    start: int
    end: int
    evidence: SpanEvidence
    held: float
    score: float
    answer: Range | None = None

    @property
    def text(self) -> str:
        """The words, as they stand in the document."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


@dataclass(frozen=True, eq=False)
class Sentences:
    """The evidence of every sentence of one passage.

    Attributes:
        folded: the sentences as search sees them.
        cosines: cosine of each, encoded by itself, to the question.
        late: best cosine to each question token, ``(sentences, question tokens)``.
        topic: the same for what speaks for the whole passage: headings and first sentence.
        holds: which of the question's terms stand in it, ``(sentences, terms)``.
        translated: which of its English words stand in it in Chinese, ``(sentences, words)``.
    """

    folded: list[str]
    cosines: FloatArray
    late: FloatArray
    topic: FloatArray
    holds: BoolArray
    translated: BoolArray


def read_for(question: str) -> int:
    """Return how many passages are read sentence by sentence.

    When several things are asked for, more are read than are cited: how far what is cited stands
    out is told by what is not.
    """
    return _SEVERAL_READ if asks_for_several(question) else _READ


@staged("quotes")
def find_spans(
    index: Index, query: Query, question: str, candidates: Sequence[Candidate]
) -> list[Span]:
    """Return every run of two sentences of the candidates, best first."""
    asked = kinds_asked(fold(question))
    spans = [
        span
        for candidate in candidates
        for span in _spans_of(candidate, query, asked, read_sentences(index, query, candidate))
    ]
    return sorted(score_spans(spans, query), key=span_order)


def score_spans(spans: Sequence[Span], query: Query) -> list[Span]:
    """Return spans with their evidence weighed, in the order given."""
    scores = query.weights.scores([span.evidence for span in spans], query.weights.span)
    scored = [replace(span, score=float(score)) for span, score in zip(spans, scores, strict=True)]
    return _prefer_antecedents(scored)


def span_order(span: Span) -> tuple[float, int, int]:
    """Return what spans are sorted by, best first; of equals, the one that stands first."""
    return -span.score, span.passage.id, span.start


_ANAPHOR = re.compile(
    "[“「『（(]?(?:其(?![他它中余次实间])|该|这(?!里)|此(?![外后前时间])|[他她它]们?|[前后两二]者|上述)"
)
_LONGEST_OPENING = 8  # characters that the pattern looks at, and some to spare
_NEARLY_AS_GOOD = 0.5


def _prefer_antecedents(spans: Sequence[Span]) -> list[Span]:
    """Lift what stands one sentence before a span that opens with 其, 该, 这 and is nearly as good.

    The quote then holds what the word stands for.
    """
    ordered = sorted(spans, key=lambda span: (span.passage.id, span.start))
    lifted = {}
    for before, after in pairwise(ordered):
        gained = after.score - before.score
        if before.passage.id != after.passage.id or not 0 <= gained <= _NEARLY_AS_GOOD:
            continue
        holds_answer = after.answer is None or before.answer == after.answer
        if holds_answer and _opens_with_anaphor(after) and not _opens_with_anaphor(before):
            lifted[id(before)] = replace(before, score=after.score)
    return [lifted.get(id(span), span) for span in spans]


def _opens_with_anaphor(span: Span) -> bool:
    start = span.start - span.passage.start
    return _ANAPHOR.match(fold(span.passage.text[start : start + _LONGEST_OPENING])) is not None


def worth_citing(spans: Sequence[Span], *, several: bool) -> list[Span]:
    """Return the best span and those nearly as good; more of them when several things are asked."""
    within, most = _SEVERAL_CITED if several else _CITED
    return [span for span in spans[:most] if span.score >= spans[0].score - within]


def best_of_each(ranked: Sequence[Span]) -> list[Span]:
    """Return the best span of each passage, best first; the spans are given best first."""
    best = {span.passage.id: span for span in reversed(ranked)}
    return sorted(best.values(), key=lambda span: (-span.score, span.passage.id))


def read_sentences(index: Index, query: Query, candidate: Candidate) -> Sentences:
    """Return the evidence of every sentence of a candidate."""
    passage = candidate.passage
    whole, offset = fold(passage.text), passage.start
    folded = [whole[one.start - offset : one.end - offset] for one in passage.sentences]
    late, topic = _late(candidate)
    return Sentences(
        folded=folded,
        cosines=index.sentence_vectors(passage.id) @ query.vector,
        late=late,
        topic=topic,
        holds=_table(folded, [stands_in_each(term, folded) for term in query.terms]),
        translated=_table(folded, [one.stands_in_each(folded) for one in query.translations]),
    )


def _late(candidate: Candidate) -> tuple[FloatArray, FloatArray]:
    """Return each sentence's best cosine to each question token, and the topic's."""
    starts = candidate.token_spans[:, 0]
    order = np.argsort(starts, kind="stable")  # in which they come anyway
    starts, similar = starts[order], candidate.similar[:, order]
    sentences = candidate.passage.sentences
    edges = np.searchsorted(starts, [(one.start, one.end) for one in sentences]).tolist()
    late = np.zeros((len(sentences), len(similar)), np.float32)
    for row, (first, end) in enumerate(edges):
        similar[:, first:end].max(axis=1, initial=0.0, out=late[row])
    topic: FloatArray = similar[:, : edges[0][1]].max(axis=1, initial=0.0)
    return late, topic


def _table(texts: Sequence[str], columns: Sequence[Sequence[bool]]) -> BoolArray:
    """Return which column holds for which text, ``(texts, columns)``."""
    held: BoolArray = np.array(columns, np.bool_).reshape(len(columns), len(texts)).T
    return held


def _spans_of(
    candidate: Candidate, query: Query, asked: Collection[str], sentences: Sentences
) -> Iterator[Span]:
    """Yield every run of two sentences of a passage, not scored yet; of a single one, that one."""
    passage = candidate.passage
    places = passage.sentences
    size = min(_LONGEST, len(places))
    for first, (share, *numbers) in enumerate(zip(*_of_runs(sentences, query, size), strict=True)):
        rows = slice(first, first + size)
        held = kinds_held(asked, "".join(sentences.folded[rows]))
        evidence = SpanEvidence(
            candidate.score, *numbers, **{kind: float(kind in held) for kind in KINDS}
        )
        yield Span(
            passage, places[first].start, places[first + size - 1].end, evidence, share, score=0.0
        )


def _of_runs(sentences: Sentences, query: Query, size: int) -> Iterator[list[float]]:
    """Yield of every run of ``size`` sentences: the share held, then the numbers of its evidence.

    Those are, in their order, ``sentence``, ``sentences``, ``missed``, ``lexical``, ``translated``.
    """
    holds = _over_runs(np.logical_or, sentences.holds, size)
    translated = _over_runs(np.logical_or, sentences.translated, size)
    found = np.maximum(_over_runs(np.maximum, sentences.late, size), sentences.topic)
    best = sentences.late.max(axis=0, initial=0.0)
    yield (holds @ query.idf / max(query.mass, 1e-9)).tolist()
    yield _over_runs(np.maximum, sentences.cosines, size).tolist()
    yield (_over_runs(np.add, sentences.cosines, size) / np.float32(size)).tolist()
    yield (-_root_mean_square(np.maximum(best - found, 0.0))).tolist()
    yield (holds @ _rarity(query, sentences.holds)).tolist()
    yield query.translated_share(translated).tolist()


def _over_runs(join: np.ufunc, rows: npt.NDArray[_Number], size: int) -> npt.NDArray[_Number]:
    """Join every ``size`` rows that follow one another, ``(rows - size + 1, …)``."""
    joined = rows
    for more in range(1, size):
        joined = join(joined[:-1], rows[more:])
    return joined


def _rarity(query: Query, holds: BoolArray) -> FloatArray:
    """Return what each term weighs within a passage: its idf there times that of the index."""
    count = holds.sum(axis=0)
    local = np.log1p((len(holds) - count + 0.5) / (count + 0.5))
    weights = query.idf * local
    rarity: FloatArray = (weights / max(float(weights.sum()), 1e-9)).astype(np.float32)
    return rarity


def _root_mean_square(rows: FloatArray) -> FloatArray:
    """Return that of each row; without numbers, 0."""
    squares: FloatArray = np.square(rows).sum(axis=1) / np.float32(max(1, rows.shape[1]))
    return np.sqrt(squares)


@staged("quotes")
def to_citation(index: Index, span: Span) -> Citation:
    """Return the span as a citation.

    Raises:
        CitationError: the quote is not a slice of the stored document.
    """
    passage = span.passage
    document = index.document(passage.document_id)
    quote = span.text
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
        answer_start=None if span.answer is None else span.answer.start,
        answer_end=None if span.answer is None else span.answer.end,
    )
