"""Both engines are asked the same, and say the same: a folder, Milvus 2.3.5, and Milvus Lite.

2.3.5 has no BM25: it looks for words among the nearest passages, which here are all of them. Lite
has one, as servers from 2.5 on have; of those none can be had here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from doors import QUESTIONS

from index import (
    Index,
    IndexNotFoundError,
    IndexPlace,
    ModelMismatchError,
    copy_index,
    duplicate_key,
    fold,
    open_index,
    terms,
    verify,
)
from index.milvus.address import MilvusAddress
from qa import ask, retrieve

ENGINES = ("folder", "server", "lite")


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, report_dir: Path) -> IndexPlace:
    """An index of the report, wherever the engine has it."""
    if request.param == "folder":
        return report_dir
    process = request.getfixturevalue("milvus" if request.param == "server" else "lite")
    address: MilvusAddress = process.address("report")
    copy_index(report_dir, address)
    return address


@pytest.fixture(scope="module")
def engine(place: IndexPlace) -> Iterator[Index]:
    with open_index(place) as opened:
        yield opened


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_and_citations_are_the_same(
    question: str, engine: Index, report_index: Index
) -> None:
    mine, theirs = ask(question, index=engine), ask(question, index=report_index)
    assert mine.status == theirs.status
    assert [(c.document, c.start, c.end, c.quote, c.also_in) for c in mine.citations] == [
        (c.document, c.start, c.end, c.quote, c.also_in) for c in theirs.citations
    ]
    assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-5)


@pytest.mark.parametrize("question", QUESTIONS)
def test_hits_are_the_same(question: str, engine: Index, report_index: Index) -> None:
    mine, theirs = (retrieve(question, index=one, top_k=10) for one in (engine, report_index))
    assert [hit.passage for hit in mine] == [hit.passage for hit in theirs]
    assert np.allclose([h.score for h in mine], [h.score for h in theirs], atol=1e-4)


def test_both_say_the_same_of_themselves(engine: Index, report_index: Index) -> None:
    mine, theirs = engine.info, report_index.info
    for name in ("generation", "created", "documents", "passages", "model", "model_revision"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert (mine.dimension, mine.token_vectors, mine.segments) == (384, "int8", 1)
    assert len(engine) == len(report_index)
    one, other = engine.size(), report_index.size()
    assert (one.sentences, one.characters) == (other.sentences, other.characters)


def test_documents_are_the_same(engine: Index, report_index: Index) -> None:
    assert engine.documents() == report_index.documents()
    assert engine.document_details() == report_index.document_details()
    assert engine.document_list() == report_index.document_list()
    assert engine.passage_ranges() == report_index.passage_ranges()
    for info in report_index.documents():
        assert engine.document(info.id) == report_index.document(info.id)
        assert engine.passages_of(info.id) == report_index.passages_of(info.id)
        prefix = info.content_hash[:12]
        assert engine.documents_of_content(prefix) == report_index.documents_of_content(prefix)
        assert engine.versions_of_content(prefix) == report_index.versions_of_content(prefix)
    assert engine.documents_of_content("ffff") == []
    assert engine.documents_of_content('a" or kind != "') == []
    assert engine.versions_of_content("%") == []
    with pytest.raises(KeyError):
        engine.document("nothing")
    assert engine.passages_of("nothing") == []


def test_passages_and_vectors_are_the_same(engine: Index, report_index: Index) -> None:
    ids = list(range(0, len(report_index), 3))
    assert engine.get_passages(ids) == report_index.get_passages(ids)
    assert np.array_equal(engine.passage_vectors(ids), report_index.passage_vectors(ids))
    assert engine.duplicate_keys(ids) == report_index.duplicate_keys(ids)
    keys = [duplicate_key(one.text) for one in report_index.get_passages(ids[:40])]
    assert engine.repeats(keys) == report_index.repeats(keys)
    for passage_id in ids[:10]:
        mine, theirs = engine.token_vectors(passage_id), report_index.token_vectors(passage_id)
        assert np.array_equal(mine.vectors, theirs.vectors)
        assert np.array_equal(mine.spans, theirs.spans)
        assert np.array_equal(
            engine.sentence_vectors(passage_id), report_index.sentence_vectors(passage_id)
        )


def test_searches_are_the_same(engine: Index, report_index: Index) -> None:
    for question in QUESTIONS[:8]:
        encoded = report_index.embedder.encode_query_tokens(fold(question))
        near = engine.near_by(encoded.vector)
        for k in (1, 7, 100):
            mine, theirs = (one.search_dense(encoded.vector, k) for one in (engine, report_index))
            assert mine[0].tolist() == theirs[0].tolist()
            assert np.allclose(mine[1], theirs[1], atol=1e-6)
            words = terms(question)
            one, other = (x.search_lexical(words, k, near) for x in (engine, report_index))
            assert [hit.passage_id for hit in one] == [hit.passage_id for hit in other]
            assert np.allclose([h.score for h in one], [h.score for h in other], rtol=1e-5)
        ids = theirs[0][:30].tolist()
        for vectors, compare in (
            (encoded.tokens.vectors, Index.compare_tokens),
            (encoded.vector[None], Index.compare_sentences),
        ):
            found, expected = (compare(x, vectors, ids) for x in (engine, report_index))
            assert np.array_equal(found.cosines, expected.cosines)
            assert np.array_equal(found.spans, expected.spans)
            assert np.array_equal(found.bounds, expected.bounds)
    assert engine.search_lexical([], 5, near) == []
    assert engine.search_lexical(["沒有這個詞"], 5, near) == []
    assert len(engine.search_dense(encoded.vector, 0)[0]) == 0


def test_frequencies_are_the_same(engine: Index, report_index: Index) -> None:
    passages = report_index.get_passages(range(0, len(report_index), 9))
    words = sorted({term for one in passages for term in terms(one.searchable)})[:400]
    for word in [*words, "沒有這個詞"]:
        assert engine.frequency(word) == report_index.frequency(word)
        assert engine.idf(word) == report_index.idf(word)
    for first, second, third in zip(words[::9], words[3::9], words[6::9], strict=False):
        for alternatives in ([(first,)], [(first, second)], [(first, second), (third,)], [()]):
            expected = report_index.frequency_of_any(alternatives)
            assert engine.frequency_of_any(alternatives) == expected


def test_weighed_words_are_found_the_same(engine: Index, report_index: Index) -> None:
    every = range(len(report_index))
    weighed: list[tuple[list[tuple[str, ...]], float]] = [
        ([("水",), ("网", "_网络")], 2.0),
        ([("法院",)], 0.5),
        ([("沒有",)], 9.0),
    ]
    for k in (3, 1000):
        for among in (every, every[4:9], ()):
            mine = engine.search_any(weighed, k, among)
            theirs = report_index.search_any(weighed, k, among)
            assert [(h.passage_id, h.score) for h in mine] == [
                (h.passage_id, h.score) for h in theirs
            ]
            assert {hit.passage_id for hit in theirs} <= set(among)


def test_it_is_as_it_was_built(place: IndexPlace) -> None:
    assert verify(place) == []


def test_another_model_is_refused(place: IndexPlace, tiny: Path) -> None:
    with open_index(place, model=str(tiny)) as opened, pytest.raises(ModelMismatchError):
        _ = opened.embedder


@pytest.mark.parametrize("kind", ENGINES)
def test_an_index_that_is_not_there(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    missing: IndexPlace = tmp_path / "nothing"
    if kind != "folder":
        process = request.getfixturevalue("milvus" if kind == "server" else "lite")
        missing = process.address("nothing")
    with pytest.raises(IndexNotFoundError, match="python -m index build PATH --index"):
        open_index(missing)
