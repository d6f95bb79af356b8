"""``python -m index``: build an index, look at it, check it, go back to an older generation."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index import (
    TOKEN_VECTOR_KINDS,
    BuildReport,
    GenerationInfo,
    YinzhengError,
    build_index,
    list_generations,
    open_index,
    prune,
    rollback,
    telling_fallbacks,
    verify,
)

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
        with telling_fallbacks(lambda warning: print(f"index: {warning}", file=sys.stderr)):
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
    waits = argparse.ArgumentParser(add_help=False)
    waits.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait while another process is writing (default: not at all)",
    )
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("generation", nargs="?", metavar="GENERATION", help="its name, see info")
    build = commands.add_parser(
        "build", parents=[where, waits], help="index files and folders anew"
    )
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
    _add_history(commands, where, waits, which)
    return parser


def _add_history(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    where: argparse.ArgumentParser,
    waits: argparse.ArgumentParser,
    which: argparse.ArgumentParser,
) -> None:
    """Add the commands that look at generations and choose among them."""
    info = commands.add_parser(
        "info", parents=[where], help="say what is indexed, and list the generations"
    )
    info.set_defaults(run=_info)
    check = commands.add_parser(
        "verify",
        parents=[where, which],
        help="check every file, passage and vector of a generation (default: the one in use)",
    )
    check.set_defaults(run=_verify)
    back = commands.add_parser(
        "rollback",
        parents=[where, which, waits],
        help="put another generation into use, once it is checked (default: the one before)",
    )
    back.set_defaults(run=_rollback)
    old = commands.add_parser(
        "prune", parents=[where, waits], help="remove old generations that nobody reads"
    )
    old.add_argument(
        "--keep",
        type=int,
        default=2,
        metavar="N",
        help="generations to keep (default: %(default)s)",
    )
    old.set_defaults(run=_prune)


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
            wait=parsed.wait,
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
    # Listed first, so that they are also when none of them can be opened.
    generations = list_generations(parsed.index)
    try:
        with open_index(parsed.index) as index:
            info = index.info
    finally:
        print(*map(_as_line, generations), sep="\n")
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


def _as_line(one: GenerationInfo) -> str:
    built = "?" if one.created is None else f"{one.created.astimezone():%Y-%m-%d %H:%M}"
    marks = [
        *(["in use"] if one.is_in_use else []),
        *(["held by a reader"] if one.is_held else []),
        *([one.problem] if one.problem else []),
    ]
    return (
        f"{one.name}  {built:<16}  documents: {one.documents:,}  passages: {one.passages:,}  "
        f"{one.bytes_on_disk / 1e6:.1f} MB  {'; '.join(marks)}".rstrip()
    )


def _verify(parsed: argparse.Namespace) -> int:
    problems = verify(parsed.index, name=parsed.generation)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print("every file, passage and vector as built")
    return 0


def _rollback(parsed: argparse.Namespace) -> int:
    name = rollback(parsed.index, parsed.generation, wait=parsed.wait)
    print(f"in use: {name}")
    return 0


def _prune(parsed: argparse.Namespace) -> int:
    report = prune(parsed.index, keep=parsed.keep, wait=parsed.wait)
    for name in report.removed:
        print(f"removed: {name}")
    for name in report.held:
        print(f"kept, because somebody reads it: {name}")
    print(f"freed: {report.freed_bytes / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
