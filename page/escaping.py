"""Texts → HTML that shows exactly them: everything untrusted passes here, piece by piece."""

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from index import script_of


def escape(text: str) -> str:
    """Return HTML that shows exactly a text; also good inside an attribute's double quotes."""
    # A carriage return in HTML source would be read as a line feed.
    return html.escape(text).replace("\r", "&#13;")


@lru_cache(maxsize=1024)
def lang(text: str) -> str:
    """Return the ``lang`` attribute for a text, so that it gets its own script's glyphs."""
    script = script_of(text)
    return f' lang="{script}"' if script else ""


_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u0590-\u08ff]")
_FIRST_STRONG, _POP = "\u2068", "\u2069"


def isolated(text: str) -> str:
    """Return a text that turns the direction of nothing but itself.

    Only what could turn anything is changed: names and headings are also copied and exported.
    """
    if not _TURNS.search(text):
        return text
    # What it closes beyond what it opened would else close ours, and what it leaves open, stay.
    opens = 1 + text.count(_POP)
    closes = opens + sum(text.count(one) for one in "\u2066\u2067\u2068")
    return f"{_FIRST_STRONG * opens}{text}{_POP * closes}"


def marked(quote: str, marks: Sequence[int], answer: Sequence[int] = ()) -> str:
    """Return a quote with the words that decided set off, and the phrase that answers.

    Args:
        quote: the words.
        marks: where those that decided begin and end, by turns.
        answer: where the phrase begins and ends; none = there is none.
    """
    # Cut first, escape each piece behind it: the offsets are those of the text.
    bounds = sorted({0, *marks, *answer, len(quote)})
    pieces = []
    for start, end in pairwise(bounds):
        piece = escape(quote[start:end])
        # No screen reader speaks of <b>; a <mark> in a <mark> some do.
        if _is_inside(start, marks):
            piece = f"<b>{piece}</b>"
        pieces.append(f"<strong>{piece}</strong>" if _is_inside(start, answer) else piece)
    return "".join(pieces).replace("</strong><strong>", "")


def _is_inside(at: int, bounds: Sequence[int]) -> bool:
    return sum(bound <= at for bound in bounds) % 2 == 1
