"""``python -m qa eval QUESTIONS``: measure how well questions of your own are answered."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar

from index import (
    TOKEN_VECTOR_KINDS,
    EvaluationError,
    Progress,
    YinzhengError,
    default_embedding_cache,
)
from qa.evaluation.noise import KINDS, Noise, Where
from qa.evaluation.plots import write_plots
from qa.evaluation.report import write_json
from qa.evaluation.runner import Evaluation, evaluate
from qa.evaluation.table import to_table

_DONE, _FAILED = 0, 1
_STAGES = {
    "read": "Reading contexts",
    "embed": "Embedding passages",
    "compress": "Compressing token vectors",
    "write": "Writing the index",
    "ask": "Asking questions",
}


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status: 0 done, 2 bad use, 1 failure.

    A quote that is not verbatim is a failure.
    """
    parsed = _parser().parse_args(arguments)
    try:
        evaluation = _evaluate(parsed)
        _write(evaluation, parsed)
    except YinzhengError as error:
        print(f"qa eval: {error}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"qa eval: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("qa eval: stopped; nothing was written.", file=sys.stderr)
        return _FAILED
    return _FAILED if evaluation.figures.not_verbatim else _DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qa eval", description=__doc__)
    parser.add_argument(
        "questions",
        metavar="QUESTIONS",
        help="SQuAD layout, a JSON list, or CSV with the columns question, expected, document",
    )
    parser.add_argument(
        "--contexts",
        metavar="FILE",
        help="SQuAD layout: take contexts and answers from here, matched by the questions' ids",
    )
    parser.add_argument(
        "--index", metavar="DIR", help="ask this index, not a throw-away one of the contexts"
    )
    parser.add_argument(
        "--token-vectors",
        choices=TOKEN_VECTOR_KINDS,
        help="how the throw-away index stores token vectors (default: int8)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="ask N questions, drawn by chance")
    parser.add_argument("--noise", choices=KINDS, help="put noise of one kind into the contexts")
    parser.add_argument(
        "--noise-rate", type=float, default=0.1, metavar="R", help="at which share of its places"
    )
    parser.add_argument(
        "--noise-in",
        choices=get_args(Where),
        default="contexts",
        help="put the noise into the questions instead",
    )
    parser.add_argument("--json", metavar="FILE", help="write figures and every question's outcome")
    parser.add_argument("--plots", metavar="DIR", help="write pictures of the figures (SVG)")
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="embed everything anew and keep nothing; otherwise up to 1 GiB of embeddings is kept "
        f"in {default_embedding_cache()}".replace("%", "%%"),
    )
    return parser


def _evaluate(parsed: argparse.Namespace) -> Evaluation:
    _check_places(parsed.json, parsed.plots)
    with _progress() as told:
        return evaluate(
            parsed.questions,
            contexts=parsed.contexts,
            index=parsed.index,
            token_vectors=parsed.token_vectors,
            limit=parsed.limit,
            noise=parsed.noise and Noise(parsed.noise, parsed.noise_rate, parsed.noise_in),
            embedding_cache=None if parsed.no_cache else default_embedding_cache(),
            progress=told,
        )


def _check_places(json: str | None, plots: str | None) -> None:
    """Say before the work, not after it, that its results have nowhere to go."""
    if json is not None and not Path(json).expanduser().resolve().parent.is_dir():
        raise EvaluationError(f"There is no folder for {json}. Make it, or name another file.")
    if plots is not None and Path(plots).expanduser().is_file():
        raise EvaluationError(f"{plots} is a file. Name a folder for the pictures.")


def _write(evaluation: Evaluation, parsed: argparse.Namespace) -> None:
    Console().print(to_table(evaluation))
    if parsed.json is not None:
        write_json(evaluation, parsed.json)
    if parsed.plots is not None:
        write_plots(evaluation, parsed.plots)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show how the work goes on, to people only."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with ProgressBar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES[stage], total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield told
