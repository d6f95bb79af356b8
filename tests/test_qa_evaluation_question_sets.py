"""Files of questions, and what is said of those that are none."""

import json
from pathlib import Path

import pytest
from squad_files import squad

from index import QuestionSetError
from qa.evaluation import Question, read_questions


def test_squad(tmp_path: Path) -> None:
    path = squad(
        tmp_path,
        "a.json",
        ("甲文。", [("1", " 甲? ", ["文", "文 ", ""]), ("2", "  ", ["甲"])]),
        ("乙文。", [("3", "乙?", ["乙"])]),
        ("甲文。", [("4", "又?", ["甲"])]),
    )
    read = read_questions(path)
    assert read.questions == (
        Question("1", "甲?", ("文",), "甲文。"),
        Question("3", "乙?", ("乙",), "乙文。"),
        Question("4", "又?", ("甲",), "甲文。"),
    )
    assert read.contexts == ("甲文。", "乙文。")
    assert read.left_out == 1


def test_contexts_from_another_file(tmp_path: Path) -> None:
    english = squad(tmp_path, "en.json", ("A.", [("1", "Which?", ["A"])]))
    chinese = squad(
        tmp_path, "zh.json", ("甲。", [("1", "哪?", ["甲"])]), ("乙。", [("2", "誰?", ["乙"])])
    )
    read = read_questions(english, contexts=chinese)
    assert read.questions == (Question("1", "Which?", ("甲",), "甲。"),)
    with pytest.raises(QuestionSetError, match=r"1 of the 2 questions .*, 2 for one, are not in"):
        read_questions(chinese, contexts=english)


def test_contexts_must_be_contexts(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"id": "1", "question": "甲?", "expected": "乙"}]', encoding="utf-8")
    with pytest.raises(QuestionSetError, match="holds no contexts"):
        read_questions(path, contexts=path)


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_csv(tmp_path: Path, start: str) -> None:
    path = tmp_path / "q.csv"
    text = 'Question, expected ,document\n"甲,乙?",文,a.txt\n\n丙?,丁,\n戊?,己\n'
    path.write_text(start + text, encoding="utf-8")
    assert read_questions(path).questions == (
        Question("2", "甲,乙?", ("文",), document="a.txt"),
        Question("4", "丙?", ("丁",)),
        Question("5", "戊?", ("己",)),
    )


def test_json_list(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    rows = [
        {"question": "甲?", "expected": ["文", "字"], "document": "a.txt"},
        {"id": "x", "question": "乙?", "expected": "丙", "other": 1},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert read_questions(path).questions == (
        Question("1", "甲?", ("文", "字"), document="a.txt"),
        Question("x", "乙?", ("丙",)),
    )


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("a.json", b"{not json", "is not JSON"),
        ("a.json", b"{}", "not in a layout known here"),
        ("a.json", b"[1]", "not in a layout known here"),
        ("a.json", b'"text"', "holds a str"),
        ("a.json", b"[]", "holds no question"),
        ("a.json", b'[{"question": "a"}]', "question 1 has no expected"),
        ("a.json", b'[{"question": 5, "expected": "a"}]', "not in a layout known here"),
        ("a.json", b'[{"question": "a", "expected": 5}]', "not in a layout known here"),
        ("a.json", b'[{"question": "a", "expected": " "}]', "Question 1 .* has no expected answer"),
        ("a.csv", b"question,answer\na,b\n", "question 2 has no expected"),
        ("a.csv", b'question,expected\n"a,b\n', "is not CSV"),
        ("a.csv", b"", "holds no question"),
        ("a.csv", "問題".encode("gbk"), "not text in UTF-8"),
    ],
)
def test_what_is_no_question_set(tmp_path: Path, name: str, content: bytes, fact: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(QuestionSetError, match=fact):
        read_questions(path)


def test_a_question_without_an_answer_and_a_missing_file(tmp_path: Path) -> None:
    path = squad(tmp_path, "a.json", ("甲。", [("7", "誰?", [])]))
    with pytest.raises(QuestionSetError, match=r"Question 7 .* \(誰\?\) has no expected answer"):
        read_questions(path)
    with pytest.raises(QuestionSetError, match="does not exist"):
        read_questions(tmp_path / "nowhere.csv")
