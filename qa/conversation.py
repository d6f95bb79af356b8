"""A follow-up question → the question it stands for, by rules over the questions before it.

No model guesses here: a rule matches or the question stays as it is. Whoever shows an answer shows
also what was searched for (``Answer.searched``), so a wrong reading is seen and can be asked again.
"""

from collections.abc import Sequence

from index import clean_question
from qa.ellipsis import complete_ellipsis, narrow
from qa.framing import is_small_talk
from qa.pronouns import resolve_pronoun

_REMEMBERED = 50
"""How many questions before are read; a chain of follow-ups is no longer."""
_POINTED_AT = 5
"""How many complete questions a pronoun may point back over."""
_LONGEST = 300
"""Characters of a question that is completed, or that completes one: no text was pasted."""


def in_context(question: str, earlier: Sequence[str]) -> str:
    """Return what to search for: a follow-up completed from the questions before it.

    A question that can stand alone is returned as it is, and so is one that no rule understands.

    Args:
        question: as it was asked.
        earlier: the questions before it, oldest first; follow-ups among them are completed first.
    """
    complete: list[str] = []
    for one in earlier[-_REMEMBERED:]:
        text = clean_question(one)
        if text and len(text) <= _LONGEST and not is_small_talk(text):
            complete.append(_completed(text, complete))
    text = clean_question(question)
    if not complete or len(text) > _LONGEST or is_small_talk(text):
        return question
    completed = _completed(text, complete)
    return question if completed == text else completed


def _completed(question: str, complete: Sequence[str]) -> str:
    if not complete:
        return question
    recent = complete[: -_POINTED_AT - 1 : -1]
    return (
        complete_ellipsis(question, recent[0])
        or resolve_pronoun(question, recent)
        or narrow(question, recent[0])
        or question
    )
