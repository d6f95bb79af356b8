"""Whether finding and confidence stay what they are as an index grows: ``benchmarks scale``.

The same questions are asked in indexes of each size. One that is larger than the contexts of a set
holds all of them and, beside them, other texts; smaller ones share the contexts out between them.
Measures only; ``scale_report.py`` writes what was measured down.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from benchmarks.quality import auroc_interval, versions_in_use
from benchmarks.samples import SetFiles, Told, name_arguments
from benchmarks.unread import unread
from index import EvaluationError, Index, QuestionSetError, Without, clean_question
from index.embedder import Embedder, Encoded
from index.models import load_embedder, model_setting
from qa.confidence import Evidence
from qa.confidence import gather as gather_evidence
from qa.evaluation import Interval, Outcome, interval
from qa.evaluation.bootstrap import SEED
from qa.evaluation.figures import Figures, compute_figures
from qa.evaluation.gold import Gold, gold_of_contexts, throw_away_index
from qa.evaluation.outcomes import ask_one
from qa.evaluation.question_sets import read_questions
from qa.evaluation.runner import draw
from qa.quotes import best_of_each, find_spans, read_for
from qa.retriever import RERANKED, find_candidates, to_query
from qa.weights import weights_for


@dataclass(frozen=True)
class Typical:
    """A number as it typically is; None where no question was asked so.

    Attributes:
        present: with the document that answers.
        hidden: with that document hidden.
    """

    present: float | None
    hidden: float | None


@dataclass(frozen=True)
class SizeFigures:
    """What a set gives in indexes of one size.

    Attributes:
        size: documents in an index.
        indexes: how many share the contexts of the set.
        passages: in one of them, in the mean.
        figures: of all questions.
        compared: share of questions whose document is among the passages compared token by token.
        auroc: of the confidence; None when no question could be asked without its document.
        confidence: its median.
        evidence: the median of each kind the confidence is computed from; of a flag the mean.
    """

    size: int
    indexes: int
    passages: float
    figures: Figures
    compared: Interval
    auroc: Interval | None
    confidence: Typical
    evidence: Mapping[str, Typical]


@dataclass(frozen=True)
class SetScale:
    """A set with its figures.

    Attributes:
        name: of the set.
        asked_of: the name of the set whose contexts it was asked of.
        contexts: how many there are.
        sizes: its figures, those of the smallest indexes first.
    """

    name: str
    asked_of: str
    contexts: int
    sizes: tuple[SizeFigures, ...]


@dataclass(frozen=True)
class Scale:
    """Everything that was measured.

    Attributes:
        sets: one entry a set.
        among: the name of the file or folder of other texts.
        limit: how many questions of a set were drawn by chance; None = all.
        weights: of each kind of evidence in the confidence.
        model: the embedding model's name and revision.
        versions: of Python and of what does the work.
        arguments: of the command, with file names only.
    """

    sets: tuple[SetScale, ...]
    among: str
    limit: int | None
    weights: Mapping[str, float]
    model: str
    versions: Mapping[str, str]
    arguments: str


@dataclass(frozen=True)
class Asked:
    """A set, its contexts, and the questions drawn; their documents are as yet the contexts."""

    files: SetFiles
    contexts: tuple[str, ...]
    golds: Sequence[Gold]


@dataclass
class _Answers:
    """What the questions of a set gave in indexes of one size."""

    passages: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    present: list[Evidence] = field(default_factory=list)
    hidden: list[Evidence] = field(default_factory=list)


class KnownQuestions(Embedder):
    """An embedder that encodes no question twice: each is asked in an index of every size."""

    def __init__(self, embedder: Embedder) -> None:
        self.__dict__.update(vars(embedder))
        self._encoded_query = lru_cache(maxsize=None)(super().encode_query_tokens)

    def encode_query_tokens(self, query: str) -> Encoded:
        """Return a question's vector and its token vectors."""
        return self._encoded_query(query)


@unread()
def measure_scale(
    files: Sequence[SetFiles],
    *,
    among: str,
    texts: Sequence[str],
    sizes: Sequence[int],
    limit: int | None,
    embedding_cache: Path | None,
    told: Told = lambda _: None,
) -> Scale:
    """Ask question sets in indexes that grow.

    Args:
        files: the sets, at least one.
        among: what the other texts are called.
        texts: the other texts; what a smaller index holds of them, a larger one holds too.
        sizes: how many documents the indexes hold.
        limit: how many questions of each set, drawn by chance; None = all.
        embedding_cache: the file that keeps embeddings; None = none are kept.
        told: called with what is being done.

    Raises:
        YinzhengError: a set cannot be used, or there are too few other texts.
    """
    sets = [_read(one, limit) for one in files]
    others = list(texts)
    random.Random(SEED).shuffle(others)  # noqa: S311 - the same texts have to be drawn again
    ordered = sorted(set(sizes))
    _check_enough(sets, others, among, ordered)
    questions = KnownQuestions(load_embedder(model_setting(None), allow_download=True))
    measured: dict[str, list[SizeFigures]] = {one.files.name: [] for one in sets}
    for contexts in dict.fromkeys(one.contexts for one in sets):
        sharing = [one for one in sets if one.contexts == contexts]
        for size in ordered:
            answers = {one.files.name: _Answers() for one in sharing}
            for documents in fill(contexts, others, size):
                told(f"{', '.join(answers)}: an index of {len(documents):,} documents")
                _ask_index(documents, sharing, answers, questions, embedding_cache)
            for name, given in answers.items():
                measured[name].append(_figures(size, given))
    return Scale(
        sets=tuple(_set_scale(one, measured[one.files.name]) for one in sets),
        among=among,
        limit=limit,
        weights=weights_for(questions.name, questions.revision).confidence,
        model=f"{questions.name}, revision {questions.revision}",
        versions=versions_in_use(),
        arguments=_arguments(files, among, ordered, limit),
    )


def _set_scale(one: Asked, measured: Sequence[SizeFigures]) -> SetScale:
    asked_of = one.files.contexts or one.files.questions
    return SetScale(one.files.name, asked_of.stem, len(one.contexts), tuple(measured))


def _arguments(
    files: Sequence[SetFiles], among: str, sizes: Sequence[int], limit: int | None
) -> str:
    listed = ",".join(map(str, sizes))
    return " ".join([*name_arguments(files, limit), f"--among {among}", f"--sizes {listed}"])


def _read(files: SetFiles, limit: int | None) -> Asked:
    asked = read_questions(files.questions, contexts=files.contexts)
    if any(question.context is None for question in asked.questions):
        raise QuestionSetError(
            f"{files.questions} has questions but no contexts. Give a file in SQuAD layout, or "
            "name one with the contexts behind it."
        )
    themselves = {text: text for text in asked.contexts}
    golds = draw(gold_of_contexts(asked.questions, themselves), limit, SEED)
    return Asked(files, asked.contexts, golds)


def _check_enough(
    sets: Sequence[Asked], others: Sequence[str], among: str, sizes: Sequence[int]
) -> None:
    fewest = min(sets, key=lambda one: len(one.contexts))
    different = len(set(others) - set(fewest.contexts))
    if sizes[-1] > len(fewest.contexts) + different:
        raise EvaluationError(
            f"{fewest.files.name} has {len(fewest.contexts):,} contexts and {among} "
            f"{different:,} other texts, too few for an index of {sizes[-1]:,} documents. "
            "Give more texts (--among), or smaller sizes (--sizes)."
        )


def fill(contexts: Sequence[str], others: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the documents of as few indexes of one size as hold all contexts.

    Args:
        contexts: shared out evenly, neighbours together.
        others: what the rest of each index is filled with, always from the first one on.
        size: documents in an index.
    """
    own = set(contexts)
    beside = [text for text in others if text not in own]
    parts = -(-len(contexts) // size)
    bounds = [round(len(contexts) * part / parts) for part in range(parts + 1)]
    for start, end in pairwise(bounds):
        yield [*contexts[start:end], *beside[: size - (end - start)]]


def _ask_index(
    texts: Sequence[str],
    sharing: Sequence[Asked],
    answers: Mapping[str, _Answers],
    questions: Embedder,
    cache: Path | None,
) -> None:
    """Build an index and ask it every question whose context it holds."""
    held = set(texts)
    if not any(gold.documents <= held for one in sharing for gold in one.golds):
        return
    with throw_away_index(texts, embedding_cache=cache) as (opened, documents):
        opened.use_embedder(questions)
        for one in sharing:
            given = answers[one.files.name]
            given.passages.append(len(opened))
            for gold in one.golds:
                if gold.documents <= held:
                    ids = frozenset(documents[text] for text in gold.documents)
                    _ask(opened, replace(gold, documents=ids), given)


def _ask(opened: Index, gold: Gold, given: _Answers) -> None:
    given.outcomes.append(ask_one(gold, opened))
    given.present.extend(_evidence(opened, gold))
    others = Without(opened, gold.documents)
    if len(others):
        given.hidden.extend(_evidence(others, gold))


def _evidence(opened: Index, gold: Gold) -> Iterator[Evidence]:
    """Yield what the confidence is computed from, unless nothing is found at all."""
    text = clean_question(gold.question.text)
    query = to_query(opened, text)
    candidates = find_candidates(opened, query, RERANKED)
    spans = best_of_each(find_spans(opened, query, text, candidates[: read_for(text)]))
    if spans and query.terms:
        yield gather_evidence(text, query, candidates, spans)


def _figures(size: int, given: _Answers) -> SizeFigures:
    outcomes = given.outcomes
    hidden = [o.confidence_removed for o in outcomes if o.confidence_removed is not None]
    return SizeFigures(
        size=size,
        indexes=len(given.passages),
        passages=fmean(given.passages),
        figures=compute_figures(outcomes, seed=SEED),
        compared=interval([o.rank is not None for o in outcomes]),
        auroc=auroc_interval(outcomes),
        confidence=Typical(
            median(o.confidence for o in outcomes), median(hidden) if hidden else None
        ),
        evidence={
            kind.name: Typical(
                _typical(kind.name, given.present), _typical(kind.name, given.hidden)
            )
            for kind in fields(Evidence)
        },
    )


def _typical(name: str, evidence: Sequence[Evidence]) -> float | None:
    if not evidence:
        return None
    values = [float(getattr(one, name)) for one in evidence]
    return fmean(values) if name.startswith("is_") else median(values)
