"""The same words in several places: one hit, the other places named."""

from pathlib import Path

import pytest

from index import Index, Without, build_index, duplicate_key, fold, open_index
from qa import Answer, ask, retrieve
from qa.repeats import MOST_PLACES

COPIES = 500
QUESTION = "館長王小明是哪一年到任的"
PARAGRAPH = "本館館長是王小明，他於一九九八年到任，主持館務至今。"
VARIANTS = (PARAGRAPH, "本馆馆长是王小明 他于一九九八年到任，主持馆务至今!", f"「{PARAGRAPH}」")
OTHERS = [
    *("館長的任期為四年，可以連任一次。", "館長由市政府任命。", "副館長是李大同。"),
    *("前任館長是陳文，已於一九九八年退休。", "本館設館長一人，副館長二人。"),
    *("館長負責全館的工作。", "館長每週主持一次會議。"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("repeats")
    docs = folder / "docs"
    docs.mkdir()
    for n in range(COPIES // 5):
        text = "\n\n".join([VARIANTS[n % 3], *[PARAGRAPH] * 4])
        (docs / f"copies{n:03}.txt").write_text(text, encoding="utf-8")
    for n, other in enumerate(OTHERS):
        (docs / f"other{n}.txt").write_text(other, encoding="utf-8")
    (docs / "quoted.txt").write_text(f"館訊。{PARAGRAPH}他是本市人。", encoding="utf-8")
    report = build_index(docs, index_dir=folder / "index")
    assert report.embedded < 2 * (len(OTHERS) + len(VARIANTS) + 3)  # each text once
    return open_index(folder / "index")


@pytest.fixture(scope="module")
def answer(opened: Index) -> Answer:
    return ask(QUESTION, index=opened, top_k=8, strictness="lenient")


def test_the_places_are_filled_with_different_texts(answer: Answer) -> None:
    keys = {duplicate_key(hit.passage.text) for hit in answer.hits}
    assert len(keys) == len(answer.hits) == 8
    assert set(map(fold, OTHERS)) & {fold(hit.passage.text) for hit in answer.hits}
    assert [hit.rank for hit in answer.hits] == list(range(1, 9))


def test_a_hit_names_the_other_places_and_counts_all(answer: Answer) -> None:
    key = duplicate_key(PARAGRAPH)
    (hit,) = (hit for hit in answer.hits if duplicate_key(hit.passage.text) == key)
    assert (hit.repeats, len(hit.also_in)) == (COPIES - 1, MOST_PLACES)
    own = (hit.document.id, hit.passage.start)
    places = {(place.document.id, place.start) for place in hit.also_in}
    assert len(places) == MOST_PLACES
    assert own not in places
    for place in hit.also_in:
        assert duplicate_key(place.document.text[place.start : place.end]) == key
    assert all(not other.repeats for other in answer.hits if other is not hit)


def test_a_quote_names_them_too_also_inside_other_passages(answer: Answer) -> None:
    citation = answer.citations[0]
    assert "王小明" in citation.quote
    titles = [place.document.title for place in citation.also_in]
    assert len(titles) >= MOST_PLACES
    assert "quoted" in [*titles, citation.document.title]
    for place in citation.also_in:
        found = place.document.text[place.start : place.end]
        assert duplicate_key(found) == duplicate_key(citation.quote)
    assert len({duplicate_key(one.quote) for one in answer.citations}) == len(answer.citations)


@pytest.mark.parametrize("which", range(6))
def test_the_answer_is_that_of_an_index_without_the_copies(
    opened: Index, answer: Answer, which: int
) -> None:
    copies = {id_ for id_, title, _, _ in opened.document_list() if title.startswith("copies")}
    assert len(copies) == COPIES // 5
    one = sorted(copies)[which]
    view = Without(opened, copies - {one})
    alone = ask(QUESTION, index=view, top_k=8, strictness="lenient")
    # Which of the equal texts is quoted depends on the order of documents: their keys are equal.
    assert duplicate_key(alone.citations[0].quote) == duplicate_key(answer.citations[0].quote)
    assert {duplicate_key(hit.passage.text) for hit in alone.hits} == {
        duplicate_key(hit.passage.text) for hit in answer.hits
    }
    (hit,) = (hit for hit in alone.hits if hit.repeats)
    assert {place.document.id for place in hit.also_in} == {one}


def test_more_than_there_are_gives_each_text_once(opened: Index) -> None:
    hits = retrieve("館長是誰", top_k=1000, index=opened)
    assert len(hits) == len(OTHERS) + 2


def test_the_same_under_another_heading_is_one_hit(tmp_path: Path) -> None:
    text = "章程\n\n第一章 總則\n\n本條未修訂。\n\n第二章 館長\n\n本條未修訂。\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    build_index(tmp_path / "a.txt", index_dir=tmp_path / "index")
    (hit,) = retrieve("第二章館長的規定", index=tmp_path / "index")
    assert hit.passage.headings[-1] == "第二章 館長"
    (place,) = hit.also_in
    assert place.document.text[place.start : place.end] == "本條未修訂。"
    assert place.start != hit.passage.start
