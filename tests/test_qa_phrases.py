"""Phrases inside quotes: never half a quantity, name or word."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModel

from index import Index, clean_question, fold, open_index
from index.bundled_model import bundled_model_dir
from index.models import load_embedder
from index.packed import PackedBert
from index.phrases import PhraseReader
from qa import ask
from qa.phrases import read_phrases, whole
from qa.quotes import best_of_each, find_spans
from qa.retriever import find_candidates, to_query
from training.reader import Reader
from training.size import Size

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


@pytest.fixture(scope="module")
def reading(report_dir: Path) -> Iterator[Index]:
    """The report, asked with a reader that has learnt nothing: its phrases are any."""
    torch.manual_seed(3)
    usual = load_embedder()
    embedder = copy(usual)
    assert isinstance(usual._engine, PackedBert)
    body = AutoModel.from_pretrained(bundled_model_dir(), add_pooling_layer=False)
    held = Reader(body, Size()).shipped()
    embedder._reader = PhraseReader(usual._engine, usual._tokenise, held)
    with open_index(report_dir) as opened:
        opened.use_embedder(embedder)
        yield opened


QUESTIONS = ["鄂爾多斯的三端五防線是什麼", "烏海市全程網辦事項量提升了多少", "What does Wuhai do?"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_phrase_is_a_slice_of_its_quote(
    reading: Index, report_index: Index, question: str
) -> None:
    answer = ask(question, index=reading, strictness="lenient")
    usual = ask(question, index=report_index, strictness="lenient")
    # No weights were fitted for this reader, so that it changes no quote.
    assert [one.reference for one in answer.citations] == [one.reference for one in usual.citations]
    assert any(one.answer for one in answer.citations)
    for one in answer.citations:
        assert (one.answer_start is None) == (one.answer_end is None) == (one.answer is None)
        if one.answer_start is not None and one.answer_end is not None:
            assert one.start <= one.answer_start < one.answer_end <= one.end
            text = one.document.text
            assert text[one.answer_start : one.answer_end] == one.answer
            assert one.answer in one.quote
    assert all(one.answer is None for one in usual.citations)
    unread = ask(question, index=reading, strictness="lenient", reader=False)
    assert all(one.answer is None for one in unread.citations)


def test_a_setting_turns_the_reader_off(reading: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINZHENG_READER", "off")
    answer = ask(QUESTIONS[0], index=reading)
    assert answer.citations
    assert all(one.answer is None for one in answer.citations)


def test_a_phrase_counts_for_the_runs_it_stands_in(reading: Index) -> None:
    question = clean_question(QUESTIONS[0])
    query = to_query(reading, question)
    candidates = find_candidates(reading, query, 5)
    runs = find_spans(reading, query, question, candidates)
    _, read = read_phrases(reading, query, question, runs)
    assert {(run.start, run.end) for run in read} == {(run.start, run.end) for run in runs}
    lowest = min(run.evidence.phrase for run in read)
    for run in read:
        if run.answer is None:
            assert run.evidence.phrase <= max(lowest, 0.0)
        else:
            assert run.evidence.phrase >= 0.0
            assert run.start <= run.answer.start < run.answer.end <= run.end
    # The best run of every passage was read, whatever fits beside it.
    for run in best_of_each(runs):
        (same,) = (one for one in read if (one.start, one.end) == (run.start, run.end))
        assert same.evidence.phrase != 0.0


def test_a_model_without_a_reader_reads_nothing(report_index: Index) -> None:
    question = clean_question(QUESTIONS[0])
    query = to_query(report_index, question)
    runs = find_spans(report_index, query, question, find_candidates(report_index, query, 5))
    assert not report_index.embedder.can_read
    assert report_index.embedder.read_phrases(question, []) == []
    assert read_phrases(report_index, query, question, runs) == (query, runs)
