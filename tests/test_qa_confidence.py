"""The confidence, from evidence computed another way."""

import math

import numpy as np
import pytest

from index import Index, content_words, fold
from qa.answers import _hits
from qa.confidence import confidence_of, gather
from qa.quotes import best_spans
from qa.retriever import RERANKED, find_candidates, to_query


@pytest.mark.parametrize(
    "question", ["烏海市全程網辦事項量提升了多少", "How many problems?", "通辽市的人口"]
)
def test_evidence(report_index: Index, question: str) -> None:
    query = to_query(report_index, question)
    candidates = find_candidates(report_index, query, RERANKED)
    hits = _hits(report_index, candidates[:5])
    spans = sorted(best_spans(report_index, query, hits), key=lambda span: -span.total)
    evidence = gather(question, query, candidates, spans)
    best = spans[0].hit.passage
    late = {c.passage_id: c.late or 0.0 for c in candidates}
    others = [value for passage_id, value in late.items() if passage_id != best.id]
    assert evidence.contrast == pytest.approx(late[best.id] - float(np.median(others)), abs=1e-5)
    assert evidence.margin == pytest.approx(spans[0].total - spans[1].total)
    words = content_words(question)
    found = [weight for word, weight in words.items() if word in fold(best.searchable)]
    assert evidence.named == pytest.approx(sum(found) / sum(words.values()) if words else 0.0)
    assert evidence.is_worded == bool(words)
    assert evidence.is_elsewhere == ("通辽" in question)
    weighed = (
        *(2.24 * evidence.lexical, 0.84 * evidence.coverage, 6.7 * evidence.contrast),
        *(5.9 * evidence.margin, -3.24 * evidence.is_worded, 2.83 * evidence.named),
        *(10.7 * evidence.sharpest, -4 * evidence.is_elsewhere, -2.62),
    )
    confidence = confidence_of(question, query, candidates, spans)
    assert confidence == pytest.approx(1 / (1 + math.exp(-sum(weighed))))


def test_one_passage_has_nothing_to_stand_out_from(report_index: Index) -> None:
    query = to_query(report_index, "訴源治理模式")
    candidates = find_candidates(report_index, query, 1)
    spans = best_spans(report_index, query, _hits(report_index, candidates))
    evidence = gather("訴源治理模式", query, candidates, spans)
    assert (evidence.contrast, evidence.sharpest, evidence.margin) == (0.05, 0.1, 0.05)


def test_marks_alone_ask_nothing(report_index: Index) -> None:
    query = to_query(report_index, "！？")
    assert confidence_of("！？", query, find_candidates(report_index, query, 5), []) == 0.0
