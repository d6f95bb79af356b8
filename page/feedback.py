"""What readers think of an answer: found in the conversation, kept by the server's store."""

from dataclasses import asdict, dataclass
from typing import Literal, Protocol, TypeGuard

from index import Index
from page.conversation import Messages, is_question, text_of, texts_only
from page.exporting import turns_of
from page.messages import searched_in
from qa.language import language_of

Verdict = Literal["good", "bad"]
LONGEST_COMMENT = 2000
_ID_BEYOND = 1 << 53  # what a browser can count to


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

    def change(self, id: int, *, comment: str) -> None:  # noqa: A002
        """Add a comment to a judgement."""

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


def judge(
    store: FeedbackStore, before: object, answer: Judged | None, verdict: object
) -> int | None:
    """Keep what a reader thinks of an answer, in place of what they thought before.

    Args:
        store: where it is kept.
        before: the store's id of what they thought before, as their browser has kept it: unchecked.
            Ids cannot be guessed, so whoever knows one has judged.
        answer: the answer judged.
        verdict: True for good, False for bad; anything else takes it back.

    Returns:
        The store's id of what they think now; None when that is nothing.
    """
    if _is_id(before):
        store.undo(before)
    if answer is None or not isinstance(verdict, bool):
        return None
    return store.add(**asdict(answer), verdict="good" if verdict else "bad", comment="")


def add_comment(store: FeedbackStore, judgement: object, comment: object) -> None:
    """Keep a comment with a judgement, whose id is unchecked."""
    text = comment.strip()[:LONGEST_COMMENT] if isinstance(comment, str) else ""
    if text and _is_id(judgement):
        store.change(judgement, comment=text)


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _ID_BEYOND
