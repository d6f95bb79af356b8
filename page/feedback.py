"""What readers think of an answer: found in the conversation, kept by the server's store."""

from dataclasses import dataclass
from typing import Any, Literal

from index import Index
from page.conversation import Messages, is_question, texts_only
from page.exporting import turns_of

Verdict = Literal["good", "bad"]
LONGEST_COMMENT = 2000


@dataclass(frozen=True)
class Judged:
    """An answer that a reader judges: what the store keeps of it."""

    question: str
    answer_text: str
    status: str
    generation: str
    quotes: list[str]


def judged(history: Any, place: Any, index: Index) -> Judged | None:
    """Return the answer that stands at a place in the conversation; None when none does.

    Args:
        history: the conversation, as the browser sends it.
        place: number of the message, unchecked.
        index: the index that is asked.
    """
    messages: Messages = texts_only(history)
    if isinstance(place, (list, tuple)):
        place = place[0] if place else None
    if not isinstance(place, int) or not 0 <= place < len(messages):
        return None
    if is_question(messages[place]):
        return None
    [turn] = turns_of([*_question_before(messages, place), messages[place]], index)
    if turn.status == "none":
        return None
    quotes = [one["reference"] for one in turn.citations if turn.status == "answered"]
    return Judged(turn.question, turn.reply, turn.status, index.generation, quotes)


def _question_before(messages: Messages, place: int) -> Messages:
    asked = [message for message in messages[:place] if is_question(message)]
    return asked[-1:]
