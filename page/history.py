"""Conversations kept by the browser: brought back, and handed out as files.

Nothing of them is kept by the server. What the browser sends is unchecked, as in every event.
"""

import re
from datetime import datetime
from typing import Any

from page.chat import sources_of
from page.conversation import Messages, a_message, is_question, question_of, text_of, texts_only
from page.exporting import exported
from page.markdown import to_markdown
from qa.indexes import shared_index

_LONGEST_TEXT = 100_000
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
_OUR_LINK = re.compile(
    r"(?<!!)\[(?:\[[0-9]\]|[^\[\]()<>`!]{1,40})\]\(#(?:cite|near|also)-[0-9a-f._-]{1,400}\)"
)
_SET_OFF = re.compile("</?strong>")
# What this page writes only with an escape; a ">" it writes to open a quote.
_FOREIGN = re.compile(r"[<`\[\]_~|$@]|[^\n]>|://|www\.", re.IGNORECASE)


def brought_back(kept: object) -> Messages:
    """Return a conversation as the browser kept it: a list of roles and texts."""
    if not isinstance(kept, list):
        return []
    messages = texts_only(
        [
            a_message(str(one.get("role")), one["text"])
            for one in kept
            if isinstance(one, dict)
            and isinstance(one.get("text"), str)
            and len(one["text"]) <= _LONGEST_TEXT
        ]
    )
    return [_as_ours(message) for message in messages if text_of(message)]


def _as_ours(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that shows nothing that this page does not write."""
    if is_question(message):
        return a_message("user", to_markdown(question_of(message)))
    text = text_of(message)
    bare = _SET_OFF.sub("", _OUR_LINK.sub("", _ESCAPED.sub("", text)))
    is_ours = not _FOREIGN.search(bare)
    return a_message("assistant", text if is_ours else to_markdown(text))


def opened(kept: object, index: str | None) -> tuple[Messages, str]:
    """Return a kept conversation, and its sources as they are now."""
    messages = brought_back(kept)
    return messages, sources_of(messages, index)


def file_of(history: object, kind: object, index: str | None) -> dict[str, str]:
    """Return a conversation as a file of a kind, ``markdown`` or ``json``."""
    now = datetime.now().astimezone()
    return exported(texts_only(history), str(kind), shared_index(index), now)
