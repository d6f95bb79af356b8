"""Spans, marks and citations: where they stand and what speaks for them."""

from dataclasses import fields, replace
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest

from index import Index, Passage, build_index, fold, open_index, stands_in
from index import Span as Place
from qa import ask
from qa.marks import marks_of
from qa.quotes import (
    Span,
    SpanEvidence,
    best_of_each,
    find_spans,
    score_spans,
    span_order,
    to_citation,
)
from qa.retriever import Candidate, Query, find_candidates, to_query

QUESTION = "烏海市全程網辦事項量提升了多少"


def spans_of(index: Index, question: str) -> tuple[Query, list[Candidate], list[Span]]:
    query = to_query(index, question)
    candidates = find_candidates(index, query, 15)
    return query, candidates, find_spans(index, query, question, candidates[:5])


def test_every_run_of_two_sentences_is_a_span(report_index: Index) -> None:
    _, candidates, spans = spans_of(report_index, QUESTION)
    expected = set()
    for candidate in candidates[:5]:
        places = candidate.passage.sentences
        size = min(2, len(places))
        for first in range(len(places) - size + 1):
            last = places[first + size - 1]
            expected.add((candidate.passage.id, places[first].start, last.end))
    assert {(s.passage.id, s.start, s.end) for s in spans} == expected
    assert [s.score for s in spans] == sorted((s.score for s in spans), reverse=True)
    best = best_of_each(spans)
    assert len(best) == len({span.passage.id for span in spans})
    assert best[0] == spans[0]


def test_evidence_of_a_span(report_index: Index) -> None:
    query, candidates, spans = spans_of(report_index, QUESTION)
    passages = {c.passage.id: c for c in candidates}
    for span in spans[:4]:
        passage = passages[span.passage.id].passage
        rows = [
            row
            for row, place in enumerate(passage.sentences)
            if span.start <= place.start and place.end <= span.end
        ]
        cosines = report_index.sentence_vectors(passage.id)[rows] @ query.vector
        assert span.evidence.sentence == pytest.approx(float(cosines.max()), abs=1e-5)
        assert span.evidence.sentences == pytest.approx(float(cosines.mean()), abs=1e-5)
        assert span.evidence.passage == passages[passage.id].score
        text = fold(passage.text[span.start - passage.start : span.end - passage.start])
        held = [stands_in(term, text) for term in query.terms]
        assert span.held == pytest.approx(float(np.array(held) @ query.idf) / query.mass, abs=1e-4)
        assert span.evidence.number in (0.0, 1.0)
        weighed = sum(
            weight * getattr(span.evidence, name) for name, weight in query.weights.span.items()
        )
        assert span.score == pytest.approx(weighed, abs=1e-2)


@pytest.mark.parametrize(
    ("second", "gap", "preferred"),
    [
        ("該校有三座樓。", 0.4, True),
        ("其校舍有三層。", 0.4, True),
        ("這所中學很大。", 0.4, True),
        ("該校有三座樓。", 0.6, False),  # clearly better as it stands
        ("其他學校很小。", 0.4, False),
        ("中學有三座樓。", 0.4, False),
    ],
)
def test_a_quote_begins_with_what_a_pronoun_stands_for(
    report_index: Index, second: str, gap: float, preferred: bool
) -> None:
    sentences = ["三峽中學位於江邊。", second, "操場在南面。"]
    scores = [3.0, 3.0 + gap]  # of the first two sentences, and of the last two
    query = only_by_passage(to_query(report_index, "中學"))
    spans = score_spans(spans_with_scores(sentences, scores), query)
    best = sorted(spans, key=span_order)[0]
    assert best.text == "".join(sentences[:2] if preferred else sentences[1:])
    assert best.score == pytest.approx(3.0 + gap)


def only_by_passage(query: Query) -> Query:
    return replace(query, weights=replace(query.weights, span={"passage": 1.0}))


def spans_with_scores(sentences: list[str], scores: list[float]) -> list[Span]:
    """Pairs of sentences of one passage whose evidence gives the scores by weight 1."""
    ends = list(accumulate(map(len, sentences)))
    places = tuple(map(Place, [0, *ends[:-1]], ends))
    passage = Passage(0, "d", 0, ends[-1], "".join(sentences), (), places)
    nothing = dict.fromkeys((field.name for field in fields(SpanEvidence)), 0.0)
    return [
        Span(
            passage,
            places[row].start,
            places[row + 1].end,
            SpanEvidence(**{**nothing, "passage": score}),
            held=0.0,
            score=0.0,
        )
        for row, score in enumerate(scores)
    ]


def test_what_the_passage_opens_with_is_not_missed_further_down(tmp_path: Path) -> None:
    document = tmp_path / "a.txt"
    document.write_text(
        "王小明是第三小學的館長。他喜歡種花。圖書很多。他生於1975年，在南方長大。", encoding="utf-8"
    )
    build_index(document, index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as opened:
        answer = ask("王小明生於哪一年？", index=opened, strictness="lenient")
    assert "1975年" in answer.citations[0].quote


def test_marks_are_words_of_the_quote_that_decided(report_index: Index) -> None:
    _, candidates, spans = spans_of(report_index, QUESTION)
    marks = marks_of(spans[0], candidates)
    citation = to_citation(report_index, spans[0])
    text = citation.document.text
    assert marks
    for mark in marks:
        assert citation.start <= mark.start < mark.end <= citation.end
    for one, other in pairwise(marks):
        assert one.end < other.start, "in order, and apart"
    marked = "".join(text[mark.start : mark.end] for mark in marks)
    assert "全程網辦" in marked
    assert len(marked) < len(citation.quote)


def test_marks_reach_the_answer(report_index: Index) -> None:
    (first, *_) = ask(QUESTION, index=report_index).citations
    assert first.marks
    assert all(first.start <= m.start < m.end <= first.end for m in first.marks)


def test_a_repeated_quote_is_shown_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("本館每週一閉館。週末照常開放。", encoding="utf-8")
    (tmp_path / "b.txt").write_text(
        "通知如下：\n\n本馆每周一闭馆。周末照常开放。", encoding="utf-8"
    )
    (tmp_path / "c.txt").write_text("食堂供應早餐。菜單每天更換。", encoding="utf-8")
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    build_index(files, index_dir=tmp_path / "index")
    answer = ask("圖書館哪一天閉館？", index=tmp_path / "index", strictness="lenient")
    quotes = [fold(c.quote) for c in answer.citations]
    assert quotes.count(fold("本館每週一閉館。週末照常開放。")) == 1
    (place,) = answer.citations[0].also_in
    assert fold(place.document.text[place.start : place.end]) == quotes[0]
    assert place.document.id != answer.citations[0].document.id
