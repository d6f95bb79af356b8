"""Retrieval against the same thing done the plain way."""

import numpy as np
import pytest

from index import Index, fold, lookup_terms, terms, translations
from qa import retrieve
from qa.retriever import Candidate, find_candidates, to_query


def plain_token_best(index: Index, question: str, passage_id: int) -> list[float]:
    """The best cosine of each of the question's tokens to a token of the passage."""
    tokens = index.embedder.encode_query_tokens(fold(question)).tokens.vectors
    passage = index.token_vectors(passage_id).vectors
    return [max(float(t @ p) for p in passage) for t in tokens]


def found(index: Index, question: str) -> dict[int, Candidate]:
    candidates = find_candidates(index, to_query(index, question), 15)
    assert sorted(c.passage.id for c in candidates) == list(range(15))
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    return {candidate.passage.id: candidate for candidate in candidates}


@pytest.mark.parametrize("question", ["三端五防線", "How many measures?", "吗"])
def test_late_interaction(report_index: Index, question: str) -> None:
    candidates = found(report_index, question)
    best = {number: plain_token_best(report_index, question, number) for number in candidates}
    highest = np.max(list(best.values()), axis=0)
    for number, candidate in candidates.items():
        lacking = highest - np.array(best[number])
        assert candidate.evidence.late == pytest.approx(np.mean(best[number]), abs=1e-4)
        assert candidate.evidence.missed == pytest.approx(
            -float(np.sqrt(np.mean(lacking**2))), abs=1e-4
        )


@pytest.mark.parametrize("question", ["三端五防線", "烏海市 measures", "吗"])
def test_bm25_is_weighed_by_coverage(report_index: Index, question: str) -> None:
    distinct = list(dict.fromkeys(terms(question)))
    mass = sum(report_index.idf(term) for term in distinct)
    known = sum(report_index.idf(term) for term in distinct if report_index.frequency(term))
    bm25 = {hit.passage_id: hit.score for hit in report_index.search_lexical(distinct, 15)}
    for number, candidate in found(report_index, question).items():
        share = (known / mass) * bm25.get(number, 0.0) / (2.2 * mass) if mass else 0.0
        assert candidate.evidence.lexical == pytest.approx(share, abs=1e-4)


def test_the_best_sentence_is_that_of_its_own_vector(report_index: Index) -> None:
    question = "烏海市全程網辦事項量提升了多少"
    vector = report_index.embedder.encode_queries([fold(question)])[0]
    for candidate in found(report_index, question).values():
        sentences = [fold(text) for text in candidate.passage.sentence_texts]
        cosines = report_index.embedder.encode_passages(sentences) @ vector
        # Other batches round bfloat16 otherwise, and what is stored is int8.
        assert candidate.evidence.sentence == pytest.approx(float(cosines.max()), abs=0.01)


def test_english_words_count_where_their_translation_stands(report_index: Index) -> None:
    question = "Which measures did Wuhai and Ordos take?"
    words = translations(question)
    assert {("wuhai",), ("ordo",)} <= {one.words for one in words}
    searched = [fold(p.searchable) for p in report_index.get_passages(range(15))]
    stands = np.array([[one.stands_in(text) for one in words] for text in searched])
    lookups = [[lookup_terms(word) for word in one.alternatives] for one in words]
    count = np.array([report_index.frequency_of_any(of_one) for of_one in lookups])
    idf = np.log1p((15 - count + 0.5) / (count + 0.5))
    for number, candidate in found(report_index, question).items():
        assert candidate.evidence.translated == pytest.approx(
            float(stands[number] @ idf / idf.sum()), abs=1e-4
        )


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
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert "191個" in hits[0].passage.text
    for hit in hits:
        passage = hit.passage
        assert hit.document.text[passage.start : passage.end] == passage.text
        assert passage.headings[0] == hit.document.title


def test_more_than_there_are_gives_all(report_index: Index) -> None:
    assert len(retrieve("烏海", top_k=1000, index=report_index)) == 15
