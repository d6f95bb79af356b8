"""Where the answers of a question set stand in the index that is asked."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index import (
    EvaluationError,
    Index,
    Progress,
    QuestionSetError,
    TokenVectorKind,
    build_index,
    fold,
    open_index,
)
from qa.evaluation.question_sets import Question
from qa.types import Answer


@dataclass(frozen=True)
class Gold:
    """A question and where its answer stands.

    Attributes:
        question: as the set has it.
        expected: the accepted answers, folded.
        documents: ids of the documents that hold the answer; none when no document does.
        is_named: whether the set says which document it is, or any that holds the text counts.
    """

    question: Question
    expected: tuple[str, ...]
    documents: frozenset[str]
    is_named: bool

    def is_in(self, text: str) -> bool:
        """Return whether a text holds an accepted answer, in either script and width."""
        folded = fold(text)
        return any(expected in folded for expected in self.expected)

    def rank(self, answer: Answer) -> int | None:
        """Return the rank of the first hit that counts, if any.

        Of a named document the rank is that among the distinct documents of the hits; otherwise it
        is that of the first passage which holds an accepted answer.
        """
        if not self.is_named:
            return next((hit.rank for hit in answer.hits if self.is_in(hit.passage.text)), None)
        distinct = dict.fromkeys(hit.document.id for hit in answer.hits)
        ranks = (rank for rank, id_ in enumerate(distinct, start=1) if id_ in self.documents)
        return next(ranks, None)


@contextmanager
def throw_away_index(
    contexts: Sequence[str],
    *,
    token_vectors: TokenVectorKind = "int8",
    embedding_cache: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Index, dict[str, str]]]:
    """Build an index with one document for each context; remove it afterwards.

    Gives the opened index, and the document id of each context.

    Raises:
        EvaluationError: a context cannot be indexed.
    """
    with tempfile.TemporaryDirectory(prefix="yinzheng-eval-") as scratch:
        folder = (Path(scratch) / "documents").resolve()
        folder.mkdir()
        paths = {str(folder / f"{n:06}.txt"): text for n, text in enumerate(contexts)}
        for path, text in paths.items():
            Path(path).write_text(text, encoding="utf-8", newline="")
        index_dir = Path(scratch) / "index"
        report = build_index(
            folder,
            index_dir=index_dir,
            token_vectors=token_vectors,
            progress=progress,
            embedding_cache=embedding_cache,
        )
        for failed in report.failed:
            raise EvaluationError(
                f"A context cannot be indexed: {paths[failed.path][:40]!r}: {failed.reason} "
                "Take it out of the file."
            )
        with open_index(index_dir) as opened:
            yield opened, {paths[path]: id_ for id_, _, path, _ in opened.document_list()}


def gold_of_contexts(questions: Iterable[Question], documents: dict[str, str]) -> list[Gold]:
    """Return where the answers stand in a throw-away index.

    Args:
        questions: each with its context.
        documents: the document id of each context.
    """
    return [
        Gold(q, _folded(q.expected), frozenset({documents[q.context or ""]}), is_named=True)
        for q in questions
    ]


def gold_of_index(questions: Sequence[Question], opened: Index) -> list[Gold]:
    """Return where the answers stand in a user's own index.

    Without a document named, every document that holds the expected text counts.

    Raises:
        QuestionSetError: a named document is not in the index.
    """
    paths = [(id_, Path(path)) for id_, _, path, _ in opened.document_list()]
    expected = [_folded(question.expected) for question in questions]
    holding = _documents_holding(
        {text for of_one in expected for text in of_one}, opened, [id_ for id_, _ in paths]
    )
    found = []
    for question, texts in zip(questions, expected, strict=True):
        if question.document is None:
            ids = frozenset(id_ for text in texts for id_ in holding[text])
        else:
            ids = _named(question, question.document, paths)
        found.append(Gold(question, texts, ids, is_named=question.document is not None))
    return found


def _documents_holding(
    texts: Iterable[str], opened: Index, ids: Sequence[str]
) -> dict[str, list[str]]:
    holding: dict[str, list[str]] = {text: [] for text in texts}
    for id_ in ids:
        folded = fold(opened.document(id_).text)
        for text, found in holding.items():
            if text in folded:
                found.append(id_)
    return holding


def _named(question: Question, document: str, paths: Sequence[tuple[str, Path]]) -> frozenset[str]:
    wanted = Path(document).expanduser()
    whole = [id_ for id_, path in paths if path in (wanted, wanted.absolute())]
    ids = whole or [id_ for id_, path in paths if path.parts[-len(wanted.parts) :] == wanted.parts]
    if not ids:
        known = ", ".join(path.name for _, path in paths[:3])
        raise QuestionSetError(
            f"Question {question.id} names the document {document!r}, which is not among the "
            f"{len(paths):,} of the index ({known}, …). Give its file name or its path."
        )
    return frozenset(ids)


def _folded(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(text) for text in texts))
