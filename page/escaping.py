"""Texts → HTML that shows exactly them: everything untrusted passes here, piece by piece."""

import html
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


def marked(quote: str, marks: Sequence[int]) -> str:
    """Return a quote with the words that decided set off."""
    # Cut first, escape each piece behind it: the offsets are those of the text.
    bounds = [0, *marks, len(quote)]
    pieces = [escape(quote[a:b]) for a, b in pairwise(bounds)]
    # No screen reader speaks of <b>; a <mark> in a <mark> some do.
    return "".join(f"<b>{piece}</b>" if n % 2 else piece for n, piece in enumerate(pieces))
