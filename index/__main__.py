"""``python -m index``: build an index, look at it, check it."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index import TOKEN_VECTOR_KINDS, BuildReport, YinzhengError, build_index, open_index

_STAGES = {
    "read": "Reading files",
    "embed": "Embedding passages",
    "compress": "Compressing token vectors",
    "embed sentences": "Embedding sentences",
    "write": "Writing the index",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 0 done, 1 failed, 2 bad use."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except YinzhengError as error:
        print(f"index: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"index: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("index: stopped; the old index, if any, is unchanged.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m index", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--index",
        metavar="DIR",
        help="index folder (default: YINZHENG_INDEX, else a folder in your user data)",
    )
    build = commands.add_parser("build", parents=[where], help="index files and folders anew")
    build.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a folder of them")
    build.add_argument(
        "--model",
        metavar="M",
        help="sentence-transformers folder or name (default: YINZHENG_MODEL, else the bundled one)",
    )
    build.add_argument(
        "--token-vectors",
        choices=TOKEN_VECTOR_KINDS,
        default="int8",
        help="how the vectors of every token are stored: int8, or pq, a quarter of that "
        "(default: %(default)s)",
    )
    build.set_defaults(run=_build)
    info = commands.add_parser("info", parents=[where], help="say what is indexed")
    info.set_defaults(run=_info)
    verify = commands.add_parser("verify", parents=[where], help="check every file and passage")
    verify.set_defaults(run=_verify)
    return parser


def _build(parsed: argparse.Namespace) -> int:
    with _progress_bar() as bar:
        tasks = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES[stage], total=total)
            bar.update(tasks[stage], completed=done, total=total)

        report = build_index(
            parsed.paths,
            index_dir=parsed.index,
            model=parsed.model,
            token_vectors=parsed.token_vectors,
            progress=told,
        )
    _print_report(report)
    return 1 if report.failed else 0


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _print_report(report: BuildReport) -> None:
    print(
        f"documents: {report.documents:,}, passages: {report.passages:,}, "
        f"pieces of noise removed: {report.removed_noise:,}, seconds: {report.seconds:.1f}"
    )
    print(f"Index: {report.index_dir}")
    for note in report.notes:
        print(f"Note: {note}", file=sys.stderr)
    for failed in report.failed:
        print(f"Not indexed: {failed.path}: {failed.reason}", file=sys.stderr)


def _info(parsed: argparse.Namespace) -> int:
    with open_index(parsed.index) as index:
        info = index.info
    facts = {
        "index": info.index_dir,
        "generation": info.generation,
        "built": f"{info.created.astimezone():%Y-%m-%d %H:%M}",
        "documents": f"{info.documents:,}",
        "passages": f"{info.passages:,}",
        "model": f"{info.model} ({info.dimension} dimensions, revision {info.model_revision})",
        "token vectors": info.token_vectors,
        "on disk": f"{info.bytes_on_disk / 1e6:.1f} MB",
    }
    for name, value in facts.items():
        print(f"{name:<15}{value}")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    with open_index(parsed.index) as index:
        index.verify()
        print(f"{index.info.passages:,} passages, every file and every passage as built")
    return 0


if __name__ == "__main__":
    sys.exit(main())
