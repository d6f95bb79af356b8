"""``python -m qa feedback``: what readers thought of answers, and questions for an evaluation."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index import YinzhengError, default_data_dir
from qa.feedback import FEEDBACK_FILE, Feedback, FeedbackStore

_DONE, _FAILED = 0, 1
_COLUMNS = (
    *("id", "time", "verdict", "status", "language", "question", "searched", "comment"),
    *("answer_text", "quotes", "references", "generation"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What a spreadsheet takes for the beginning of a formula, also full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status: 0 done, 2 bad use, 1 failure."""
    parsed = _parser().parse_args(arguments)
    store = FeedbackStore(Path(parsed.data or default_data_dir()).expanduser() / FEEDBACK_FILE)
    try:
        shown = parsed.show(store, parsed)
    except YinzhengError as error:
        print(f"qa feedback: {error}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"qa feedback: {error}. Check the path and its permissions.", file=sys.stderr)
        return _FAILED
    if not shown:
        print(f"qa feedback: {parsed.nothing.format(path=store.path)}", file=sys.stderr)
    return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qa feedback", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="everything that readers said, the oldest first")
    listing.set_defaults(show=_list, nothing="There is no feedback in {path} yet.")
    export = commands.add_parser(
        "export",
        help="good answers as a file of questions for: python -m qa eval --index DIR FILE",
        description="Write the answers that readers found good as questions with expected text. "
        "JSON is exact; in CSV a cell that a spreadsheet could run as a formula begins with '.",
    )
    export.set_defaults(show=_export, nothing="No answer in {path} was found good yet.")
    for command in (listing, export):
        kind = command.add_mutually_exclusive_group()
        kind.add_argument("--csv", action="store_true", help="as CSV, safe for spreadsheets")
        kind.add_argument("--json", action="store_true", help="as JSON (export: the default)")
        command.add_argument(
            "--data",
            metavar="DIR",
            help="where the server keeps what visitors leave "
            "(default: YINZHENG_DATA, else a folder in your user data)",
        )
    return parser


def _list(store: FeedbackStore, parsed: argparse.Namespace) -> bool:
    entries = store.entries()
    if parsed.json:
        _print_json([asdict(entry) for entry in entries])
    elif parsed.csv:
        _print_csv(_COLUMNS, [_row(entry) for entry in entries])
    else:
        for entry in entries:
            _print_entry(entry)
    return bool(entries)


def _export(store: FeedbackStore, parsed: argparse.Namespace) -> bool:
    questions = store.export()
    if parsed.csv:  # a row has room for one text, and the first is that of the best quote
        rows = [{**one, "expected": one["expected"][0]} for one in questions]
        _print_csv(("question", "expected"), rows)
    else:
        _print_json(questions)
    return bool(questions)


def _print_entry(entry: Feedback) -> None:
    print(f"{entry.time}  {entry.verdict:4}  {entry.status}  {_on_one_line(entry.question)}")
    if entry.searched != entry.question:
        print(f"    searched: {_on_one_line(entry.searched)}")
    if entry.comment:
        print(f"    {_on_one_line(entry.comment)}")
    for quote in entry.quotes:
        print(f"    {quote.reference}")


def _on_one_line(text: str) -> str:
    """Return a visitor's words without line breaks and without codes that drive a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _row(entry: Feedback) -> dict[str, Any]:
    quotes = "\n".join(quote.quote for quote in entry.quotes)
    references = "\n".join(quote.reference for quote in entry.quotes)
    return {**asdict(entry), "quotes": quotes, "references": references}


def _print_json(values: list[dict[str, Any]]) -> None:
    print(json.dumps(values, ensure_ascii=False, indent=2))


def _print_csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)


def _harmless(value: Any) -> Any:  # noqa: ANN401
    """Return a cell that no spreadsheet takes for a formula, and no terminal for a command.

    =1+1 becomes '=1+1; control characters other than line breaks and tabs become blanks.
    """
    if not isinstance(value, str):
        return value
    value = _CONTROLS.sub(" ", value)
    if value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA):
        return f"'{value}"
    return value
