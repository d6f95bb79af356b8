"""Questions with the place of their answer, and which of them are kept for measuring.

Texts are folded, as the embedding model reads everything here; folding moves no character, so that
places stay what they were.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index import QuestionSetError, fold

_FIFTH = 5


@dataclass(frozen=True)
class Example:
    """A question and a context.

    Attributes:
        id: identifies it in its set.
        question: folded.
        context: folded.
        answers: where accepted answers stand in the context, (start, end) each; none = nowhere.
        article: what the context is taken from.
        source: name of the set.
    """

    id: str
    question: str
    context: str
    answers: tuple[tuple[int, int], ...]
    article: str
    source: str


def read_examples(path: Path, *, contexts: Path | None = None) -> list[Example]:
    """Read a set in SQuAD layout.

    Args:
        path: of the questions.
        contexts: a set whose contexts and answers stand for those of ``path``, matched by id.

    Raises:
        QuestionSetError: it is in another layout, or no question of it has a context.
    """
    found = list(_read(path))
    if contexts is not None:
        others = {one.id: one for one in _read(contexts)}
        found = [
            Example(one.id, one.question, other.context, other.answers, one.article, one.source)
            for one in found
            if (other := others.get(one.id)) is not None
        ]
    if not found:
        raise QuestionSetError(f"{path} holds no question with its context. Give a SQuAD file.")
    return found


def _read(path: Path) -> Iterator[Example]:
    with _of_known_layout(path):
        for article, context, asked in _asked(json.loads(path.read_text(encoding="utf-8"))):
            yield Example(
                id=str(asked["id"]),
                question=fold(str(asked["question"])),
                context=fold(context),
                answers=tuple(_places(context, asked["answers"])),
                article=article,
                source=path.stem,
            )


@contextmanager
def _of_known_layout(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise QuestionSetError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Give a set in SQuAD layout."
        ) from error


def _asked(content: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:  # noqa: ANN401
    """Yield the article, the context and the entry of each question."""
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            context = str(paragraph["context"])
            for asked in paragraph["qas"]:
                yield fold(str(article.get("title") or context[:40])), context, asked


def write_held_out(path: Path, out: Path) -> tuple[int, int]:
    """Write a set without the questions that are trained on; return how many stay, and go.

    Their contexts stay, to be searched: the questions are emptied.

    Args:
        path: a set in SQuAD layout.
        out: what is written.

    Raises:
        QuestionSetError: it is in another layout.
    """
    counts = {True: 0, False: 0}
    with _of_known_layout(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        for article, _, asked in _asked(content):
            counts[_is_kept(article)] += 1
            if not _is_kept(article):
                asked["question"] = ""
    out.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return counts[True], counts[False]


def _places(context: str, answers: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield where answers stand; of one that stands elsewhere than is said, the nearest place."""
    seen = set()
    for answer in answers:
        text, said = str(answer["text"]), int(answer["answer_start"])
        starts = [at for at in range(len(context)) if context.startswith(text, at)]
        if not text or not starts:
            continue
        start = min(starts, key=lambda at: abs(at - said))
        if (start, start + len(text)) not in seen:
            seen.add((start, start + len(text)))
            yield start, start + len(text)


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Write examples in SQuAD layout."""
    data = [
        {
            "title": one.article,
            "paragraphs": [
                {
                    "context": one.context,
                    "qas": [
                        {
                            "id": one.id,
                            "question": one.question,
                            "answers": [
                                {"text": one.context[start:end], "answer_start": start}
                                for start, end in one.answers
                            ],
                        }
                    ],
                }
            ],
        }
        for one in examples
    ]
    path.write_text(json.dumps({"data": data}, ensure_ascii=False), encoding="utf-8")


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return what is trained on, and a fifth of the articles, which never is.

    An article is on one side in every set and language it occurs in.
    """
    kept = {article for article in {one.article for one in examples} if _is_kept(article)}
    trained = [one for one in examples if one.article not in kept]
    return trained, [one for one in examples if one.article in kept]


def _is_kept(article: str) -> bool:
    digest = hashlib.sha256(article.encode("utf-8", "replace")).digest()
    return digest[0] % _FIFTH == 0
