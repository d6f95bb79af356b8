"""A view without some documents against an index that was built without them."""

from pathlib import Path

import numpy as np
import pytest

from index import (
    REPORT,
    Index,
    Without,
    build_index,
    fold,
    lookup_terms,
    open_index,
    terms,
)
from qa import ask
from qa.retriever import to_query

TEXTS = {
    "館長": "王小明是本館的館長。他於1998年到任。\n\n本館藏書三百萬冊，其中善本一萬冊。",
    "車站": "車站建於1931年，由李大同設計。\n\n車站每日有旅客四萬人，其中通勤者一萬人。",
    "公園": "公園佔地二十公頃，園內有湖。湖中有島，島上有亭，亭建於1931年。",
    "學校": "學校的校長是陳文。學校有學生八百人，教師六十人。\n\n學校的圖書館藏書三萬冊。",
    "標點": "！！！",
}
QUESTIONS = [
    *("館長是誰？", "1931年建了什麼", "藏書多少冊", "烏海市的網辦事項", "！？"),
    "How many students does the school have?",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("without")
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "report.txt").write_bytes(REPORT.read_bytes())
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path) -> Index:
    # Kept embeddings give both indexes the same vectors, whatever shared a batch with what.
    files = sorted(folder.glob("*.txt"))
    build_index(files, index_dir=folder / "whole", embedding_cache=folder / "kept.sqlite")
    return open_index(folder / "whole")


def ids(index: Index, *titles: str) -> set[str]:
    return {id_ for id_, _, path, _ in index.document_list() if Path(path).stem in titles}


@pytest.fixture(scope="module", params=[("館長",), ("車站", "標點"), ("report",)], ids=str)
def pair(request: pytest.FixtureRequest, folder: Path, whole: Index) -> tuple[Index, Index]:
    """A view without some documents, and an index built without them."""
    files = [path for path in sorted(folder.glob("*.txt")) if path.stem not in request.param]
    index_dir = folder / f"without-{'-'.join(request.param)}"
    build_index(files, index_dir=index_dir, embedding_cache=folder / "kept.sqlite")
    return Without(whole, ids(whole, *request.param)), open_index(index_dir)


def texts_of(index: Index, passage_ids: list[int]) -> list[str]:
    return [passage.text for passage in index.get_passages(passage_ids)]


def test_the_terms_are_those_of_the_built_index(pair: tuple[Index, Index]) -> None:
    view, built = pair
    assert len(view) == len(built)
    assert [row[1:] for row in view.document_list()] == [row[1:] for row in built.document_list()]
    asked = {term for text in [*TEXTS.values(), *QUESTIONS] for term in terms(text)}
    for term in asked | {"無", "x" * 70}:
        assert view.frequency(term) == built.frequency(term), term
        assert view.idf(term) == built.idf(term), term


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("k", [2, 100])
def test_both_searches_are_those_of_the_built_index(
    pair: tuple[Index, Index], question: str, k: int
) -> None:
    view, built = pair
    lexical = [index.search_lexical(terms(question), k) for index in pair]
    found = [[hit.passage_id for hit in hits] for hits in lexical]
    assert texts_of(view, found[0]) == texts_of(built, found[1])
    scores = [[hit.score for hit in hits] for hits in lexical]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)
    vector = view.embedder.encode_queries([fold(question)])[0]
    (seen, near), (expected, nearest) = (index.search_dense(vector, k) for index in pair)
    assert texts_of(view, seen.tolist()) == texts_of(built, expected.tolist())
    assert near == pytest.approx(nearest, abs=1e-6)


def all_of(index: Index) -> list[int]:
    return [id_ for ids in index.passage_ranges().values() for id_ in ids]


def test_alternatives_are_those_of_the_built_index(pair: tuple[Index, Index]) -> None:
    view, built = pair
    for words in (["館長", "校長"], ["車站"], ["湖", "島", "無"]):
        alternatives = [lookup_terms(fold(word)) for word in words]
        assert view.frequency_of_any(alternatives) == built.frequency_of_any(alternatives), words
        found = [index.search_any([(alternatives, 1.5)], 3, all_of(index)) for index in pair]
        assert [hit.score for hit in found[0]] == [hit.score for hit in found[1]]
        ids_of = [[hit.passage_id for hit in hits] for hits in found]
        assert texts_of(view, ids_of[0]) == texts_of(built, ids_of[1])


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_that_of_the_built_index(pair: tuple[Index, Index], question: str) -> None:
    of_view, of_built = (ask(question, index=index, top_k=20) for index in pair)
    assert of_view.confidence == pytest.approx(of_built.confidence, abs=1e-5)
    assert of_view.status == of_built.status
    assert [c.quote for c in of_view.citations] == [c.quote for c in of_built.citations]
    assert [hit.passage.text for hit in of_view.hits] == [h.passage.text for h in of_built.hits]
    scores = [[hit.score for hit in answer.hits] for answer in (of_view, of_built)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    queries = [to_query(index, question) for index in pair]
    assert np.array_equal(queries[0].known, queries[1].known)


def test_the_index_behind_a_view_is_left_as_it_was(whole: Index) -> None:
    before = [hit.passage.text for hit in ask("館長是誰", index=whole).hits]
    with Without(whole, ids(whole, "館長")) as view:
        assert len(view) < len(whole)
        assert "王小明" not in ask("館長是誰", index=view).hits[0].passage.text
    assert [hit.passage.text for hit in ask("館長是誰", index=whole).hits] == before
    assert "王小明" in before[0]


def test_nothing_is_left(whole: Index) -> None:
    view = Without(whole, ids(whole, "report", *TEXTS))
    assert len(view) == 0
    assert view.search_lexical(["館長"], 5) == []
    assert len(view.search_dense(np.ones(384, np.float32), 5)[0]) == 0
