"""The examples of a document: Python to run, and what it says they print."""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    """A block of Python, and the block of text that follows it, if one does."""

    code: str
    printed: str | None
    where: str

    def run(self, names: dict[str, Any]) -> str:
        """Return what it prints; the names it makes are there for the next one."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(self.code, self.where, "exec"), names)  # noqa: S102  (our own documents)
        return printed.getvalue()


def sections(document: Path) -> dict[str, list[Example]]:
    """Return the examples of each section, those before the first one under ``""``."""
    text = document.read_text(encoding="utf-8")
    starts = [(0, ""), *((found.start(), found[1]) for found in _SECTION.finditer(text))]
    ends = [*(start for start, _ in starts[1:]), len(text)]
    found = {}
    for (start, title), end in zip(starts, ends, strict=True):
        before = text[:start].count("\n")
        found[title] = [
            Example(
                # Blank lines before it, so that a traceback names the line of the document.
                "\n" * (before + text[start : start + block.start()].count("\n") + 1)
                + block["code"],
                block["printed"],
                document.name,
            )
            for block in _EXAMPLE.finditer(text[start:end])
        ]
    return found


def run_section(examples: list[Example]) -> tuple[list[str], list[str]]:
    """Run the examples of a section one after another; return what they print, and should."""
    names: dict[str, Any] = {"__name__": "example"}
    printed = [example.run(names) for example in examples]
    return printed, [example.printed or "" for example in examples]
