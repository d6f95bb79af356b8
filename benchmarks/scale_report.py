"""What was measured as an index grows → docs/scale.md."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.distractors import LONGEST
from benchmarks.markdown import NONE, counted, optional, share, signed, table, within
from benchmarks.scale import Scale, SetScale, SizeFigures, Typical
from index import replace_text
from qa.confidence import THRESHOLDS
from qa.evaluation.bootstrap import RESAMPLES, RESAMPLES_OF_PAIRS, SEED
from qa.evaluation.measures import BINS
from qa.retriever import RERANKED

REPORT = Path(__file__).parent.parent / "docs" / "scale.md"
_THRESHOLD = THRESHOLDS["balanced"]


def write_report(scale: Scale, out: Path) -> None:
    """Write the report."""
    replace_text(out, to_markdown(scale))


def to_markdown(scale: Scale) -> str:
    """Return the report."""
    command = f"python -m benchmarks scale {scale.arguments}"
    parts = [
        f"<!-- Written by: {command} -->",
        "# As an index grows",
        _opening(scale),
        _reading(scale.sets),
        "## Finding, quoting, confidence",
        _legend(),
        *(_set(one) for one in scale.sets),
        _evidence(scale),
        _set_up(scale, command),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(scale: Scale) -> str:
    questions = sum(one.sizes[0].figures.questions for one in scale.sets)
    return (
        f"The same {counted(questions, 'question')} of {counted(len(scale.sets), 'set')} in SQuAD "
        "layout, asked with the bundled model and the shipped defaults in indexes that grow. An "
        "index larger than the contexts of a set holds all of them, a document each, and beside "
        f"them beginnings of other texts ({scale.among}), of at most {LONGEST} characters and a "
        "passage each; the larger index holds what the smaller one does. Smaller indexes share "
        "the contexts out, neighbours together, and each question is asked in the index that "
        "holds its own. So the smallest indexes hold the nearest neighbours and little else, and "
        "the largest mostly texts of another kind. The other texts were **not** checked for "
        "containing answers: a question answered from one of them with its own document hidden "
        "counts as a false answer. The shipped weights were fitted on sets of questions; where "
        "those are these sets, the figures are of the data they were fitted to."
    )


def _reading(sets: Sequence[SetScale]) -> str:
    """Say between which bounds figures change from the smallest index to the largest."""
    small, large = sets[0].sizes[0].size, sets[0].sizes[-1].size

    def change(figure: Callable[[SizeFigures], float | None]) -> str:
        ends = [(figure(one.sizes[0]), figure(one.sizes[-1])) for one in sets]
        found = [last - first for first, last in ends if first is not None and last is not None]
        if not found:
            return "by an unknown amount"
        low, high = signed(min(found)), signed(max(found))
        return f"by {low}" if low == high else f"by {low} to {high}"

    return (
        f"From {small:,} to {large:,} documents R@1 changes {change(_recall)}, depending on the "
        f"set, and the share of questions whose document is among the {RERANKED} passages "
        f"compared token by token {change(lambda one: one.compared.mean)}. The AUROC of the "
        f"confidence changes {change(_auroc)}; at the shipped threshold of {_THRESHOLD:g} the "
        f"share refused changes {change(lambda one: one.figures.refused.mean)} and that of false "
        f"answers {change(_false_answers)}. The median confidence changes "
        f"{change(lambda one: one.confidence.present)} with the document there and "
        f"{change(lambda one: one.confidence.hidden)} with it hidden."
    )


def _recall(one: SizeFigures) -> float:
    return one.figures.recall_1.mean


def _auroc(one: SizeFigures) -> float | None:
    return None if one.auroc is None else one.auroc.mean


def _false_answers(one: SizeFigures) -> float | None:
    abstention = one.figures.abstention
    return None if abstention is None else abstention.false_answers_shipped.mean


def _legend() -> str:
    return (
        "R@1: the question's own document is the first hit. Compared: it is among the "
        f"{RERANKED} passages that the first stage gives to be compared token by token. An answer "
        "counts when the first quote, of at most two sentences, holds an accepted answer; a "
        "refused question counts as a miss. AUROC: the chance that the confidence with the "
        "document there is above that with it hidden, of any two questions. Refused and false "
        f"answers: at the shipped threshold of {_THRESHOLD:g} (balanced), with the document there "
        f"and with it hidden. ECE: the expected calibration error over {BINS} bins of both "
        "askings. Confidence: the median with the document there, and with it hidden. Brackets "
        f"hold 95 % intervals by the bootstrap over questions ({RESAMPLES:,} resamples; "
        f"{RESAMPLES_OF_PAIRS:,} of the AUROC)."
    )


def _set(one: SetScale) -> str:
    header = [
        *("documents", "passages", "indexes", "R@1", "compared", "answer in first quote"),
        *("AUROC", "refused", "false answers", "ECE", "confidence", "… hidden"),
    ]
    name = _name(one)
    questions = counted(one.sizes[0].figures.questions, "question")
    return f"### {name}\n\n{questions}, {counted(one.contexts, 'context')}.\n\n" + table(
        header, [_row(size) for size in one.sizes]
    )


def _name(one: SetScale) -> str:
    return one.name if one.name == one.asked_of else f"{one.name} → {one.asked_of}"


def _row(one: SizeFigures) -> list[str]:
    figures = one.figures
    return [
        f"{one.size:,}",
        f"{one.passages:,.0f}",
        f"{one.indexes:,}",
        within(figures.recall_1),
        share(one.compared.mean),
        within(figures.first_right),
        within(one.auroc) if one.auroc else NONE,
        share(figures.refused.mean),
        optional(_false_answers(one)),
        share(figures.calibration_error),
        optional(one.confidence.present),
        optional(one.confidence.hidden),
    ]


def _evidence(scale: Scale) -> str:
    small, large = scale.sets[0].sizes[0].size, scale.sets[0].sizes[-1].size
    tables = "\n\n".join(f"### {_name(one)}\n\n{_kinds(one, scale)}" for one in scale.sets)
    return (
        "## What the confidence is made of\n\n"
        "The median of each kind of evidence (`qa.confidence.Evidence`; of a flag the mean), with "
        "the document there / hidden. Drift: what the change from "
        f"{small:,} to {large:,} documents adds to the logit of the confidence, which is the "
        "change times the shipped weight of that kind.\n\n" + tables
    )


def _kinds(one: SetScale, scale: Scale) -> str:
    first, last = one.sizes[0].evidence, one.sizes[-1].evidence
    rows = [
        [
            f"`{kind}`",
            *(_both(size.evidence[kind]) for size in one.sizes),
            _drift(first[kind].present, last[kind].present, scale.weights.get(kind)),
            _drift(first[kind].hidden, last[kind].hidden, scale.weights.get(kind)),
        ]
        for kind in first
    ]
    sizes = [f"{size.size:,}" for size in one.sizes]
    return table(["", *sizes, "drift", "… hidden"], rows)


def _both(value: Typical) -> str:
    return f"{optional(value.present)} / {optional(value.hidden)}"


def _drift(first: float | None, last: float | None, weight: float | None) -> str:
    if first is None or last is None or weight is None:
        return NONE
    return f"{round(weight * (last - first), 2) + 0.0:+.2f}"  # not -0.00


def _set_up(scale: Scale, command: str) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in scale.versions.items())
    limited = (
        "All questions of each set were asked."
        if scale.limit is None
        else f"Of a set with more than {scale.limit:,} questions as many were drawn by chance "
        f"(seed {SEED})."
    )
    return (
        "## Set-up\n\n"
        f"```bash\n{command}\n```\n\n"
        f"{limited} Model: {scale.model}; {versions}.\n\n"
        "Neither the question sets nor the other texts are part of the project. `--set QUESTIONS "
        "CONTEXTS` asks questions in one language of contexts in another, matched by the "
        "questions' ids. `--among TEXTS` is JSON Lines with a `text` on each line (`.jsonl` or "
        "`.jsonl.xz`) or a folder of text files; of each text its first sentences count, once. "
        "They are drawn by chance in one order for all sizes, and none is a context of the set. "
        "`--sizes N,N,…` says how many documents an index holds, `--limit N` asks N questions of "
        "each set, `--embeddings FILE` says where up to 1 GiB of embeddings is kept for the next "
        "run, `--no-cache` keeps none, and `--out FILE` names what is written."
    )
