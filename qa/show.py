"""``python -m qa show REF``: a quote by its permanent reference, in its context."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from index import PlaceError, YinzhengError
from qa.references import Resolved, resolve

_FOUND, _FAILED, _BAD_USE, _CHANGED = 0, 1, 2, 3
_CONTEXT = 120
"""Characters shown on either side."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status.

    0 the quote stands in the document, 3 it no longer does, 2 no such reference, 1 failure.
    """
    parsed = _parser().parse_args(arguments)
    try:
        found = resolve(parsed.reference, index=parsed.index)
    except PlaceError as error:
        print(f"qa: {error}", file=sys.stderr)
        return _BAD_USE
    except YinzhengError as error:
        print(f"qa: {error}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"qa: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return _FAILED
    if parsed.json:
        print(json.dumps(resolved_as_json(found), ensure_ascii=False, indent=2))
    else:
        print(resolved_as_text(found))
    return _CHANGED if found.status == "changed" else _FOUND


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qa show",
        description="Show the quote of a permanent reference in its context.",
    )
    parser.add_argument("reference", metavar="REF", help="yinzheng:<document hash>#<start>-<end>")
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME (default: as for asking a question)",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


def resolved_as_text(found: Resolved) -> str:
    """Return a quote in its place and context, or what has become of it, for people."""
    lines = [_place(found), found.document.path]
    if found.status != "current":
        lines.append(_what_changed(found))
    if found.is_read_otherwise:
        lines.append("The same file has been read otherwise since; the place may have shifted.")
    if found.start is not None and found.end is not None:
        lines.append(_in_context(found.document.text, found.start, found.end))
    elif found.quote is not None:
        lines.append(f"It read: 【{found.quote}】")
    else:
        lines.append("No generation of the index holds the old text any more.")
    return "\n".join(lines)


def _place(found: Resolved) -> str:
    headings = [heading for heading in found.headings if heading != found.document.title]
    page = f", page {found.page}" if found.page is not None else ""
    place = "" if found.start is None else f", characters {found.start}-{found.end}"
    return f"{' > '.join([found.document.title, *headings])}{page}{place}"


def _what_changed(found: Resolved) -> str:
    since = f" ({found.version.indexed[:10]})" if found.version else ""
    if found.status == "moved":
        return f"The source changed since{since}, but still holds the quote."
    return f"The source changed since{since}: its current text no longer holds the quote."


def _in_context(text: str, start: int, end: int) -> str:
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    before, after = "…" if first else "", "…" if last < len(text) else ""
    return f"{before}{text[first:start]}【{text[start:end]}】{text[end:last]}{after}"


def resolved_as_json(found: Resolved) -> dict[str, Any]:
    """Return all that a reference leads to, the same through every door."""
    document = found.document
    version = asdict(found.version) if found.version else None
    if version is not None:
        version["text_key"] = version["text_key"].hex()
    return {
        "reference": found.reference,
        "status": found.status,
        "quote": found.quote,
        "document": document.id,
        "title": document.title,
        "path": document.path,
        "headings": list(found.headings),
        "page": found.page,
        "start": found.start,
        "end": found.end,
        "version": version,
        "is_read_otherwise": found.is_read_otherwise,
    }
