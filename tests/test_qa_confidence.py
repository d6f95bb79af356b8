"""The confidence, from evidence computed another way."""

import math

import numpy as np
import pytest

from index import Index, content_words, fold
from qa.confidence import THRESHOLDS, confidence_of, gather
from qa.quotes import best_of_each, find_spans
from qa.retriever import RERANKED, find_candidates, to_query


@pytest.mark.parametrize(
    "question", ["烏海市全程網辦事項量提升了多少", "How many problems?", "通辽市的人口"]
)
def test_evidence(report_index: Index, question: str) -> None:
    query = to_query(report_index, question)
    candidates = find_candidates(report_index, query, RERANKED)
    spans = best_of_each(find_spans(report_index, query, question, candidates[:5]))
    evidence = gather(question, query, candidates, spans)
    own = next(c for c in candidates if c.passage.id == spans[0].passage.id)
    others = [c for c in candidates if c.passage.id != own.passage.id]
    median = float(np.median([c.evidence.sentence for c in others]))
    assert evidence.sentence_contrast == pytest.approx(own.evidence.sentence - median)
    median = float(np.median([c.score for c in others]))
    assert evidence.score_contrast == pytest.approx(own.score - median)
    assert evidence.margin == pytest.approx(spans[0].score - spans[1].score)
    quarter = sorted(own.token_best.tolist())[: max(1, len(own.token_best) // 4)]
    assert evidence.weakest == pytest.approx(sum(quarter) / len(quarter))
    words = content_words(question)
    held = [weight for word, weight in words.items() if word in fold(own.passage.searchable)]
    assert evidence.named == pytest.approx(sum(held) / sum(words.values()) if words else 0.0)
    assert evidence.is_worded == bool(words)
    assert evidence.is_translated == ("problems" in question)
    assert evidence.is_elsewhere == ("通辽" in question)
    logit = sum(
        weight * (1.0 if name == "intercept" else getattr(evidence, name))
        for name, weight in query.weights.confidence.items()
    )
    confidence = confidence_of(question, query, candidates, spans)
    assert confidence == pytest.approx(1 / (1 + math.exp(-logit)))


@pytest.mark.parametrize(
    "question", ["哪些城市有治理模式", "Which cities have a governance model?"]
)
def test_several_good_answers_do_not_speak_against_each_other(
    report_index: Index, question: str
) -> None:
    query = to_query(report_index, question)
    candidates = find_candidates(report_index, query, RERANKED)
    spans = best_of_each(find_spans(report_index, query, question, candidates[:8]))
    evidence = gather(question, query, candidates, spans)
    best = spans[0].score
    cited = [span for span in spans[:5] if span.score >= best - 2.5]
    assert len(cited) > 1
    assert evidence.margin == pytest.approx(best - spans[len(cited)].score)
    own = next(c for c in candidates if c.passage.id == spans[0].passage.id)
    beside = {span.passage.id for span in cited}
    others = [c.score for c in candidates if c.passage.id not in beside]
    assert evidence.score_contrast == pytest.approx(own.score - float(np.median(others)))


def test_one_passage_has_nothing_to_stand_out_from(report_index: Index) -> None:
    query = to_query(report_index, "訴源治理模式")
    candidates = find_candidates(report_index, query, 1)
    spans = best_of_each(find_spans(report_index, query, "訴源治理模式", candidates))
    evidence = gather("訴源治理模式", query, candidates, spans)
    neutral = (evidence.sentence_contrast, evidence.score_contrast, evidence.margin)
    assert neutral == (0.05, 5.0, 2.0)


def test_marks_alone_ask_nothing(report_index: Index) -> None:
    query = to_query(report_index, "！？")
    assert confidence_of("！？", query, find_candidates(report_index, query, 5), []) == 0.0


def test_stricter_means_surer() -> None:
    assert 0 < THRESHOLDS["lenient"] < THRESHOLDS["balanced"] < THRESHOLDS["strict"] < 1
