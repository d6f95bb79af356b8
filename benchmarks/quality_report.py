"""What was measured → docs/quality.md, its pictures, and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.ablation import PASSAGES, QUOTES, RANK_CONSTANT, Step
from benchmarks.markdown import NONE, counted, optional, share, signed, table, within
from benchmarks.quality import NOISE_RATE, Noise, Quality, SetQuality
from index import replace_text
from qa.confidence import THRESHOLDS
from qa.evaluation import Interval
from qa.evaluation.bootstrap import RESAMPLES, RESAMPLES_OF_PAIRS
from qa.evaluation.figures import judged
from qa.evaluation.measures import BINS, reliability
from qa.evaluation.plots import write_plots
from qa.evaluation.report import as_json

REPORT = Path(__file__).parent.parent / "docs" / "quality.md"
_NOISES = {
    "pinyin": "pinyin in brackets",
    "script": "characters of the other script",
    "width": "full-width letters and digits",
    "breaks": "line breaks inside sentences",
    "spaces": "spaces between Han characters",
    "ocr": "look-alike characters",
}
_PICTURES = {
    "recall": "How often the answer's place is among the first k",
    "risk_coverage": "How many first quotes are wrong when only the surest are given",
    "reliability": "Confidence against the share that is right",
}


def write_report(quality: Quality, out: Path) -> None:
    """Write the report and, into a folder of its name beside it, its pictures."""
    pictures = write_plots(quality.together, out.parent / out.stem)
    replace_text(out, to_markdown(quality, [f"{out.stem}/{path.name}" for path in pictures]))


def write_figures(quality: Quality, path: Path) -> None:
    """Write every figure, every question's outcome and the set-up as JSON."""
    sets = [_set_as_json(one) for one in quality.sets]
    report = {
        "arguments": quality.arguments,
        "versions": quality.versions,
        "processors": quality.processors,
        "sets": sets,
        "noise": asdict(quality.noise),
    }
    text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False)
    replace_text(path, text + "\n")


def _set_as_json(one: SetQuality) -> dict[str, object]:
    evaluation = as_json(one.evaluation)
    places = ("questions", "contexts", "index")  # of this machine, and of no use elsewhere
    settings = asdict(one.evaluation.settings)
    evaluation["settings"] = {name: settings[name] for name in settings if name not in places}
    rest = {
        name: value
        for name, value in asdict(one).items()
        if name not in ("evaluation", "passages", "quotes")
    }
    steps = {
        "passages": {name: asdict(step) for name, step in one.passages.items()},
        "quotes": {name: asdict(step) for name, step in one.quotes.items()},
    }
    return rest | steps | {"evaluation": evaluation}


def to_markdown(quality: Quality, pictures: Sequence[str]) -> str:
    """Return the report.

    Args:
        quality: what was measured.
        pictures: where they lie, as seen from the report.
    """
    command = f"python -m benchmarks quality {quality.arguments}"
    parts = [
        f"<!-- Written by: {command} -->",
        "# Quality",
        _opening(quality),
        _defaults(quality.sets),
        _strictness(quality.sets),
        _calibration(quality, pictures),
        _ablation(quality.sets),
        _noise(quality.noise),
        _cost(quality.sets),
        _set_up(quality, command),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(quality: Quality) -> str:
    total = sum(one.evaluation.figures.questions for one in quality.sets)
    return (
        f"{counted(total, 'question')} of {counted(len(quality.sets), 'set')} in SQuAD layout, "
        "each set in an index of its own with one document for each paragraph, asked with the "
        "bundled model and the shipped defaults. "
        "The shipped weights were fitted on sets of questions (`python -m benchmarks fit`); where "
        "those are these sets, the figures are of the data they were fitted to. "
        "No phrases were read: the reader may have been trained on such questions; what it adds is "
        "measured on others ([reader.md](reader.md)).\n\n"
        f"Brackets hold 95 % intervals by the bootstrap over questions ({RESAMPLES:,} resamples; "
        f"{RESAMPLES_OF_PAIRS:,} of the AUROC): how far a figure would move with other questions "
        "of the same kind. A change whose interval holds 0 may be chance."
    )


def _defaults(sets: Sequence[SetQuality]) -> str:
    threshold = sets[0].evaluation.settings.threshold
    finding = table(
        ["set", "questions", "passages", "R@1", "R@5", "R@20", "MRR@10"],
        [
            [
                _set_name(one),
                f"{one.evaluation.figures.questions:,}",
                f"{one.evaluation.settings.passages:,}",
                within(one.evaluation.figures.recall_1),
                share(one.evaluation.figures.recall_5.mean),
                share(one.evaluation.figures.recall_20.mean),
                share(one.evaluation.figures.mrr.mean),
            ]
            for one in sets
        ],
    )
    quoting = table(
        [
            *("set", "answer in first quote", "in any quote", "best quote, nothing refused"),
            *("characters of first quote", "refused", "not verbatim", "ms, median", "ms, 95th"),
        ],
        [_quoting_row(one) for one in sets],
    )
    telling = table(
        [
            *("set", "AUROC", "threshold refusing 5 %", "false answers there"),
            *(f"false answers at {threshold:g}", f"false refusals at {threshold:g}", "ECE"),
        ],
        [_telling_row(one) for one in sets],
    )
    return (
        "## The shipped defaults\n\n"
        "R@k: the question's own paragraph is among the first k documents. MRR@10: mean of 1 / "
        f"rank, ranks beyond 10 counting nothing.\n\n{finding}\n\n"
        "An answer counts when the quote, of at most two sentences, holds an accepted answer after "
        "folding; a refused question counts as a miss, except under “nothing refused”. “Not "
        "verbatim” counts quotes that do not stand in their document where they say. Milliseconds "
        f"are of one warm `ask` and depend on what else the machine did.\n\n{quoting}\n\n"
        "Each question is asked a second time with the document that answers hidden. AUROC: the "
        "chance that the confidence with the document is above that without, of any two questions. "
        "False answers: the share answered although the document is hidden, at the threshold that "
        f"refuses 5 % of the questions whose document is there, and at the shipped one. ECE: the "
        "expected calibration error, the mean distance of confidence and share right over "
        f"{BINS} bins of both askings.\n\n{telling}"
    )


def _quoting_row(one: SetQuality) -> list[str]:
    figures = one.evaluation.figures
    length = figures.first_quote_characters
    return [
        _set_name(one),
        within(figures.first_right),
        share(figures.any_right.mean),
        share(figures.best_right.mean),
        NONE if length is None else f"{length:.1f}",
        share(figures.refused.mean),
        str(figures.not_verbatim),
        f"{figures.milliseconds_50:.0f}",
        f"{figures.milliseconds_95:.0f}",
    ]


def _telling_row(one: SetQuality) -> list[str]:
    abstention = one.evaluation.figures.abstention
    error = share(one.evaluation.figures.calibration_error)
    if abstention is None or one.auroc is None:
        return [_set_name(one), *[NONE] * 5, error]
    return [
        _set_name(one),
        within(one.auroc),
        share(abstention.threshold),
        share(abstention.false_answers.mean),
        share(abstention.false_answers_shipped.mean),
        share(abstention.false_refusals_shipped.mean),
        error,
    ]


def _strictness(sets: Sequence[SetQuality]) -> str:
    rows = [
        [
            _set_name(one),
            f"{name} ({lowest:g})",
            share(one.strictness[name].false_refusals),
            optional(one.strictness[name].false_answers),
            optional(one.strictness[name].right),
        ]
        for one in sets
        for name, lowest in THRESHOLDS.items()
    ]
    header = ["set", "strictness", "false refusals", "false answers", "given answers right"]
    return (
        "## Strictness\n\n"
        "What `ask(…, strictness=…)` gives up and what it gets, from the confidences of the same "
        "run. False refusals: not answered, though the document is there. False answers: answered, "
        "though the document is hidden. Given answers right: of the answers given with the "
        "document there, the share whose first quote holds an accepted answer.\n\n"
        + table(header, rows)
    )


def _calibration(quality: Quality, pictures: Sequence[str]) -> str:
    bins = reliability(*judged(quality.together.outcomes))
    rows = [
        [
            _bin_name(one.confidence),
            f"{one.count:,}",
            share(one.confidence),
            share(one.right),
        ]
        for one in bins
    ]
    images = "\n\n".join(
        f"![{_PICTURES.get(Path(path).stem, Path(path).stem)}]({path})" for path in pictures
    )
    error = share(quality.together.figures.calibration_error)
    return (
        "## Reliability\n\n"
        "All sets together, each question once with the document that answers and once with it "
        "hidden, where no quote is right: those of like confidence, and the share whose best quote "
        "holds an accepted answer. Large sets weigh more. "
        f"The expected calibration error over all is {error}.\n\n"
        + table(["confidence", "questions", "mean confidence", "share right"], rows)
        + f"\n\n{images}"
    )


def _bin_name(confidence: float) -> str:
    number = min(int(confidence * BINS), BINS - 1)
    return f"{number / BINS:.1f}–{(number + 1) / BINS:.1f}"


def _ablation(sets: Sequence[SetQuality]) -> str:
    names = ["", *(_set_name(one) for one in sets)]
    passages = [[row, *(_step(one.passages[row]) for one in sets)] for row in PASSAGES]
    quotes = [[row, *(_step(one.quotes[row]) for one in sets)] for row in QUOTES]
    return (
        "## What each part adds\n\n"
        "R@1, and in brackets the change from the row before with its paired interval. All rows "
        "are computed from one pass over the same questions and vectors. Reciprocal rank takes "
        f"k = {RANK_CONSTANT}. From “dense + 0.6 BM25” on, the candidates are those that the "
        "shipped first stage finds and a row only orders them; “…” adds to the row before. BM25 is "
        "there a share of the most the question could get, times its lexical coverage. The "
        "dictionary is asked for English words only. The numbers in the names of rows were chosen "
        f"by hand.\n\n{table(names, passages)}\n\n"
        "The share of questions whose first quote holds an accepted answer, nothing being refused. "
        "“Best passage” is the first one by learned weights; a pair is two neighbouring sentences. "
        "“Missed” is what the question's tokens lack to their best in the passage; with the topic "
        "inherited, what the headings and the first sentence hold is not missed further down.\n\n"
        f"{table(names, quotes)}"
    )


def _step(step: Step) -> str:
    if step.change is None:
        return share(step.share.mean)
    low, high = signed(step.change.low), signed(step.change.high)
    return f"{share(step.share.mean)} ({signed(step.change.mean)}; {low} to {high})"


def _noise(noise: Noise) -> str:
    rows = [
        [
            _NOISES[kind],
            share(row.documents.mean),
            _change(row.documents_change),
            share(row.questions.mean),
            _change(row.questions_change),
        ]
        for kind, row in noise.rows.items()
    ]
    header = ["noise", "in the documents", "change", "in the questions", "change"]
    return (
        "## Noise\n\n"
        f"R@1 on {noise.name} with noise at one in {round(1 / NOISE_RATE)} of the places where it "
        "can stand (`qa.evaluation.noise.inject`), in the documents alone and in the questions "
        f"alone. Without noise R@1 is {within(noise.clean)}.\n\n{table(header, rows)}"
    )


def _change(change: Interval) -> str:
    return f"{signed(change.mean)} ({signed(change.low)} to {signed(change.high)})"


def _cost(sets: Sequence[SetQuality]) -> str:
    largest = max(sets, key=lambda one: one.evaluation.settings.passages)
    sizes = largest.bytes_a_passage
    rows = [[f"`{name}`", f"{size:,.0f}"] for name, size in sizes.items()]
    settings = largest.evaluation.settings
    return (
        "## What it costs\n\n"
        f"Bytes a passage of each part of the index of {largest.name}, "
        f"{counted(settings.passages, 'passage')} in {counted(settings.documents, 'document')}, "
        "what does not grow with the passages included.\n\n"
        + table(["part", "bytes a passage"], [*rows, ["together", f"{sum(sizes.values()):,.0f}"]])
    )


def _set_up(quality: Quality, command: str) -> str:
    settings = quality.sets[0].evaluation.settings
    versions = ", ".join(f"{name} {version}" for name, version in quality.versions.items())
    limited = (
        "All questions of each set were asked."
        if settings.limit is None
        else f"Of a set with more than {settings.limit:,} questions as many were drawn by chance "
        f"(seed {settings.seed})."
    )
    left_out = sum(one.evaluation.settings.left_out for one in quality.sets)
    return (
        "## Set-up\n\n"
        f"```bash\n{command}\n```\n\n"
        f"{limited} Empty questions left out: {left_out:,}. Model: {settings.model}, revision "
        f"{settings.model_revision}. {counted(quality.processors, 'processor')}; {versions}.\n\n"
        "The question sets are not part of the project. `--set QUESTIONS CONTEXTS` asks questions "
        "in one language of contexts in another, matched by the questions' ids. `--limit N` asks N "
        "questions of each set, `--noise-set NAME` chooses the set for the noise, `--out FILE` and "
        "`--json FILE` name what is written, `--no-cache` keeps no embeddings. With `--peers` the "
        "same command measures neighbouring projects instead ([peers.md](peers.md)).\n\n"
        "The weights are fitted with `python -m benchmarks fit --set …`, which takes the same sets "
        "and shows what the fit gains on each, and on each when it is left out of the fit."
    )


def _set_name(one: SetQuality) -> str:
    return one.name if one.name == one.contexts else f"{one.name} → {one.contexts}"
