"""An evaluation as one table for the eyes."""

from rich.table import Table

from qa.evaluation.bootstrap import Interval
from qa.evaluation.figures import Abstention, Figures
from qa.evaluation.runner import Evaluation, Settings


def to_table(evaluation: Evaluation) -> Table:
    """Return the figures with their 95 % intervals."""
    settings, figures = evaluation.settings, evaluation.figures
    table = Table(title=_title(settings, figures), caption=_caption(settings), title_justify="left")
    table.caption_justify = "left"
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 %", justify="right")
    _add_finding(table, figures)
    _add_quoting(table, figures)
    asked_without = figures.abstention.questions if figures.abstention is not None else 0
    table.add_row("asked also without the answer's documents", f"{asked_without:,}", "")
    if figures.abstention is not None:
        _add_abstention(table, figures.abstention, settings.threshold)
    table.add_row("expected calibration error", _share(figures.calibration_error), "")
    if figures.changed is not None:
        _add(table, "taken for a follow-up of another question", figures.changed)
    table.add_section()
    table.add_row("milliseconds a question, median", f"{figures.milliseconds_50:.0f}", "")
    table.add_row("milliseconds a question, 95th percentile", f"{figures.milliseconds_95:.0f}", "")
    table.add_row("quotes that are not verbatim", str(figures.not_verbatim), "")
    return table


def _title(settings: Settings, figures: Figures) -> str:
    drawn = " drawn by chance" if settings.limit is not None else ""
    return (
        f"{figures.questions:,} questions{drawn}, {settings.documents:,} documents, "
        f"{settings.passages:,} passages"
    )


def _caption(settings: Settings) -> str:
    notes = [
        f"{settings.model}, revision {settings.model_revision}, "
        f"token vectors {settings.token_vectors}"
    ]
    if settings.noise is not None:
        noise = settings.noise
        notes.append(f"noise in the {noise.where}: {noise.kind}, at {noise.rate:g} of its places")
    if settings.left_out:
        notes.append(f"empty questions left out: {settings.left_out:,}")
    if settings.unplaced:
        notes.append(f"questions whose answer stands in no document: {settings.unplaced:,}")
    return "\n".join(notes)


def _add_finding(table: Table, figures: Figures) -> None:
    _add(table, "R@1", figures.recall_1)
    _add(table, "R@5", figures.recall_5)
    _add(table, "R@20", figures.recall_20)
    _add(table, "MRR@10", figures.mrr)
    table.add_section()


def _add_quoting(table: Table, figures: Figures) -> None:
    _add(table, "answer in the first quote", figures.first_right)
    _add(table, "answer in any quote", figures.any_right)
    _add(table, "best quote regardless of threshold", figures.best_right)
    _add(table, "refused", figures.refused)
    length = figures.first_quote_characters
    table.add_row("characters of the first quote", "–" if length is None else f"{length:.1f}", "")
    _add(table, "phrase in the first quote, exact", figures.exact)
    _add(table, "phrase in the first quote, F1", figures.f1)
    _add(table, "first quote without a reader, exact", figures.exact_unread)
    _add(table, "first quote without a reader, F1", figures.f1_unread)
    table.add_section()


def _add_abstention(table: Table, abstention: Abstention, shipped: float) -> None:
    table.add_row("AUROC of the confidence", _share(abstention.auroc), "")
    _add(
        table, f"false answers at {abstention.threshold:.3f}, 5 % refused", abstention.false_answers
    )
    _add(table, f"false answers at {shipped:.3f}, shipped", abstention.false_answers_shipped)
    _add(table, f"false refusals at {shipped:.3f}, shipped", abstention.false_refusals_shipped)


def _add(table: Table, name: str, value: Interval) -> None:
    table.add_row(name, _share(value.mean), f"{_share(value.low)}–{_share(value.high)}")


def _share(value: float) -> str:
    return f"{value:.3f}"
