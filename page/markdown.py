"""Text → Markdown that shows exactly that text, and back.

The chat shows Markdown, and whoever copies a message copies its Markdown: so only what would be
markup is escaped, and what the browser sends back can be read again.
"""

import html
import re

_MARKUP = re.compile(r"[\\`*_\[\]~|$@]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_LINE_MARKER = re.compile(r"(^|[\r\n])(?:(?=[#+=-])|([0-9]{1,9})(?=[.)]))")
_LINE_SPACE = re.compile(r"(^|[\r\n])([ \t])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\r\n|\r|\n")


def to_markdown(text: str) -> str:
    """Escape a text so that it is shown as it is: no markup, no links, no images.

    Only what would be markup is escaped, because copying a message copies its Markdown.
    """
    escaped = _MARKUP.sub(r"\\\g<0>", html.escape(text, quote=False))
    escaped = _LINE_MARKER.sub(r"\1\2\\", escaped)
    return _LINE_SPACE.sub(lambda m: f"{m[1]}&#{ord(m[2])};", escaped)


def from_markdown(escaped: str) -> str:
    """Return the text that ``to_markdown`` escaped."""
    return html.unescape(_ESCAPE.sub(r"\1", escaped))


def in_blockquote(text: str) -> str:
    """Return a text as a block quote that shows exactly it."""
    return "> " + _LINE_END.sub("\n> ", to_markdown(text))
