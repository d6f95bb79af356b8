"""The weights of all evidence, fitted on question sets; writes ``qa/data/weights.json``.

Three fits, each on what the one before it gives: of passages and of runs of sentences by the
likelihood that the highest score goes to one that answers (a softmax over those of the same
question), of the confidence by logistic regression, every question once with its paragraph present
and once with it taken away. Each set counts as much as any other, however many questions it has.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index import Index
from qa.answers import READ
from qa.evaluation.gold import Gold
from qa.quotes import Span, find_spans
from qa.retriever import Candidate, Query, find_candidates, to_query

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One question asked of one index.

    Attributes:
        gold: the question and its answers.
        query: as retrieval saw it.
        candidates: the passages compared with it.
        spans: every run of sentences in the best of them, best first.
        is_gold: which candidates are of the document that answers.
        answers: which spans hold an answer.
    """

    gold: Gold
    query: Query
    candidates: list[Candidate]
    spans: list[Span]
    is_gold: npt.NDArray[np.bool_]
    answers: npt.NDArray[np.bool_]


def sample(opened: Index, gold: Gold) -> Sample:
    """Ask a question and keep all evidence."""
    text = gold.question.text
    query = to_query(opened, text)
    candidates = find_candidates(opened, query, 30)
    spans = find_spans(opened, query, text, candidates[:READ])
    return Sample(
        gold,
        query,
        candidates,
        spans,
        np.array([c.passage.document_id in gold.documents for c in candidates], np.bool_),
        np.array(
            [
                gold.is_in(opened.document(s.passage.document_id).text[s.start : s.end])
                for s in spans
            ],
            np.bool_,
        ),
    )
