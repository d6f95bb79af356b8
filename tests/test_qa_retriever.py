"""Retrieval against the same thing done the plain way."""

import numpy as np
import pytest

from index import Index, fold, terms
from qa import retrieve
from qa.retriever import find_candidates, to_query


def plain_maxsim(index: Index, question: str, passage_id: int) -> float:
    """Mean over the question's tokens of the best cosine to a token of the passage."""
    tokens = index.embedder.encode_query_tokens(fold(question)).tokens.vectors
    passage = index.token_vectors(passage_id).vectors
    return float(np.mean([max(float(t @ p) for p in passage) for t in tokens]))


@pytest.mark.parametrize("question", ["三端五防線", "How many measures?", "吗"])
def test_scores_are_late_interaction_and_bm25(report_index: Index, question: str) -> None:
    query = to_query(report_index, question)
    found = terms(question)
    mass = sum(report_index.idf(term) for term in dict.fromkeys(found))
    known = sum(report_index.idf(t) for t in dict.fromkeys(found) if report_index.frequency(t))
    bm25 = {hit.passage_id: hit.score for hit in report_index.search_lexical(found, 15)}
    candidates = find_candidates(report_index, query, 15)
    assert sorted(c.passage_id for c in candidates) == list(range(15))
    for candidate in candidates:
        late = plain_maxsim(report_index, question, candidate.passage_id)
        share = (known / mass) * bm25.get(candidate.passage_id, 0.0) / (2.2 * mass) if mass else 0
        assert candidate.late == pytest.approx(late, abs=1e-4)
        assert candidate.lexical == pytest.approx(share, abs=1e-4)
        assert candidate.score == pytest.approx(late + 0.3 * share, abs=1e-4)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)


def test_coverage_tells_how_much_of_the_question_the_index_knows(report_index: Index) -> None:
    assert to_query(report_index, "訴源治理模式").coverage == pytest.approx(1.0)
    assert to_query(report_index, "photosynthesis in plants").coverage == 0.0
    assert 0.2 < to_query(report_index, "訴源治理 photosynthesis").coverage < 0.95


def test_both_scripts_and_widths_find_the_same(report_index: Index) -> None:
    hits = [
        [(hit.rank, hit.passage.id, round(hit.score, 5)) for hit in retrieve(q, index=report_index)]
        for q in ("烏海市２０２２年", "乌海市2022年", "烏海市2022年")
    ]
    assert hits[0] == hits[1] == hits[2]


def test_hits_are_ranked_slices(report_index: Index) -> None:
    hits = retrieve("家庭教育指導服務站有多少個", top_k=7, index=report_index)
    assert [hit.rank for hit in hits] == list(range(1, 8))
    assert "191個" in hits[0].passage.text
    for hit in hits:
        passage = hit.passage
        assert hit.document.text[passage.start : passage.end] == passage.text
        assert passage.headings[0] == hit.document.title


def test_more_than_there_are_gives_all(report_index: Index) -> None:
    assert len(retrieve("烏海", top_k=1000, index=report_index)) == 15
