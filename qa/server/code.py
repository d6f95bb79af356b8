"""Any text as Markdown code, in which nothing is markup."""

import re


def code_span(text: str) -> str:
    """Return a text of one line as a code span."""
    fence = "`" * (_longest_run(text) + 1)
    # A renderer takes one blank off either end, where both have one.
    pad = " " if re.match("`| .*[^ ].* $", text) or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(text: str) -> str:
    """Return a text as a block of code."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
