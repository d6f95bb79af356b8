"""``python -m benchmarks fit``: question sets → fitted weights, with what they gain on each set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from benchmarks.fit import (
    ANY_OTHER,
    SetFigures,
    add_phrases,
    fit_weights,
    leave_one_out,
    measure,
    write_weights,
)
from benchmarks.samples import (
    SampleSet,
    SetFiles,
    Told,
    by_tenths,
    gather,
    gather_groups,
    opened_set,
)
from qa.weights import READ, Weights, weights_for

SHIPPED = Path(__file__).parent.parent / "qa" / "data" / "weights.json"
_COLUMNS = {
    "passage_1": "R@1 by passages",
    "recall_1": "R@1 by best span",
    "first_right": "first quote answers",
    "auroc": "AUROC",
}


@dataclass(frozen=True)
class Fitted:
    """What one fit gave.

    Attributes:
        entry: the name of the weights in the file.
        sets: the names of the sets.
        weights: the weights, not rounded.
        before: figures of each set with the weights of the file.
        after: with the fitted ones.
        left_out: with weights fitted on the other sets; none of a single set.
    """

    entry: str
    sets: list[str]
    weights: Weights
    before: list[SetFigures]
    after: list[SetFigures]
    left_out: list[SetFigures]


def fit_and_write(
    files: Sequence[SetFiles],
    *,
    limit: int | None,
    embedding_cache: Path | None,
    out: Path,
    phrases: bool = False,
    told: Told = lambda _: None,
) -> list[Fitted]:
    """Fit the weights of the bundled model and those without a scale; write both.

    Args:
        files: the sets to fit on, at least one.
        limit: how many questions of each, drawn by chance; None = all.
        embedding_cache: the file that keeps embeddings of throw-away indexes; None = none are kept.
        out: the file to write.
        phrases: fit those that count phrases read, and no others: on questions that the reader
            was not trained on.
        told: called with what is being done.

    Raises:
        YinzhengError: a set cannot be used, or gives nothing to fit on.
    """
    sets, groups = [], []
    entry = ""
    for one in files:
        with opened_set(
            one, limit=limit, embedding_cache=embedding_cache, progress=by_tenths(told, one.name)
        ) as (opened, golds):
            entry = f"{opened.embedder.name} {opened.embedder.revision}"
            sets.append(gather(opened, golds, one.name, told))
        groups.append(gather_groups(one, embedding_cache=embedding_cache, told=told))
    if phrases:
        told(f"fitting {entry}{READ}")
        name, _, revision = entry.rpartition(" ")
        unread = weights_for(name, revision)
        before = weights_for(name, revision, has_read=True)
        read = _fit(
            sets,
            f"{entry}{READ}",
            before,
            groups,
            lambda sets, groups: add_phrases(sets, unread, groups),
        )
        write_weights(out, SHIPPED, {read.entry: read.weights})
        return [read]
    told(f"fitting {entry}")
    own = _fit_all(sets, entry, sets[0].present[0].query.weights, groups)
    told(f"fitting {ANY_OTHER}")
    other = _fit_all(sets, ANY_OTHER, weights_for("", ""), (), own.weights.confidence)
    write_weights(out, SHIPPED, {one.entry: one.weights for one in (own, other)})
    return [own, other]


def _fit_all(
    sets: Sequence[SampleSet],
    entry: str,
    before: Weights,
    groups: Sequence[SampleSet],
    confidence: Mapping[str, float] | None = None,
) -> Fitted:
    def fit(sets: Sequence[SampleSet], groups: Sequence[SampleSet]) -> Weights:
        return fit_weights(
            sets,
            before.first,
            is_scale_free=before.is_scale_free,
            confidence=confidence,
            groups=groups,
        )

    return _fit(sets, entry, before, groups, fit)


def _fit(
    sets: Sequence[SampleSet],
    entry: str,
    before: Weights,
    groups: Sequence[SampleSet],
    fit: Callable[[Sequence[SampleSet], Sequence[SampleSet]], Weights],
) -> Fitted:
    weights = fit(sets, groups)
    return Fitted(
        entry,
        [one.name for one in sets],
        weights,
        [measure(one, before) for one in sets],
        [measure(one, weights) for one in sets],
        leave_one_out(sets, groups, fit),
    )


def to_table(fitted: Fitted) -> Table:
    """Return what a fit gained, set by set."""
    table = Table(
        title=f"{fitted.entry}: as in the file before → fitted"
        + (" (fitted on the other sets)" if fitted.left_out else ""),
        title_justify="left",
    )
    table.add_column("set")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for row, name in enumerate(fitted.sets):
        table.add_row(name, *(_cell(fitted, row, figure) for figure in _COLUMNS))
    return table


def _cell(fitted: Fitted, row: int, figure: str) -> str:
    before, after = asdict(fitted.before[row]), asdict(fitted.after[row])
    left_out = f" ({asdict(fitted.left_out[row])[figure]:.3f})" if fitted.left_out else ""
    return f"{before[figure]:.3f} → {after[figure]:.3f}{left_out}"
