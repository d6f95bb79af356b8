"""``python -m index``: build an index, change it, look at it, check it, go back to an older one."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import index
from index import (
    TOKEN_VECTOR_KINDS,
    Limits,
    YinzhengError,
    exit_status,
    report_totals,
    telling_fallbacks,
    write_report,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from index import BuildReport, FileReport, GenerationInfo

_DONE, _FAILED, _BAD_USE, _SOME_FAILED = 0, 1, 2, 3
_MOST_ROWS = 40
"""Files shown on the screen; ``--report`` has all of them."""
_PIPED_WIDTH = 160
_READ = ("new", "changed", "renamed")

_STAGES = {
    "read": "Reading files",
    "embed": "Embedding passages",
    "compress": "Compressing token vectors",
    "write": "Writing the index",
    "download": "Reading from the server",
    "upload": "Writing to the server",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0 done, 1 failed, 2 bad use, 3 done but for some files, which could not be read.
    """
    parsed = _parser().parse_args(arguments)
    try:
        with telling_fallbacks(lambda warning: print(f"index: {warning}", file=sys.stderr)):
            return int(parsed.run(parsed))
    except YinzhengError as error:
        print(f"index: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"index: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("index: stopped; the old index, if any, is unchanged.", file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m index", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME "
        "(default: YINZHENG_INDEX, else a folder in your user data)",
    )
    waits = argparse.ArgumentParser(add_help=False)
    waits.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait while another process is writing (default: not at all)",
    )
    change = argparse.ArgumentParser(add_help=False)
    change.add_argument(
        "--report", metavar="FILE", help="write what became of every file as JSON here"
    )
    _add_build(
        commands.add_parser(
            "build", parents=[where, waits, change, _reading()], help="index these files"
        )
    )
    _add_changes(commands, [where, waits, change])
    listing = commands.add_parser("list", parents=[where], help="list the documents")
    listing.add_argument("wanted", nargs="*", metavar="DOCUMENT", help=_WANTED)
    listing.add_argument("--json", action="store_true", help="print everything as JSON")
    listing.set_defaults(run=_list)
    _add_history(commands, where, waits)
    _add_copy(commands, waits)
    return parser


_PATHS = "a file, a folder, a ZIP archive, a glob, or - for standard input"
_WANTED = "an id, a path (of a file, a folder, an archive) or a glob"


def _reading() -> argparse.ArgumentParser:
    """Return the options that say how files are found and read."""
    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument(
        "--encoding",
        metavar="NAME",
        help="of text files, gb18030 say (default: found out, file by file)",
    )
    for limit in fields(Limits):
        reading.add_argument(
            f"--{limit.name.replace('_', '-')}",
            type=int,
            default=limit.default,
            metavar="N",
            help=f"{_LIMITS[limit.name]} (default: %(default)s)",
        )
    return reading


_LIMITS = {
    "max_file_size": "bytes of one file",
    "max_characters": "characters of one document",
    "max_pages": "pages of a PDF, slides, or sheets",
    "max_unpacked": "bytes that an archive has unpacked",
    "max_members": "files in an archive",
    "max_nesting": "archives inside archives",
    "max_xml": "bytes of one part of an office document",
    "max_depth": "HTML elements inside one another",
}


def _limits(parsed: argparse.Namespace) -> Limits:
    return Limits(**{limit.name: getattr(parsed, limit.name) for limit in fields(Limits)})


def _add_build(build: argparse.ArgumentParser) -> None:
    build.description = (
        "Index exactly the documents of these files and folders. Only what changed is read and "
        "embedded; when nothing did, the index stays as it is. A build that was stopped goes on "
        "where it was."
    )
    build.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder, a ZIP archive, a glob, or - for standard input",
    )
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
    build.add_argument(
        "--fresh", action="store_true", help="read and embed everything again, changed or not"
    )
    build.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that embed, each with a model of its own (default: %(default)s, which uses "
        "all cores as well)",
    )
    build.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="a Ray cluster (pip install 'yinzheng[ray]') whose machines embed, in N workers",
    )
    _add_follow_links(build)
    build.set_defaults(run=_build)


def _add_follow_links(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="follow symbolic links that lead out of a folder that is named",
    )


def _add_changes(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    parents: list[argparse.ArgumentParser],
) -> None:
    add = commands.add_parser(
        "add", parents=[*parents, _reading()], help="index these files besides those that are there"
    )
    add.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder, a ZIP archive, a glob, or - for standard input",
    )
    _add_follow_links(add)
    add.set_defaults(run=_add)
    update = commands.add_parser(
        "update",
        parents=[*parents, _reading()],
        help="read the index's files again and take what changed",
    )
    update.add_argument("wanted", nargs="*", metavar="DOCUMENT", help=f"{_WANTED} (default: all)")
    update.add_argument(
        "--prune-missing",
        action="store_true",
        help="remove the documents whose file is gone, which are kept otherwise",
    )
    update.set_defaults(run=_update)
    remove = commands.add_parser("remove", parents=parents, help="take documents out of the index")
    remove.add_argument("wanted", nargs="+", metavar="DOCUMENT", help=_WANTED)
    remove.set_defaults(run=_remove)


def _add_history(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    where: argparse.ArgumentParser,
    waits: argparse.ArgumentParser,
) -> None:
    """Add the commands that look at generations and choose among them."""
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("generation", nargs="?", metavar="GENERATION", help="its name, see info")
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


def _add_copy(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", waits: argparse.ArgumentParser
) -> None:
    copy = commands.add_parser(
        "copy",
        parents=[waits],
        help="copy an index between a folder and a Milvus server, without embedding anything again",
    )
    copy.add_argument(
        "source", metavar="SOURCE", help="an index folder, or milvus://HOST:PORT/NAME"
    )
    copy.add_argument("target", metavar="TARGET", help="the other of both")
    copy.set_defaults(run=_copy)


def _build(parsed: argparse.Namespace) -> int:
    return _run(
        partial(
            index.build_index,
            parsed.paths,
            model=parsed.model,
            token_vectors=parsed.token_vectors,
            fresh=parsed.fresh,
            workers=parsed.workers,
            ray=parsed.ray,
            follow_links=parsed.follow_links,
            encoding=parsed.encoding,
            limits=_limits(parsed),
        ),
        parsed,
    )


def _add(parsed: argparse.Namespace) -> int:
    return _run(
        partial(
            index.add_documents,
            parsed.paths,
            follow_links=parsed.follow_links,
            encoding=parsed.encoding,
            limits=_limits(parsed),
        ),
        parsed,
    )


def _update(parsed: argparse.Namespace) -> int:
    return _run(
        partial(
            index.update_documents,
            parsed.wanted or None,
            prune_missing=parsed.prune_missing,
            encoding=parsed.encoding,
            limits=_limits(parsed),
        ),
        parsed,
    )


def _remove(parsed: argparse.Namespace) -> int:
    return _run(partial(index.remove_documents, parsed.wanted), parsed)


def _run(change: "Callable[..., BuildReport]", parsed: argparse.Namespace) -> int:
    """Change the index with a bar that tells how far it is, and say what was done."""
    if parsed.report and not Path(parsed.report).expanduser().absolute().parent.is_dir():
        print(f"index: {parsed.report} is in no folder. Make it first.", file=sys.stderr)
        return _BAD_USE
    with _progress() as told:
        report = change(index_dir=parsed.index, progress=told, wait=parsed.wait)
    if parsed.report:
        write_report(report, parsed.report)
    _print_report(report)
    return _SOME_FAILED if report.failed else _DONE


@contextmanager
def _progress() -> "Iterator[Callable[[str, int, int], None]]":
    """Lend what shows with a bar how far each stage is."""
    with _progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES[stage], total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield told


def _copy(parsed: argparse.Namespace) -> int:
    with _progress() as told:
        name = index.copy_index(parsed.source, parsed.target, progress=told, wait=parsed.wait)
    print(f"in use at {parsed.target}: {name}")
    return _DONE


def _progress_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _print_report(report: "BuildReport") -> None:
    _print_files([file for file in report.files if file.status != "unchanged"])
    print(
        f"documents: {report.documents:,}, passages: {report.passages:,}, "
        f"pieces of noise removed: {report.removed_noise:,}, seconds: {report.seconds:.1f}"
    )
    sums = report_totals(report)
    print(", ".join(f"{status}: {count:,}" for status, count in sums["files"].items()))
    merged, dropped = sums["lines_merged"], sums["dropped"]
    reasons = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items()) or "nothing"
    print(f"lines merged: {merged:,}; dropped: {reasons}; duplicates: {sums['duplicates']:,}")
    print(f"embedded: {report.embedded:,}, taken over: {report.reused:,}")
    print(f"Index: {report.index_dir}{'' if report.is_new else ' (nothing had changed)'}")
    for note in report.notes:
        print(f"Note: {note}", file=sys.stderr)
    _print_notes(report.files)
    for failed in report.failed:
        print(f"Not indexed: {failed.path}: {failed.reason}", file=sys.stderr)


def _print_notes(files: "Sequence[FileReport]") -> None:
    """Say what the readers of files had to say: which bytes are undecodable, and where."""
    told = [
        f"{_printable(file.path)}: {note}"
        for file in files
        for note in (
            *(file.facts.notes if file.facts and file.status in _READ else ()),
            *([file.reason] if file.status == "vanished" else ()),
        )
    ]
    for line in told[:_MOST_ROWS]:
        print(f"Note: {line}", file=sys.stderr)
    if len(told) > _MOST_ROWS:
        print(f"… and {len(told) - _MOST_ROWS:,} more: --report FILE", file=sys.stderr)


def _print_files(files: "Sequence[FileReport]") -> None:
    if not files:
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("file", "status", "kind", "encoding"):
        table.add_column(name, overflow="fold")
    for name in ("kept", "merged", "dropped", "duplicates", "garble", "seconds"):
        table.add_column(name, justify="right")
    for file in files[:_MOST_ROWS]:
        table.add_row(*map(escape, _row(file)))
    # A pipe gets the table too, with its lines as long as they are.
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)
    if len(files) > _MOST_ROWS:
        print(f"… and {len(files) - _MOST_ROWS:,} more: --report FILE has them all")


def _row(file: "FileReport") -> list[str]:
    facts = file.facts
    dropped = sum(drop.count for drop in facts.dropped) if facts else 0
    garbled = "" if facts is None or facts.garbled is None else str(facts.garbled)
    return [
        *(_printable(file.path), file.status, facts.kind if facts else "", file.encoding),
        *(str(file.kept), str(facts.merged if facts else 0), str(dropped)),
        *(str(file.duplicates), garbled, f"{file.seconds:.2f}"),
    ]


def _printable(path: str) -> str:
    """Return a path on one line, with what would turn the line round or break it written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def _list(parsed: argparse.Namespace) -> int:
    infos = index.list_documents(parsed.index, wanted=parsed.wanted or None)
    if parsed.json:
        print(json.dumps([asdict(info) for info in infos], ensure_ascii=False, indent=2))
        return _DONE
    for info in infos:
        print(f"{info.id}  {info.passages:>6,}  {_printable(info.path)}  {_printable(info.title)}")
    print(f"{len(infos):,} documents, {sum(info.passages for info in infos):,} passages")
    return _DONE


def _info(parsed: argparse.Namespace) -> int:
    # Listed first, so that they are also when none of them can be opened.
    generations = index.list_generations(parsed.index)
    try:
        with index.open_index(parsed.index) as opened:
            info = opened.info
    finally:
        print(*map(_as_line, generations), sep="\n")
    facts = {
        "index": info.index_dir,
        "generation": info.generation,
        "built": f"{info.created.astimezone():%Y-%m-%d %H:%M}",
        "documents": f"{info.documents:,}",
        "passages": f"{info.passages:,}",
        "segments": f"{info.segments:,}",
        "model": f"{info.model} ({info.dimension} dimensions, revision {info.model_revision})",
        "token vectors": info.token_vectors,
        "words": info.lexical,
        "on disk": f"{info.bytes_on_disk / 1e6:.1f} MB" if info.bytes_on_disk else "(a server's)",
    }
    for name, value in facts.items():
        print(f"{name:<15}{value}")
    return 0


def _as_line(one: "GenerationInfo") -> str:
    built = "?" if one.created is None else f"{one.created.astimezone():%Y-%m-%d %H:%M}"
    marks = [
        *(["in use"] if one.is_in_use else []),
        *(["held by a reader"] if one.is_held else []),
        *([one.problem] if one.problem else []),
    ]
    size = f"{one.bytes_on_disk / 1e6:.1f} MB  " if one.bytes_on_disk else ""
    return (
        f"{one.name}  {built:<16}  documents: {one.documents:,}  passages: {one.passages:,}  "
        f"{size}{'; '.join(marks)}".rstrip()
    )


def _verify(parsed: argparse.Namespace) -> int:
    problems = index.verify(parsed.index, name=parsed.generation)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print("every file, passage and vector as built")
    return 0


def _rollback(parsed: argparse.Namespace) -> int:
    name = index.rollback(parsed.index, parsed.generation, wait=parsed.wait)
    print(f"in use: {name}")
    return 0


def _prune(parsed: argparse.Namespace) -> int:
    report = index.prune(parsed.index, keep=parsed.keep, wait=parsed.wait)
    for name in report.removed:
        print(f"removed: {name}")
    for name in report.held:
        print(f"kept, because somebody reads it: {name}")
    print(f"freed: {report.freed_bytes / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
