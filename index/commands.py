"""What the commands of ``python -m index`` do: ask the index, and print."""

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
from index import Limits, report_totals, write_report

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from index import BuildReport, FileReport, GenerationInfo

DONE, FAILED, BAD_USE, SOME_FAILED = 0, 1, 2, 3
_MOST_ROWS = 40
"""Files shown on the screen; ``--report`` has all of them."""
_PIPED_WIDTH = 160
_READ = ("new", "changed", "renamed")

STAGES = {
    "read": "Reading files",
    "embed": "Embedding passages",
    "compress": "Compressing token vectors",
    "write": "Writing the index",
    "download": "Reading from the server",
    "upload": "Writing to the server",
}


def _limits(parsed: argparse.Namespace) -> Limits:
    return Limits(**{limit.name: getattr(parsed, limit.name) for limit in fields(Limits)})


def run_build(parsed: argparse.Namespace) -> int:
    """Index exactly the documents of some paths."""
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


def run_add(parsed: argparse.Namespace) -> int:
    """Index paths besides what is there."""
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


def run_update(parsed: argparse.Namespace) -> int:
    """Read the files of documents again."""
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


def run_remove(parsed: argparse.Namespace) -> int:
    """Take documents out."""
    return _run(partial(index.remove_documents, parsed.wanted), parsed)


def _run(change: "Callable[..., BuildReport]", parsed: argparse.Namespace) -> int:
    """Change the index with a bar that tells how far it is, and say what was done."""
    if parsed.report and not Path(parsed.report).expanduser().absolute().parent.is_dir():
        print(f"index: {parsed.report} is in no folder. Make it first.", file=sys.stderr)
        return BAD_USE
    with _progress() as told:
        report = change(index_dir=parsed.index, progress=told, wait=parsed.wait)
    if parsed.report:
        write_report(report, parsed.report)
    _print_report(report)
    return SOME_FAILED if report.failed else DONE


@contextmanager
def _progress() -> "Iterator[Callable[[str, int, int], None]]":
    """Lend what shows with a bar how far each stage is."""
    with _progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(STAGES[stage], total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield told


def run_copy(parsed: argparse.Namespace) -> int:
    """Copy an index between a folder and a server."""
    with _progress() as told:
        name = index.copy_index(parsed.source, parsed.target, progress=told, wait=parsed.wait)
    print(f"in use at {parsed.target}: {name}")
    return DONE


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


def run_list(parsed: argparse.Namespace) -> int:
    """List the documents."""
    infos = index.list_documents(parsed.index, wanted=parsed.wanted or None)
    if parsed.json:
        print(json.dumps([asdict(info) for info in infos], ensure_ascii=False, indent=2))
        return DONE
    for info in infos:
        print(f"{info.id}  {info.passages:>6,}  {_printable(info.path)}  {_printable(info.title)}")
    print(f"{len(infos):,} documents, {sum(info.passages for info in infos):,} passages")
    return DONE


def run_info(parsed: argparse.Namespace) -> int:
    """Say what is indexed, and list the generations."""
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


def run_verify(parsed: argparse.Namespace) -> int:
    """Check a generation."""
    problems = index.verify(parsed.index, name=parsed.generation)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print("every file, passage and vector as built")
    return 0


def run_rollback(parsed: argparse.Namespace) -> int:
    """Put another generation into use."""
    name = index.rollback(parsed.index, parsed.generation, wait=parsed.wait)
    print(f"in use: {name}")
    return 0


def run_prune(parsed: argparse.Namespace) -> int:
    """Remove old generations."""
    report = index.prune(parsed.index, keep=parsed.keep, wait=parsed.wait)
    for name in report.removed:
        print(f"removed: {name}")
    for name in report.held:
        print(f"kept, because somebody reads it: {name}")
    print(f"freed: {report.freed_bytes / 1e6:.1f} MB")
    return 0
