"""A file of questions → an evaluation: the whole way on one screen."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index import (
    EvaluationError,
    Index,
    IndexPlace,
    Progress,
    QuestionError,
    QuestionSetError,
    TokenVectorKind,
    open_index,
)
from qa.confidence import THRESHOLDS
from qa.evaluation.bootstrap import SEED
from qa.evaluation.figures import Figures, compute_figures
from qa.evaluation.gold import Gold, gold_of_contexts, gold_of_index, throw_away_index
from qa.evaluation.noise import Noise, add_noise
from qa.evaluation.outcomes import TOP_K, Outcome, ask_one
from qa.evaluation.question_sets import QuestionSet, read_questions


@dataclass(frozen=True)
class Settings:
    """What was measured, and with what.

    Attributes:
        questions: the file of questions.
        contexts: the file of contexts, if another.
        index: the index folder; None = a throw-away index of the contexts.
        limit: how many questions were drawn by chance; None = all.
        seed: of what was drawn by chance.
        threshold: the shipped one: below this confidence a question is refused.
        top_k: how many hits were looked at.
        model: the embedding model's name.
        model_revision: identifies its weights.
        documents: how many documents were indexed.
        passages: how many passages.
        token_vectors: how the index stores token vectors, ``int8`` or ``pq``.
        left_out: how many questions were empty and not asked.
        unplaced: how many questions have an answer that stands in no document of the index.
        noise: what was put into contexts or questions, if anything.
    """

    questions: str
    contexts: str | None
    index: str | None
    limit: int | None
    seed: int
    threshold: float
    top_k: int
    model: str
    model_revision: str
    documents: int
    passages: int
    token_vectors: TokenVectorKind
    left_out: int
    unplaced: int
    noise: Noise | None = None


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave: settings, figures, and one outcome a question."""

    settings: Settings
    figures: Figures
    outcomes: tuple[Outcome, ...]


def evaluate(
    questions: str | Path,
    *,
    contexts: str | Path | None = None,
    index: str | IndexPlace | None = None,
    token_vectors: TokenVectorKind | None = None,
    limit: int | None = None,
    seed: int = SEED,
    noise: Noise | None = None,
    embedding_cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Ask every question of a file, with and without the documents that hold its answer.

    Args:
        questions: SQuAD layout, a JSON list, or CSV; ``question_sets.py`` describes them.
        contexts: a file in SQuAD layout whose contexts and answers are taken, matched by id.
        index: the index folder to ask; None = a throw-away index, one document a context.
        token_vectors: how the throw-away index stores token vectors; None = ``int8``.
        limit: ask this many, drawn by chance; None = all.
        seed: the same seed draws the same questions, and noise.
        noise: put into contexts or questions before they are indexed or asked; None = none is.
        embedding_cache: the file that keeps embeddings of throw-away indexes;
            None = nothing is kept.
        progress: called as the work goes on, with the stage ``ask`` after those of a build.

    Raises:
        QuestionSetError: a file of questions cannot be used.
        EvaluationError: the arguments do not go together, or a question cannot be asked.
        IndexNotFoundError: the folder named holds no index.
    """
    _check(index, contexts=contexts, token_vectors=token_vectors, limit=limit, noise=noise)
    asked = read_questions(questions, contexts=contexts)
    if noise is not None:
        asked = add_noise(asked, noise, seed)
    cache = None if embedding_cache is None else Path(embedding_cache)
    kind = token_vectors or "int8"
    with _placed(asked, questions, index, token_vectors=kind, cache=cache, progress=progress) as (
        opened,
        placed,
    ):
        golds = draw(placed, limit, seed)
        outcomes = tuple(_ask_all(golds, opened, progress))
        info = opened.info
    settings = Settings(
        questions=str(questions),
        contexts=None if contexts is None else str(contexts),
        index=None if index is None else str(index),
        limit=limit,
        seed=seed,
        threshold=THRESHOLDS["balanced"],
        top_k=TOP_K,
        model=info.model,
        model_revision=info.model_revision,
        documents=info.documents,
        passages=info.passages,
        token_vectors=info.token_vectors,
        left_out=asked.left_out,
        unplaced=sum(not gold.documents for gold in golds),
        noise=noise,
    )
    return Evaluation(settings, compute_figures(outcomes, seed=seed), outcomes)


def _check(
    index: str | IndexPlace | None,
    *,
    contexts: str | Path | None,
    token_vectors: TokenVectorKind | None,
    limit: int | None,
    noise: Noise | None,
) -> None:
    """Say before the work that arguments do not go together."""
    if limit is not None and limit < 1:
        raise EvaluationError(f"The limit is {limit}. Ask at least 1 question.")
    if index is None:
        return
    if contexts is not None:
        raise EvaluationError("Give contexts to build an index from, or an index, not both.")
    if token_vectors is not None:
        raise EvaluationError(
            f"The index {index} has its token vectors already. Leave --token-vectors out, or build "
            f"it again: python -m index build PATH --token-vectors {token_vectors}"
        )
    if noise is not None and noise.where == "contexts":
        raise EvaluationError(
            "The documents of an index cannot be changed. Put the noise into the questions: "
            "--noise-in questions"
        )


@contextmanager
def _placed(
    asked: QuestionSet,
    path: str | Path,
    index: str | IndexPlace | None,
    *,
    token_vectors: TokenVectorKind,
    cache: Path | None,
    progress: Progress | None,
) -> Iterator[tuple[Index, list[Gold]]]:
    """Open the index to ask, with where each answer stands in it."""
    if index is not None:
        with open_index(index) as opened:
            yield opened, gold_of_index(asked.questions, opened)
        return
    if any(question.context is None for question in asked.questions):
        raise QuestionSetError(
            f"{path} has questions but no contexts to build an index from. "
            "Name the index to ask: --index DIR"
        )
    with throw_away_index(
        asked.contexts, token_vectors=token_vectors, embedding_cache=cache, progress=progress
    ) as (opened, documents):
        yield opened, gold_of_contexts(asked.questions, documents)


def draw(golds: list[Gold], limit: int | None, seed: int) -> list[Gold]:
    """Return this many questions drawn by chance, in their order; None = all."""
    if limit is None or limit >= len(golds):
        return golds
    # Not for secrets: the same questions have to be drawn again.
    drawn = random.Random(seed).sample(range(len(golds)), limit)  # noqa: S311
    return [golds[number] for number in sorted(drawn)]


def _ask_all(golds: Sequence[Gold], opened: Index, progress: Progress | None) -> Iterator[Outcome]:
    # The first question of a process loads model and dictionaries, which is no part of asking.
    _ask_one(golds[0], opened)
    for done, gold in enumerate(golds, start=1):
        # Before the first one stands the last: every question is asked after another.
        before = golds[done - 2].question.text if len(golds) > 1 else None
        yield _ask_one(gold, opened, before)
        if progress is not None:
            progress("ask", done, len(golds))


def _ask_one(gold: Gold, opened: Index, before: str | None = None) -> Outcome:
    try:
        return ask_one(gold, opened, before)
    except QuestionError as error:  # it does not say which of hundreds
        raise EvaluationError(f"Question {gold.question.id}: {error}") from error
