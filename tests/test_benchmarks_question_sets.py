"""Question sets are read as they are, and anything else is refused."""

import json
from pathlib import Path

import pytest

from benchmarks.question_sets import QuestionSetError, load_contexts, load_questions, load_sets


def write(path: Path, *paragraphs: tuple[str, dict[str, str]]) -> Path:
    parts = [
        {"context": text, "qas": [{"id": key, "question": q} for key, q in questions.items()]}
        for text, questions in paragraphs
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": parts}]}), encoding="utf-8")
    return path


def test_questions_keep_the_order_and_place_of_the_contexts(tmp_path: Path) -> None:
    zh = write(tmp_path / "zh.json", ("甲", {"1": "一", "2": "二"}), ("乙", {"3": "三", "4": ""}))
    en = write(
        tmp_path / "en.json", ("b", {"4": "four", "3": "three", "9": "nine"}), ("a", {"1": "one"})
    )
    assert load_contexts(zh) == {"00000": "甲", "00001": "乙"}
    own = load_questions(zh, contexts=zh)
    assert own.name == "zh"
    assert own.questions == {"1": "一", "2": "二", "3": "三"}
    assert own.expected == {"1": "00000", "2": "00000", "3": "00001"}
    other = load_questions(en, contexts=zh)
    assert other.questions == {"1": "one", "3": "three", "4": "four"}
    assert other.expected == {"1": "00000", "3": "00001", "4": "00001"}


def test_every_second_begins_with_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "set.json", ("甲", {str(n): f"問{n}" for n in range(5)}))
    assert list(load_questions(path, contexts=path, every=2).questions) == ["0", "2", "4"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"data": 3}', '{"data": [{"paragraphs": [{"context": "x"}]}]}'),
        '{"data": [{"paragraphs": [{"context": null, "qas": []}]}]}',
        '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": "1", "question": 7}]}]}]}',
        '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1, "question": "?"}]}]}]}',
    ],
)
def test_what_is_no_question_set_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QuestionSetError, match="is no question set in SQuAD layout"):
        load_contexts(path)


def test_empty_and_unrelated_sets_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", ("甲", {"1": "一"}))
    two = write(tmp_path / "two.json", ("乙", {"2": "二"}))
    with pytest.raises(QuestionSetError, match=r"No question of .*two\.json has an id that stands"):
        load_questions(two, contexts=one)
    with pytest.raises(QuestionSetError, match="Every 0th question"):
        load_questions(one, contexts=one, every=0)
    with pytest.raises(QuestionSetError, match="holds no context"):
        load_contexts(write(tmp_path / "none.json"))
    with pytest.raises(QuestionSetError, match="cannot be read"):
        load_contexts(tmp_path / "missing.json")
    with pytest.raises(QuestionSetError, match="Two question sets are called one"):
        load_sets([one, one], contexts=one)
