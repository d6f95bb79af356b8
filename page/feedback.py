"""What readers think of an answer: found in the conversation, kept by the server's store."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from index import Index
from page.conversation import Messages, is_question, text_of, texts_only
from page.exporting import turns_of
from page.messages import searched_in
from qa.language import language_of

Kept = dict[str, Any]
"""What a visit has judged so far: by answer, what the store was told and its name for it."""
Verdict = Literal["good", "bad"]
LONGEST_COMMENT = 2000


class FeedbackStore(Protocol):
    """Where judgements are kept: ``qa.feedback.FeedbackStore``."""

    def add(
        self,
        *,
        question: str,
        searched: str,
        language: str,
        answer_text: str,
        status: str,
        verdict: Verdict,
        comment: str,
        generation: str,
        quotes: list[str],
    ) -> int:
        """Keep a judgement; return its id."""

    def undo(self, id: int, /) -> object:  # noqa: A002
        """Take a judgement back."""


@dataclass(frozen=True)
class Judged:
    """An answer that a reader judges: what the store keeps of it."""

    question: str
    searched: str
    language: str
    answer_text: str
    status: str
    generation: str
    quotes: list[str]


def judged(history: object, place: object, index: Index) -> Judged | None:
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
    language = language_of(turn.question)
    return Judged(
        question=turn.question,
        searched=searched_in(text_of(messages[place]), language),
        language=language,
        answer_text=turn.reply,
        status=turn.status,
        generation=index.generation,
        quotes=quotes,
    )


def _question_before(messages: Messages, place: int) -> Messages:
    asked = [message for message in messages[:place] if is_question(message)]
    return asked[-1:]


def judge(store: FeedbackStore, kept: Kept, answer: Judged | None, verdict: object) -> Kept:
    """Keep what a reader thinks of an answer, in place of what they thought before.

    Args:
        store: where it is kept.
        kept: what this visit has judged so far.
        answer: the answer judged.
        verdict: True for good, False for bad; anything else takes it back.

    Returns:
        What this visit has judged now; ``last`` is what a comment would belong to.
    """
    kept = {key: value for key, value in kept.items() if key != "last"}
    if answer is None:
        return kept
    key = f"{answer.question}\n{answer.answer_text}"
    if (before := kept.pop(key, None)) is not None:
        store.undo(before["id"])
    if not isinstance(verdict, bool):
        return kept
    values = {**asdict(answer), "verdict": "good" if verdict else "bad"}
    kept[key] = {"id": store.add(**values, comment=""), "values": values}
    return {**kept, "last": key}


def add_comment(store: FeedbackStore, kept: Kept, comment: str) -> Kept:
    """Keep a comment with the last judgement."""
    judgement = kept.get(kept.get("last", ""))
    text = comment.strip()[:LONGEST_COMMENT]
    if judgement is None or not text:
        return kept
    store.undo(judgement["id"])
    added = {**judgement, "id": store.add(**judgement["values"], comment=text)}
    return {**kept, kept["last"]: added}
