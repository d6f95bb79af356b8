"""A conversation as the chat component has it, and as the browser sends it back: unchecked."""

from typing import Any

from page.markdown import from_markdown

Messages = list[dict[str, Any]]
"""Each with its role and its content."""

MOST_MESSAGES = 200
MOST_CHARACTERS = 400_000


def a_message(role: str, text: str) -> dict[str, Any]:
    """Return a message of one text."""
    # Gradio strips and re-indents a plain string; a part of type text it leaves as it is.
    return {"role": role, "content": [{"type": "text", "text": text}]}


def texts_only(history: object) -> Messages:
    """Drop files and components: this page sends none, so none may come back."""
    if not isinstance(history, list):
        return []
    kept: Messages = []
    size = 0
    for message in reversed(history[-MOST_MESSAGES:]):
        text = text_of(message)
        size += len(text)
        if size > MOST_CHARACTERS:
            break
        kept.append(a_message("user" if is_question(message) else "assistant", text))
    return kept[::-1]


def is_question(message: object) -> bool:
    """Return whether a message is the reader's."""
    return isinstance(message, dict) and message.get("role") == "user"


def text_of(message: object) -> str:
    """Return the text of a message, whatever its shape."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return _without_surrogates("".join(part for part in parts if isinstance(part, str)))
    return _without_surrogates(content) if isinstance(content, str) else ""


def question_of(message: object) -> str:
    """Return what the reader typed."""
    return from_markdown(text_of(message)).strip()


def questions_in(history: Messages) -> list[str]:
    """Return the questions of a conversation, oldest first."""
    return [question_of(message) for message in history if is_question(message)]


def up_to_question(history: Messages, place: object) -> Messages:
    """Return the conversation up to and with the last question at or before a message."""
    last = place if isinstance(place, int) and not isinstance(place, bool) else len(history)
    kept = history[: max(0, last) + 1]
    while kept and not is_question(kept[-1]):
        kept = kept[:-1]
    return kept


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
