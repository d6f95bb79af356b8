"""Text → Markdown that shows exactly that text, and back.

The chat shows Markdown, and whoever copies a message copies its Markdown: so only what would be
markup is escaped, and what the browser sends back can be read again.
"""

import html
import re
from collections.abc import Sequence

_MARKUP = re.compile(r"[\\`*_\[\]~|$@]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_LINE_MARKER = re.compile(r"(^|[\r\n])(?:(?=[#+=-])|([0-9]{1,9})(?=[.)]))")
_LINE_SPACE = re.compile(r"(^|[\r\n])([ \t])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_STRONG = re.compile("</?strong>")  # in a document's words < is escaped
_LINE_END = re.compile(r"\r\n|\r|\n")


def to_markdown(text: str) -> str:
    """Escape a text so that it is shown as it is: no markup, no links, no images.

    Only what would be markup is escaped, because copying a message copies its Markdown.
    """
    escaped = _MARKUP.sub(r"\\\g<0>", html.escape(text, quote=False))
    escaped = _LINE_MARKER.sub(r"\1\2\\", escaped)
    return _LINE_SPACE.sub(lambda m: f"{m[1]}&#{ord(m[2])};", escaped)


def from_markdown(escaped: str) -> str:
    """Return the text that ``to_markdown`` escaped, or ``in_blockquote`` set a part of off."""
    return html.unescape(_ESCAPE.sub(r"\1", _STRONG.sub("", escaped)))


def in_blockquote(text: str, strong: Sequence[int] = ()) -> str:
    """Return a text as a block quote that shows exactly it.

    Args:
        text: what is quoted.
        strong: where a part of it begins and ends that is set off; none = nothing is.
    """
    pieces = [to_markdown(text)]
    if strong:
        start, end = strong
        # Asterisks would be no markup where they stand between a letter and a Chinese mark.
        inside = f"<strong>{to_markdown(text[start:end])}</strong>"
        pieces = [to_markdown(text[:start]), inside, to_markdown(text[end:])]
    return "> " + _LINE_END.sub("\n> ", "".join(pieces))
