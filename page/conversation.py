"""A conversation as the chat component has it, and as the browser sends it back: unchecked."""

from typing import Any

Messages = list[dict[str, Any]]
"""Each with its role and its content."""


def a_message(role: str, text: str) -> dict[str, Any]:
    """Return a message of one text."""
    # Gradio strips and re-indents a plain string; a part of type text it leaves as it is.
    return {"role": role, "content": [{"type": "text", "text": text}]}


def texts_only(history: Messages) -> Messages:
    """Drop files and components: this page sends none, so none may come back."""
    return [
        a_message("user" if message.get("role") == "user" else "assistant", text_of(message))
        for message in history
    ]


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message, whatever its shape."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
