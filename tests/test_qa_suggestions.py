"""Every question offered is answered, with a quote from where it came from."""

import threading
import time
from pathlib import Path

import pytest

from index import Index, build_index, open_index
from qa import Answer, ask, suggestions
from qa.language import language_of
from qa.seeds import seeds_of
from qa.suggestions import example_questions, follow_ups
from qa.types import Language

TEXT = """青山圖書館位於中山路三段。館內藏書三百萬冊。

王小明擔任青山圖書館館長。青山圖書館創新“一卡通行”服務模式,借閱量提升12.5%。

盾柱木是一種常綠喬木。盾柱木生長於海拔500米。
"""


@pytest.fixture(autouse=True)
def _forget() -> None:
    suggestions._made.clear()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("library")
    (folder / "library.txt").write_text(TEXT, encoding="utf-8")
    build_index(folder / "library.txt", index_dir=folder / "index")
    return open_index(folder / "index")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every question that is asked to find others; they are really asked."""
    asked: list[str] = []

    def noting(question: str, **more: object) -> Answer:
        asked.append(question)
        return ask(question, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(suggestions, "ask", noting)
    return asked


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_examples_are_answered_from_where_they_came(
    report_index: Index, language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    questions = example_questions(report_index, language=language)
    assert len(questions) == len(set(questions)) == 4
    assert len(asked) <= 12
    for question in questions:
        assert ask(question, index=report_index).status == "answered"
    if language == "en":
        assert all(question[0].isascii() for question in questions)
    else:
        assert {language_of(question) for question in questions} == {language}
    del asked[:]
    assert example_questions(report_index, language=language) == questions
    assert asked == [], "the second time they are known"


def test_another_generation_has_other_examples(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("盾柱木是一種常綠喬木。", encoding="utf-8")
    build_index(source, index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        assert example_questions(index, language="zh-Hant") == ["盾柱木是什麼？"]
        source.write_text("錦地羅是一種食蟲植物。", encoding="utf-8")
        build_index(source, index_dir=tmp_path / "index")
        index.refresh()
        assert example_questions(index, language="zh-Hant") == ["錦地羅是什麼？"]
        assert example_questions(index, language="zh-Hans") == ["锦地罗是什么？"]
        assert example_questions(index, language="en") == ["What is 錦地羅?"]


def test_documents_without_a_fact_give_no_example(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("嗯，嗯嗯。\n\n好的好的。", encoding="utf-8")
    build_index(tmp_path / "a.txt", index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        assert example_questions(index, language="zh-Hant") == []


def test_a_page_need_not_wait(library: Index) -> None:
    started = time.perf_counter()
    assert example_questions(library, language="zh-Hant", wait=False) == []
    assert time.perf_counter() - started < 0.2
    deadline = time.monotonic() + 60
    while not (found := example_questions(library, language="zh-Hant", wait=False)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found == example_questions(library, language="zh-Hant")
    makers = [one for one in threading.enumerate() if one.name == "example-questions"]
    assert all(maker.daemon for maker in makers)


def test_what_a_passage_says_can_be_asked_for(library: Index) -> None:
    [(document_id, *_)] = library.document_list()
    passages = library.passages_of(document_id)
    seeds = [(s.kind, s.subject, dict(s.words)) for p in passages for s in seeds_of(p)]
    assert ("where", "青山圖書館", {}) in seeds
    assert ("who", "", {"post": "青山圖書館館長"}) in [
        (kind, "", words) for kind, _, words in seeds if kind == "who"
    ]
    assert ("definition", "盾柱木", {}) in seeds
    document = library.document(document_id)
    for passage in passages:
        for seed in seeds_of(passage):
            assert document.text[seed.span.start : seed.span.end] in passage.sentence_texts
            assert seed.subject in document.text
            assert all(text in document.text for _, text in seed.words)


def test_follow_ups_lead_on(report_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask("烏海市全程網辦事項量提升了多少？", index=report_index)
    asked = counted(monkeypatch)
    questions = follow_ups(answer, report_index)
    assert 1 <= len(questions) <= 3
    assert len(asked) <= 4
    assert answer.question not in questions
    for question in questions:
        found = ask(question, index=report_index)
        assert found.status == "answered"
        assert found.citations[0].headings == answer.citations[0].headings
        assert language_of(question) == "zh-Hant"
    assert len(follow_ups(answer, report_index, count=1)) == 1
    in_english = follow_ups(answer, report_index, language="en")
    assert in_english
    assert all(question[0].isascii() for question in in_english)


def test_after_not_found_the_closest_passages_are_offered(report_index: Index) -> None:
    answer = ask("通辽市的人口是多少", index=report_index)
    assert answer.status == "not_found"
    questions = follow_ups(answer, report_index)
    assert questions
    assert all(ask(one, index=report_index).status == "answered" for one in questions)
    assert follow_ups(ask("你好", index=report_index), report_index) == []


def test_whatever_a_document_says_is_no_template(tmp_path: Path) -> None:
    hostile = "{0}{subject}是一種${1}植物。\n\n“{x}%s{{}}”模式是包頭市的創新。"
    hostile += "包頭市創新“{x}%s{{”治理模式。"
    (tmp_path / "{a}.txt").write_text(hostile, encoding="utf-8")
    build_index(tmp_path / "{a}.txt", index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        questions = example_questions(index, language="zh-Hant")
        assert any("{x}%s{" in question for question in questions)
        assert all(ask(one, index=index).status == "answered" for one in questions)
