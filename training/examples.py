"""Questions with the place of their answer, and which of them are kept for measuring.

Texts are folded, as the embedding model reads everything here; folding moves no character, so that
places stay what they were.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        for article in held["data"]:
            for paragraph in article["paragraphs"]:
                context = str(paragraph["context"])
                for asked in paragraph["qas"]:
                    yield Example(
                        id=str(asked["id"]),
                        question=fold(str(asked["question"])),
                        context=fold(context),
                        answers=tuple(_places(context, asked["answers"])),
                        article=fold(str(article.get("title") or context[:40])),
                        source=path.stem,
                    )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise QuestionSetError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Give a set in SQuAD layout."
        ) from error


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
