"""``python -m benchmarks``: measure, on question sets named on the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.peers import PEERS, Row, measure, to_json
from benchmarks.question_sets import QuestionSet, load_contexts, load_sets
from index import YinzhengError
from index.locations import cache_dir


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 0 measured, 1 failed, 2 bad use.

    A neighbour that cannot be installed or run is a line of the table, not a failure.
    """
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except YinzhengError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"benchmarks: {error}. Check the path, its permissions and the disk.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("benchmarks: stopped, nothing was written.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    quality = commands.add_parser("quality", help="how well passages are found")
    quality.add_argument(
        "--peers",
        action="store_true",
        required=True,
        help="measure neighbouring projects on the same weights beside ours; "
        "installs each into an environment of its own",
    )
    quality.add_argument(
        "--contexts",
        type=Path,
        metavar="FILE",
        required=True,
        help="question set in SQuAD layout whose contexts are indexed, one document each",
    )
    quality.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        action="append",
        help="set whose questions are asked, matched by id; may be given several times "
        "(default: those of --contexts)",
    )
    quality.add_argument(
        "--every", type=int, metavar="N", default=1, help="ask each N-th question (default: 1)"
    )
    quality.add_argument(
        "--json", type=_new_file, metavar="FILE", help="also write the figures here"
    )
    quality.add_argument(
        "--venvs",
        type=Path,
        metavar="DIR",
        help="folder of the neighbours' environments (default: peers, in the cache folder)",
    )
    quality.set_defaults(run=_peers)
    return parser


def _new_file(text: str) -> Path:
    """Refuse a file that cannot be written before measuring for a quarter of an hour."""
    path = Path(text).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path} cannot be written. Name a file in a folder")
    return path


def _peers(parsed: argparse.Namespace) -> int:
    contexts = load_contexts(parsed.contexts)
    files = parsed.questions or [parsed.contexts]
    sets = load_sets(files, contexts=parsed.contexts, every=parsed.every)
    errors = Console(stderr=True)
    rows = measure(
        contexts,
        sets,
        peers=PEERS,
        venvs=(parsed.venvs or cache_dir() / "peers").expanduser().absolute(),
        told=lambda what: errors.print(what, highlight=False),
    )
    Console().print(_table(rows, sets, len(contexts)))
    if parsed.json:
        parsed.json.write_text(to_json(rows, sets, len(contexts)), encoding="utf-8")
    return 0


def _table(rows: Sequence[Row], sets: Sequence[QuestionSet], contexts: int) -> Table:
    asked = ", ".join(f"{len(s.questions)} questions of {s.name}" for s in sets)
    table = Table(
        title=f"{asked}, on {contexts} contexts",
        caption="Seconds to build (with loading the model) and milliseconds a question (median) "
        "depend on what else the machine did: compare them only on an idle one.",
    )
    table.add_column("")
    for one in sets:
        for figure in ("R@1", "R@5"):
            table.add_column(f"{one.name}\n{figure}", justify="right")
    table.add_column("build s", justify="right")
    table.add_column("ms", justify="right")
    failed = any(row.failure for row in rows)
    if failed:
        table.add_column("not measured because", overflow="fold")
    for row in rows:
        table.add_row(row.name, *_cells(row, sets), *([row.failure or ""] if failed else []))
    return table


def _cells(row: Row, sets: Sequence[QuestionSet]) -> list[str]:
    if row.build_seconds is None or row.median_ms is None:
        return ["–"] * (2 * len(sets) + 2)
    shares = [
        f"{share:.3f}"
        for one in sets
        for share in (row.figures[one.name].recall_at_1, row.figures[one.name].recall_at_5)
    ]
    return [*shares, f"{row.build_seconds:.1f}", f"{row.median_ms:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
