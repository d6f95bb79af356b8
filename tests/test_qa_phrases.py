"""Phrases inside quotes: never half a quantity, name or word."""

from copy import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import Index, clean_question, fold, open_index
from index.models import load_embedder
from qa import ask
from qa.phrases import read_phrases, whole
from qa.quotes import best_of_each, find_spans
from qa.retriever import find_candidates, to_query

TEXT = fold("馬丁·路德於1517年在維滕貝格張貼95條論綱，約3.65萬人參加，見OpenAI報告。")


def grown(part: str, text: str = TEXT) -> str:
    folded = fold(part)
    assert text.count(folded) == 1
    at = text.index(folded)
    start, end = whole(text, at, at + len(folded))
    return text[start:end]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("517", "1517年"),
        ("1517", "1517年"),
        ("5條", "95條"),
        ("95", "95條"),
        ("3.6", "3.65萬人"),
        ("萬人", "3.65萬人"),
        ("丁·路", "馬丁·路德"),
        ("馬丁", "馬丁·路德"),
        ("penA", "OpenAI"),
        ("論綱", "論綱"),
        ("1517年", "1517年"),
    ],
)
def test_a_phrase_is_not_cut_in_half(part: str, expected: str) -> None:
    assert grown(part) == fold(expected)


@given(
    text=st.text(alphabet="一二三百年人馬丁·路德Ab1,9.。 的", max_size=40).map(fold),
    places=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_what_is_grown_holds_the_phrase_and_grows_no_more(
    text: str, places: tuple[int, int]
) -> None:
    start, end = sorted(min(at, len(text)) for at in places)
    first, stop = whole(text, start, end)
    assert 0 <= first <= start <= end <= stop <= len(text)
    again = whole(text, first, stop)
    assert again[0] <= first
    assert stop <= again[1]


QUESTIONS = ["鄂爾多斯的三端五防線是什麼", "烏海市全程網辦事項量提升了多少", "What does Wuhai do?"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_phrase_is_a_slice_of_its_quote(report_index: Index, question: str) -> None:
    answer = ask(question, index=report_index, strictness="lenient")
    assert any(one.answer for one in answer.citations)
    for one in answer.citations:
        assert (one.answer_start is None) == (one.answer_end is None) == (one.answer is None)
        if one.answer_start is not None and one.answer_end is not None:
            assert one.start <= one.answer_start < one.answer_end <= one.end
            text = one.document.text
            assert text[one.answer_start : one.answer_end] == one.answer
            assert one.answer in one.quote
    unread = ask(question, index=report_index, strictness="lenient", reader=False)
    assert unread.citations
    assert all(one.answer is None for one in unread.citations)


def test_a_setting_turns_the_reader_off(
    report_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YINZHENG_READER", "off")
    answer = ask(QUESTIONS[0], index=report_index)
    assert answer.citations
    assert all(one.answer is None for one in answer.citations)


def test_a_phrase_counts_for_the_runs_it_stands_in(report_index: Index) -> None:
    question = clean_question(QUESTIONS[0])
    query = to_query(report_index, question)
    candidates = find_candidates(report_index, query, 5)
    runs = find_spans(report_index, query, question, candidates)
    _, read = read_phrases(report_index, query, question, runs)
    assert {(run.start, run.end) for run in read} == {(run.start, run.end) for run in runs}
    lowest = min(run.evidence.phrase for run in read)
    for run in read:
        if run.answer is None:
            assert run.evidence.phrase == lowest
        else:
            assert run.start <= run.answer.start < run.answer.end <= run.end
    # The best run of each of the best passages was read, whatever fits beside it; no other passage.
    best = best_of_each(runs)
    assert len(best) == 5
    for run in best[:3]:
        (same,) = (one for one in read if (one.start, one.end) == (run.start, run.end))
        assert same.answer is not None
    unread = {run.passage.id for run in best[3:]}
    assert all(run.answer is None for run in read if run.passage.id in unread)


@pytest.mark.parametrize("question", ["第一批調研課題有哪些？", "有哪些部門參加了調研？"])
def test_where_several_things_are_asked_for_phrases_do_not_count(
    report_index: Index, question: str
) -> None:
    read = ask(question, index=report_index)
    unread = ask(question, index=report_index, reader=False)
    assert read.status == "answered"
    assert read.confidence == unread.confidence
    assert [one.quote for one in read.citations] == [one.quote for one in unread.citations]
    for one in read.citations:
        assert one.answer is None or one.answer in one.quote


def test_a_model_without_a_reader_reads_nothing(report_dir: Path) -> None:
    question = clean_question(QUESTIONS[0])
    embedder = copy(load_embedder())
    embedder._reader = None
    with open_index(report_dir) as opened:
        opened.use_embedder(embedder)
        query = to_query(opened, question)
        runs = find_spans(opened, query, question, find_candidates(opened, query, 5))
        assert not opened.embedder.can_read
        assert opened.embedder.read_phrases(question, []) == []
        assert read_phrases(opened, query, question, runs) == (query, runs)
        assert all(one.answer is None for one in ask(question, index=opened).citations)
