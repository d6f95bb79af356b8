"""How well passages are found and quoted, on question sets in SQuAD layout.

    python -m benchmarks.retrieval CONTEXTS.json [--questions QUESTIONS.json] [--limit N]

Builds a throw-away index with one document for each context, asks every question through the public
functions, and prints: R@1 and R@5 by document; how often the first quote, and any quote, holds the
expected answer; how often an answerable question is refused; the length of the first quote; time.
``--questions`` takes the questions from another file, matched by id: the same ones in English, say.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index import build_index, fold, open_index
from qa import Answer, ask


@dataclass(frozen=True)
class Question:
    """A question, the file its answer stands in, and the accepted answers."""

    text: str
    path: Path
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What one question gave."""

    answer: Answer
    rank: int | None
    is_first_right: bool
    is_any_right: bool
    seconds: float


def paragraphs(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the paragraphs of a file in SQuAD layout."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        yield from article["paragraphs"]


def lay_out(contexts: Path, questions: Path, folder: Path) -> list[Question]:
    """Write one file for each context; return the questions."""
    asked = {qa["id"]: qa["question"] for part in paragraphs(questions) for qa in part["qas"]}
    found: list[Question] = []
    for number, part in enumerate(paragraphs(contexts)):
        path = folder / f"{number:05}.txt"
        path.write_text(part["context"], encoding="utf-8")
        for qa in part["qas"]:
            if asked.get(qa["id"], "").strip():  # some sets hold a few empty questions
                answers = tuple(fold(answer["text"]) for answer in qa["answers"])
                found.append(Question(asked[qa["id"]], path.resolve(), answers))
    return found


def ask_one(question: Question, index: Any) -> Outcome:  # noqa: ANN401
    """Ask one question and judge what came."""
    started = time.perf_counter()
    answer = ask(question.text, index=index, top_k=20)
    seconds = time.perf_counter() - started
    documents = list(dict.fromkeys(hit.document.path for hit in answer.hits))
    rank = documents.index(str(question.path)) + 1 if str(question.path) in documents else None
    right = [
        any(expected in fold(citation.quote) for expected in question.answers)
        for citation in answer.citations
    ]
    return Outcome(answer, rank, any(right[:1]), any(right), seconds)


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the figures of a run."""

    def share(values: Sequence[bool]) -> float:
        return round(sum(values) / len(values), 4)

    answered = [o for o in outcomes if o.answer.status == "answered"]
    wrong = [
        c
        for o in answered
        for c in o.answer.citations
        if c.document.text[c.start : c.end] != c.quote
    ]
    return {
        "questions": len(outcomes),
        "R@1": share([o.rank == 1 for o in outcomes]),
        "R@5": share([o.rank is not None and o.rank <= 5 for o in outcomes]),
        "first quote answers": share([o.is_first_right for o in outcomes]),
        "any quote answers": share([o.is_any_right for o in outcomes]),
        "refused": share([o.answer.status == "not_found" for o in outcomes]),
        "quotes an answer": round(statistics.mean(len(o.answer.citations) for o in answered), 2),
        "characters in the first quote": round(
            statistics.mean(len(o.answer.citations[0].quote) for o in answered), 1
        ),
        "quotes that are not verbatim": len(wrong),
        "median milliseconds": round(1000 * statistics.median(o.seconds for o in outcomes)),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("contexts", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--limit", type=int, help="ask this many, chosen by chance (seeded)")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "documents"
        folder.mkdir()
        questions = lay_out(parsed.contexts, parsed.questions or parsed.contexts, folder)
        if parsed.limit and parsed.limit < len(questions):
            questions = random.Random(1).sample(questions, parsed.limit)  # noqa: S311
        report = build_index(folder, index_dir=Path(scratch) / "index")
        print(f"{report.documents} documents indexed in {report.seconds:.0f} s", file=sys.stderr)
        with open_index(Path(scratch) / "index") as index:
            figures = summary([ask_one(question, index) for question in questions])
    for name, value in figures.items():
        print(f"{name:<32}{value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
