"""How good the shipped defaults are, and what each part adds: ``python -m benchmarks quality``.

Measures only; ``quality_report.py`` writes what was measured down.
"""

import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from benchmarks.ablation import Step, Trial, passage_steps, quote_steps, try_sample
from benchmarks.samples import (
    SetFiles,
    Told,
    ask_sample,
    by_tenths,
    name_arguments,
    opened_set,
    weigh,
)
from benchmarks.unread import unread
from index import EvaluationError, Index, Passage
from qa import retrieve
from qa.confidence import THRESHOLDS
from qa.evaluation import Evaluation, Interval, Outcome, evaluate, interval, paired_difference
from qa.evaluation.bootstrap import SEED, interval_of
from qa.evaluation.figures import compute_figures
from qa.evaluation.gold import Gold
from qa.evaluation.measures import auroc
from qa.evaluation.noise import KINDS, Kind, inject
from qa.types import Strictness

NOISE_RATE = 0.1
_PACKAGES = ("torch", "sentence-transformers", "faiss-cpu", "tantivy", "jieba", "numpy")


@dataclass(frozen=True)
class Rates:
    """What one strictness gives on one set.

    Attributes:
        threshold: the lowest confidence that is answered.
        false_refusals: share refused of the questions whose answer is there.
        false_answers: share answered with the documents that answer hidden; None when none could
            be asked so.
        right: share of the given answers whose first quote holds an answer; None when none is
            given.
    """

    threshold: float
    false_refusals: float
    false_answers: float | None
    right: float | None


@dataclass(frozen=True)
class SetQuality:
    """What was measured on one set.

    Attributes:
        name: of the set.
        contexts: the name of the set whose contexts it was asked of.
        evaluation: every question's outcome, and the figures.
        auroc: of the confidence; None when no question could be asked without its documents.
        strictness: the rates of each strictness.
        passages: R@1 of each way to rank passages.
        quotes: how often the first quote answers, for each way to choose it.
        bytes_a_passage: size of each part of the index.
    """

    name: str
    contexts: str
    evaluation: Evaluation
    auroc: Interval | None
    strictness: dict[Strictness, Rates]
    passages: dict[str, Step]
    quotes: dict[str, Step]
    bytes_a_passage: dict[str, float]


@dataclass(frozen=True)
class NoiseRow:
    """R@1 with noise of one kind, and the change from R@1 without noise."""

    documents: Interval
    documents_change: Interval
    questions: Interval
    questions_change: Interval


@dataclass(frozen=True)
class Noise:
    """What noise costs on one set: R@1 without it, and a row for each kind."""

    name: str
    clean: Interval
    rows: dict[Kind, NoiseRow]


@dataclass(frozen=True)
class Quality:
    """Everything that was measured.

    Attributes:
        sets: one entry a set.
        noise: on one of them.
        together: the outcomes of all sets as one evaluation, for the pictures.
        versions: of Python and of what does the work.
        processors: how many the machine has.
        arguments: of the command, with file names only.
    """

    sets: list[SetQuality]
    noise: Noise
    together: Evaluation
    versions: dict[str, str]
    processors: int
    arguments: str


@unread()
def measure_quality(
    files: Sequence[SetFiles],
    *,
    limit: int | None,
    noise_set: str | None,
    embedding_cache: Path | None,
    told: Told = lambda _: None,
) -> Quality:
    """Measure the shipped defaults on question sets.

    Args:
        files: the sets, at least one.
        limit: how many questions of each, drawn by chance; None = all.
        noise_set: the name of the set that is noised; None = the one with the fewest questions.
        embedding_cache: the file that keeps embeddings of throw-away indexes; None = none are kept.
        told: called with what is being done.

    Raises:
        YinzhengError: a set cannot be used.
    """
    _check_noise_set(files, noise_set)
    with tempfile.TemporaryDirectory(prefix="yinzheng-quality-") as scratch:
        # Each set is indexed twice in one run, so embeddings are kept for its length at least.
        cache = embedding_cache or Path(scratch) / "embeddings.sqlite"
        sets = [_measure_set(one, limit, cache, told) for one in files]
        fewest = min(sets, key=lambda one: one.evaluation.figures.questions).name
        (noised,) = (one for one in files if one.name == (noise_set or fewest))
        noise = _measure_noise(noised, limit, cache, told)
    return Quality(
        sets,
        noise,
        _together([one.evaluation for one in sets]),
        versions_in_use(),
        os.cpu_count() or 1,
        _arguments(files, limit, noise_set),
    )


def versions_in_use() -> dict[str, str]:
    """Return the version of Python and of each package that does the work."""
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in _PACKAGES}


def _check_noise_set(files: Sequence[SetFiles], noise_set: str | None) -> None:
    names = [one.name for one in files]
    if noise_set is not None and noise_set not in names:
        raise EvaluationError(
            f"There is no set {noise_set!r} to put noise into. Name one of: {', '.join(names)}."
        )


def _measure_set(files: SetFiles, limit: int | None, cache: Path, told: Told) -> SetQuality:
    evaluation = evaluate(
        files.questions,
        contexts=files.contexts,
        limit=limit,
        embedding_cache=cache,
        progress=by_tenths(told, files.name),
    )
    with opened_set(files, limit=limit, embedding_cache=cache) as (opened, golds):
        trials = list(_try_all(opened, golds, files.name, told))
        sizes = bytes_a_passage(opened)
    return SetQuality(
        files.name,
        (files.contexts or files.questions).stem,
        evaluation,
        auroc_interval(evaluation.outcomes),
        {name: rates_at(lowest, evaluation.outcomes) for name, lowest in THRESHOLDS.items()},
        passage_steps(trials),
        quote_steps(trials),
        sizes,
    )


def _try_all(opened: Index, golds: Sequence[Gold], name: str, told: Told) -> list[Trial]:
    known: dict[int, Passage] = {}
    progress = by_tenths(told, name)
    trials = []
    for done, gold in enumerate(golds, start=1):
        sample = ask_sample(opened, gold, known)
        trials.append(try_sample(opened, weigh(sample, sample.query.weights)))
        progress("ablation", done, len(golds))
    return trials


def auroc_interval(outcomes: Sequence[Outcome]) -> Interval | None:
    """Return the AUROC of the confidence, the questions drawn again with both their confidences."""
    both = [(o.confidence, o.confidence_removed) for o in outcomes]
    pairs = [(present, removed) for present, removed in both if removed is not None]
    if not pairs:
        return None
    return interval_of(auroc, [present for present, _ in pairs], [removed for _, removed in pairs])


def rates_at(lowest: float, outcomes: Sequence[Outcome]) -> Rates:
    """Return what a threshold gives; there must be at least one outcome."""
    given = [o for o in outcomes if o.confidence >= lowest]
    hidden = [o.confidence_removed for o in outcomes if o.confidence_removed is not None]
    return Rates(
        lowest,
        1 - len(given) / len(outcomes),
        sum(one >= lowest for one in hidden) / len(hidden) if hidden else None,
        sum(o.is_best_right for o in given) / len(given) if given else None,
    )


def bytes_a_passage(opened: Index) -> dict[str, float]:
    """Return the size of each file or folder of the generation that is open, for one passage."""
    sizes = sorted(opened.size().bytes_by_part.items())
    return {name: size / max(len(opened), 1) for name, size in sizes if size}


def _measure_noise(files: SetFiles, limit: int | None, cache: Path, told: Told) -> Noise:
    with opened_set(files, limit=limit, embedding_cache=cache) as (opened, golds):
        told(f"{files.name}: without noise")
        clean = _found_first(opened, golds)
        asked = {}
        for kind in KINDS:
            told(f"{files.name}: {kind} in the questions")
            asked[kind] = _found_first(opened, [_noised(gold, kind) for gold in golds])
    rows = {}
    for kind in KINDS:
        told(f"{files.name}: {kind} in the documents")
        noised = _noised_documents(files, kind, limit, cache)
        rows[kind] = NoiseRow(
            interval(noised),
            paired_difference(clean, noised),
            interval(asked[kind]),
            paired_difference(clean, asked[kind]),
        )
    return Noise(files.name, interval(clean), rows)


def _noised_documents(files: SetFiles, kind: Kind, limit: int | None, cache: Path) -> list[bool]:
    with opened_set(
        files,
        limit=limit,
        embedding_cache=cache,
        change=lambda context, number: inject(context, kind, NOISE_RATE, SEED + number),
    ) as (opened, golds):
        return _found_first(opened, golds)


def _noised(gold: Gold, kind: Kind) -> Gold:
    text = inject(gold.question.text, kind, NOISE_RATE, SEED)
    return replace(gold, question=replace(gold.question, text=text))


def _found_first(opened: Index, golds: Sequence[Gold]) -> list[bool]:
    found = []
    for gold in golds:
        hits = retrieve(gold.question.text, top_k=1, index=opened)
        found.append(any(hit.document.id in gold.documents for hit in hits))
    return found


def _together(evaluations: Sequence[Evaluation]) -> Evaluation:
    outcomes = tuple(outcome for one in evaluations for outcome in one.outcomes)
    return Evaluation(evaluations[0].settings, compute_figures(outcomes, seed=SEED), outcomes)


def _arguments(files: Sequence[SetFiles], limit: int | None, noise_set: str | None) -> str:
    noised = [] if noise_set is None else [f"--noise-set {noise_set}"]
    return " ".join([*name_arguments(files, limit), *noised])
