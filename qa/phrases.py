"""The phrase that answers inside the runs of sentences found: read by the bundled reader, whole.

Of the best passages the best run is read, with the sentences around it as far as they fit
(``index/phrases.py``). What was read counts for the runs it stands in: which are then weighed anew,
with weights of their own.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from index import Index, Phrase, Shown, fold, words
from index import Span as Range
from qa.question_types import NUMERAL, UNITS, asks_for_several
from qa.quotes import Span, best_of_each, score_spans, span_order
from qa.retriever import Query
from qa.stages import stage
from qa.weights import weights_for

_READ = 3
"""Passages. Five in place of three change no figure, and take two thirds longer."""
_NAMES = ("nr", "ns", "nt", "nz", "?")
_ATOM = re.compile(rf"{NUMERAL}[十百千万亿]*(?:{UNITS})?|[a-z0-9][a-z0-9.,'_-]*[a-z0-9]")
_JOINED = "·"  # 马丁·路德

Found = Mapping[tuple[int, int], Phrase]
"""Phrases by passage and by the start of their sentence; all offsets are the document's."""


READER = "YINZHENG_READER"
"""The setting that turns the reader off in every process that has it: ``off``."""


def is_wanted() -> bool:
    """Return whether phrases are looked for at all."""
    return os.environ.get(READER, "").strip().lower() != "off"


def read_phrases(
    index: Index, query: Query, question: str, spans: Sequence[Span]
) -> tuple[Query, list[Span]]:
    """Return spans with the phrase that answers in each, best first, and the question as weighed.

    As they are where the index's model has no reader. Where several things are asked for, what is
    likelier an answer than none is marked, and does not count: that one is likely in one passage
    says nothing of the others.

    Args:
        index: that is asked.
        query: the question as retrieval saw it.
        question: cleaned.
        spans: every run of sentences of the best passages, best first.
    """
    if not (spans and index.embedder.can_read):
        return query, list(spans)
    best = best_of_each(spans)[:_READ]
    with stage("phrases"):
        read = index.embedder.read_phrases(fold(question), [_shown(span) for span in best])
    found = dict(_by_sentence(best, read))
    lowest = min((phrase.score for phrase in found.values()), default=0.0)
    marked = [_with_phrase(span, found, lowest) for span in spans]
    if asks_for_several(question):
        likely = [one.answer if one.evidence.phrase > 0 else None for one in marked]
        pairs = zip(spans, likely, strict=True)
        return query, [replace(span, answer=answer) for span, answer in pairs]
    weights = weights_for(index.embedder.name, index.embedder.revision, has_read=True)
    query = replace(query, weights=weights)
    return query, sorted(score_spans(marked, query), key=span_order)


def _shown(span: Span) -> Shown:
    passage = span.passage
    offset = passage.start
    sentences = [Range(one.start - offset, one.end - offset) for one in passage.sentences]
    inside = [at for at, one in enumerate(passage.sentences) if _holds(span, one)]
    return Shown(fold(passage.text), sentences, inside[0], inside[-1] + 1)


def _holds(span: Span, sentence: Range) -> bool:
    return span.start <= sentence.start and sentence.end <= span.end


def _by_sentence(
    spans: Sequence[Span], read: Sequence[Sequence[Phrase | None]]
) -> Iterator[tuple[tuple[int, int], Phrase]]:
    for span, phrases in zip(spans, read, strict=True):
        passage = span.passage
        for sentence, phrase in zip(passage.sentences, phrases, strict=True):
            if phrase is not None:
                moved = Phrase(
                    phrase.start + passage.start, phrase.end + passage.start, phrase.score
                )
                yield (passage.id, sentence.start), moved


def _with_phrase(span: Span, found: Found, lowest: float) -> Span:
    """Return a span with the best phrase of its sentences; one that was not read has the lowest."""
    held = [(span.passage.id, one.start) for one in span.passage.sentences if _holds(span, one)]
    inside = [found[place] for place in held if place in found]
    best = max(inside, key=lambda phrase: phrase.score, default=None)
    evidence = replace(span.evidence, phrase=lowest if best is None else best.score)
    if best is None:
        return replace(span, evidence=evidence)
    return replace(span, evidence=evidence, answer=_whole(span, best))


def _whole(span: Span, phrase: Phrase) -> Range:
    offset = span.passage.start
    text = fold(span.passage.text)
    start, end = whole(text, phrase.start - offset, phrase.end - offset)
    return Range(max(span.start, start + offset), min(span.end, end + offset))


def whole(folded: str, start: int, end: int) -> tuple[int, int]:
    """Return a phrase grown to what it would cut in half: quantities, names, Latin words.

    Args:
        folded: the text it stands in.
        start: its first character.
        end: one past the last.
    """
    for first, stop in _atoms(folded):
        if first < start < stop:
            start = first
        if first < end < stop:
            end = stop
    return start, end


def _atoms(folded: str) -> list[tuple[int, int]]:
    """Return what is never cut in half, in order; names joined by a dot are one.

    What is no word of the dictionary may be a name; where a quantity ends in it, it is none.
    """
    exact = [match.span() for match in _ATOM.finditer(folded)]
    taken = {at for start, end in exact for at in range(start, end)}
    names: list[tuple[int, int]] = []
    for word in words(folded):
        if not taken.isdisjoint(range(word.start, word.end)):
            continue
        if names and folded[names[-1][1] : word.start] == _JOINED:
            names[-1] = (names[-1][0], word.end)
        elif word.tag in _NAMES or folded[word.end : word.end + 1] == _JOINED:
            names.append((word.start, word.end))
    return sorted([*exact, *names])
