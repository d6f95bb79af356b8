"""One question asked and judged."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from index import Index, Without, fold
from qa.answers import ask, conclude, read
from qa.conversation import in_context
from qa.evaluation.gold import Gold
from qa.evaluation.phrases import exact, f1
from qa.retriever import RERANKED
from qa.types import Answer, Citation

TOP_K = RERANKED
"""How many hits are asked for: asking for more would have more passages compared than usual."""
_MOST_SENTENCES = 2  # a longer quote is not counted as an answer


@dataclass(frozen=True)
class Outcome:
    """What one question gave.

    Attributes:
        id: the question's id in its file.
        rank: rank of the first hit that counts; None when there is none among the hits.
        confidence: with the documents that hold the answer present.
        is_answered: whether it was answered then.
        is_first_right: answered, and the first quote holds the answer in at most two sentences.
        is_any_right: answered, and any of the quotes does.
        is_best_right: what would be quoted first if nothing were refused does.
        first_quote_characters: length of the first quote; None when refused.
        is_exact: the phrase marked in the first quote, or without one the quote, is an accepted
            answer.
        f1: of the same, over characters, 0 to 1; 0 when refused.
        is_exact_unread: the same of the quote that is given without a reader.
        f1_unread: the same.
        not_verbatim: quotes that do not stand in their document where they say.
        seconds: how long ``ask`` took.
        confidence_removed: with the documents that hold the answer hidden; None when that cannot be
            said, because none is known to hold it or nothing else is indexed.
        is_answered_removed: whether it was answered then.
        is_changed: whether it is taken for a follow-up when it is asked after the question before
            it in the file, though it stands alone; None when there is no other question.
    """

    id: str
    rank: int | None
    confidence: float
    is_answered: bool
    is_first_right: bool
    is_any_right: bool
    is_best_right: bool
    first_quote_characters: int | None
    is_exact: bool
    f1: float
    is_exact_unread: bool
    f1_unread: float
    not_verbatim: int
    seconds: float
    confidence_removed: float | None
    is_answered_removed: bool | None
    is_changed: bool | None = None


def ask_one(gold: Gold, opened: Index, other: str | None = None) -> Outcome:
    """Ask a question with the documents that hold its answer, and once more without them.

    Args:
        gold: the question.
        opened: the index.
        other: a question that is asked before it, to see whether the rules for follow-ups leave
            it alone; None = there is none.
    """
    text = gold.question.text
    started = time.perf_counter()
    answer = ask(text, index=opened, top_k=TOP_K)
    seconds = time.perf_counter() - started
    right = [_answers(citation, gold) for citation in answer.citations]
    best = _unrefused(answer, opened)
    removed = _ask_without(gold, opened)
    quote = answer.citations[0].quote if answer.citations else ""
    phrase = fold(answer.citations[0].answer or quote) if quote else ""
    unread = _unread(answer, opened)
    return Outcome(
        id=gold.question.id,
        rank=gold.rank(answer),
        confidence=answer.confidence,
        is_answered=answer.status == "answered",
        is_first_right=any(right[:1]),
        is_any_right=any(right),
        is_best_right=any(_answers(citation, gold) for citation in best[:1]),
        first_quote_characters=len(quote) or None,
        is_exact=_is_exact(phrase, gold),
        f1=_best_f1(phrase, gold),
        is_exact_unread=_is_exact(unread, gold),
        f1_unread=_best_f1(unread, gold),
        not_verbatim=sum(not _is_verbatim(citation) for citation in answer.citations),
        seconds=seconds,
        confidence_removed=removed.confidence if removed else None,
        is_answered_removed=removed.status == "answered" if removed else None,
        is_changed=None if other is None else in_context(text, [other]) != text,
    )


def _unrefused(answer: Answer, opened: Index) -> Sequence[Citation]:
    """Return the quotes, also those that were too uncertain to be given."""
    if answer.citations:
        return answer.citations
    readings = read(opened, answer.question, TOP_K)
    return conclude(answer.question, readings, TOP_K, at_least=0.0).citations


def _ask_without(gold: Gold, opened: Index) -> Answer | None:
    if not gold.documents:
        return None
    others = Without(opened, gold.documents)
    return ask(gold.question.text, index=others, top_k=TOP_K) if len(others) else None


def _answers(citation: Citation, gold: Gold) -> bool:
    sentences = [s for s in citation.passage.sentences if citation.start <= s.start < citation.end]
    return len(sentences) <= _MOST_SENTENCES and gold.is_in(citation.quote)


def _unread(answer: Answer, opened: Index) -> str:
    """Return the first quote that is given without a reader, folded; empty when refused."""
    if opened.embedder.can_read:
        answer = ask(answer.question, index=opened, top_k=TOP_K, reader=False)
    return fold(answer.citations[0].quote) if answer.citations else ""


def _is_exact(folded: str, gold: Gold) -> bool:
    return bool(folded) and any(exact(folded, one) for one in gold.expected)


def _best_f1(folded: str, gold: Gold) -> float:
    return max((f1(folded, one) for one in gold.expected), default=0.0) if folded else 0.0


def _is_verbatim(citation: Citation) -> bool:
    return citation.document.text[citation.start : citation.end] == citation.quote
