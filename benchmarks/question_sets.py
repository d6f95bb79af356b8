"""Question sets in SQuAD layout: contexts, and questions that each belong to one of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index import YinzhengError


class QuestionSetError(YinzhengError):
    """A question set cannot be read, or holds nothing to ask."""


@dataclass(frozen=True)
class QuestionSet:
    """Questions with the context that answers each.

    Attributes:
        name: the file's name without its ending.
        questions: id → question, in the order of the contexts.
        expected: id → id of the context the question belongs to.
    """

    name: str
    questions: dict[str, str]
    expected: dict[str, str]


def load_contexts(path: Path) -> dict[str, str]:
    """Return id → text for every context of a file; the id is its number in the file.

    Raises:
        QuestionSetError: the file cannot be read as a question set, or holds no context.
    """
    contexts = {f"{n:05}": part["context"] for n, part in enumerate(_paragraphs(path))}
    if not contexts:
        raise QuestionSetError(f"{path} holds no context. Name a file with paragraphs.")
    return contexts


def load_questions(path: Path, *, contexts: Path, every: int = 1) -> QuestionSet:
    """Return the questions of a file that belong, by their id, to the contexts of another.

    Args:
        path: where the questions' words come from: the same questions in English, say.
        contexts: the file whose contexts they are asked of.
        every: keep each ``every``-th question only, the first included.

    Raises:
        QuestionSetError: a file cannot be read as a question set, or no question is left.
    """
    if every < 1:
        raise QuestionSetError(f"Every {every}th question cannot be asked. Give 1 or more.")
    asked = {qa["id"]: qa["question"] for part in _paragraphs(path) for qa in part["qas"]}
    belongs = [
        (qa["id"], f"{number:05}")
        for number, part in enumerate(_paragraphs(contexts))
        for qa in part["qas"]
        if asked.get(qa["id"], "").strip()  # some sets hold a few empty questions
    ][::every]
    if not belongs:
        raise QuestionSetError(
            f"No question of {path} has an id that stands in {contexts}. "
            "Name two files with the same questions."
        )
    return QuestionSet(path.stem, {key: asked[key] for key, _ in belongs}, dict(belongs))


def load_sets(paths: Sequence[Path], *, contexts: Path, every: int = 1) -> list[QuestionSet]:
    """Return one set for each file, as ``load_questions`` does; a set is known by its name.

    Raises:
        QuestionSetError: as ``load_questions``, or two files have the same name.
    """
    sets = [load_questions(path, contexts=contexts, every=every) for path in paths]
    names = [one.name for one in sets]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise QuestionSetError(f"Two question sets are called {twice}. Rename one of the files.")
    return sets


def _paragraphs(path: Path) -> Iterator[dict[str, Any]]:
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        parts = [part for article in articles for part in article["paragraphs"]]
        for part in parts:
            _check(part)
    except OSError as error:
        raise QuestionSetError(
            f"{path} cannot be read ({error.strerror}). Name a question set in SQuAD layout."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise QuestionSetError(
            f"{path} is no question set in SQuAD layout (data, paragraphs, context, qas). "
            "Name one that is."
        ) from error
    yield from parts


def _check(part: dict[str, Any]) -> None:
    texts = [part["context"], *(qa[key] for qa in part["qas"] for key in ("id", "question"))]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
