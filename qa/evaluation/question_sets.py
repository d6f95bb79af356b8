"""Files of questions: SQuAD layout, a JSON list, or CSV, told apart by what they hold.

    {"data": [{"paragraphs": [{"context": …, "qas": [{"id": …, "question": …, "answers": …}]}]}]}
    [{"question": …, "expected": … or [… , …], "document": …}, …]
    question,expected,document

SQuAD layout is that of Rajpurkar et al. (2016). ``expected`` is text the quote should hold, word
for word but for script and width; ``document``, which may be left out, is the name or the path of
the file it stands in.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index import QuestionSetError

_LAYOUTS = "SQuAD layout, a JSON list of objects, or CSV with the columns question and expected"


@dataclass(frozen=True)
class Question:
    """A question with what is known of its answer.

    Attributes:
        id: identifies it in its file.
        text: what is asked.
        expected: the accepted answers, as the documents write them.
        context: the text the answer stands in, in SQuAD layout.
        document: name or path of the file the answer stands in, if the set says so.
    """

    id: str
    text: str
    expected: tuple[str, ...]
    context: str | None = None
    document: str | None = None


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a file.

    Attributes:
        questions: all that ask something.
        contexts: the distinct contexts, in order; none unless the file is in SQuAD layout.
        left_out: how many questions were empty.
    """

    questions: tuple[Question, ...]
    contexts: tuple[str, ...]
    left_out: int


def read_questions(path: str | Path, *, contexts: str | Path | None = None) -> QuestionSet:
    """Read a file of questions.

    Args:
        path: the questions.
        contexts: a file in SQuAD layout whose contexts and answers stand for those of ``path``,
            matched by the questions' ids: for questions in another language than the documents.

    Raises:
        QuestionSetError: a file has none of the layouts, a question has no expected answer or no
            context, or there is no question at all.
    """
    path = Path(path)
    read = list(_read(path))
    if contexts is not None:
        read = _with_contexts(read, path, Path(contexts))
    asked = [question for question in read if question.text]
    if not asked:
        raise QuestionSetError(f"{path} holds no question. Give a file in {_LAYOUTS}.")
    without = next((question for question in asked if not question.expected), None)
    if without is not None:
        raise QuestionSetError(
            f"Question {without.id} in {path} ({without.text[:40]}) has no expected answer. "
            "Add the text its quote should hold, or leave the question out."
        )
    distinct = dict.fromkeys(q.context for q in read if q.context is not None)
    return QuestionSet(tuple(asked), tuple(distinct), len(read) - len(asked))


def _with_contexts(read: Sequence[Question], path: Path, contexts: Path) -> list[Question]:
    known = {question.id: question for question in _read(contexts)}
    strange = [question.id for question in read if question.id not in known]
    if strange or any(question.context is None for question in known.values()):
        fact = (
            f"{len(strange)} of the {len(read)} questions in {path}, {strange[0]} for one, are not "
            f"in {contexts}"
            if strange
            else f"{contexts} holds no contexts"
        )
        raise QuestionSetError(
            f"{fact}. Both files must be in SQuAD layout and name a question by the same id."
        )
    texts = {question.id: question.text for question in read}
    return [
        Question(id_, texts.get(id_, ""), question.expected, question.context)
        for id_, question in known.items()
        if id_ in texts
    ]


def _read(path: Path) -> Iterator[Question]:
    text = _decoded(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if path.suffix.lower() == ".json":
            raise QuestionSetError(
                f"{path} is not JSON: {error}. Give a file in {_LAYOUTS}."
            ) from error
        yield from _rows(path, text)
        return
    try:
        yield from _squad(content) if isinstance(content, dict) else _objects(path, content)
    except (KeyError, TypeError, AttributeError) as error:
        raise QuestionSetError(
            f"{path} is JSON, but not in a layout known here ({type(error).__name__}: {error}). "
            f"Give a file in {_LAYOUTS}."
        ) from error


def _decoded(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuestionSetError(f"{path} is not text in UTF-8. Save it in UTF-8.") from error
    except FileNotFoundError as error:
        raise QuestionSetError(f"{path} does not exist. Check the path.") from error


def _squad(content: dict[str, Any]) -> Iterator[Question]:
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            context = str(paragraph["context"])
            for asked in paragraph["qas"]:
                answers = _texts([answer["text"] for answer in asked["answers"]])
                yield Question(str(asked["id"]), asked["question"].strip(), answers, context)


def _objects(path: Path, content: object) -> Iterator[Question]:
    if not isinstance(content, list):
        raise QuestionSetError(f"{path} holds a {type(content).__name__}. Give {_LAYOUTS}.")
    for number, row in enumerate(content, start=1):
        yield _from_row(path, row, row.get("id", number))


def _rows(path: Path, text: str) -> Iterator[Question]:
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        columns = [column.strip().lower() for column in next(rows, [])]
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _from_row(path, dict(zip(columns, row, strict=False)), rows.line_num)
    except csv.Error as error:
        raise QuestionSetError(
            f"{path}, line {rows.line_num}, is not CSV: {error}. Give a file in {_LAYOUTS}."
        ) from error


def _from_row(path: Path, row: dict[str, Any], id_: object) -> Question:
    missing = [column for column in ("question", "expected") if column not in row]
    if missing:
        raise QuestionSetError(
            f"{path}: question {id_} has no {' and no '.join(missing)}. Give {_LAYOUTS}."
        )
    expected = row["expected"]
    answers = _texts(expected if isinstance(expected, list) else [expected])
    document = str(row.get("document") or "").strip() or None
    return Question(str(id_), row["question"].strip(), answers, document=document)


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
