"""Questions offered in the chat: to begin with, and to go on with after an answer."""

import hashlib
from collections.abc import Sequence

from index import REPORT, Index
from page.escaping import escape, lang
from page.words import REPORT_QUESTIONS, WORDS
from qa.server.answering import Answering
from qa.suggestions import example_questions, follow_ups
from qa.types import Answer, Language


def first_questions(index: Index, language: Language) -> list[str]:
    """Return questions to begin with; those of the report where it is all that is asked.

    Never waits: of other documents they are made beside, for the visits that follow.
    """
    documents = index.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [index.document(found[0]).content_hash for found in documents[:2]] == [report]:
        return list(REPORT_QUESTIONS)
    return example_questions(index, language=language, wait=False)


def next_html(questions: Sequence[str], language: Language) -> str:
    """Return questions to go on with as buttons."""
    if not questions:
        return ""
    label = escape(WORDS[language]["next"])
    offered = "".join(
        f'<button type="button" data-do="ask"{lang(one)}>{escape(one)}</button>'
        for one in questions
    )
    return f'<div role="group" aria-label="{label}" lang="{language}">{offered}</div>'


def next_questions(answer: Answer, index: Index, answering: Answering) -> list[str]:
    """Return questions to go on with after an answer; none while others wait for theirs.

    To find them, up to four questions are asked.
    """
    if answering.running or answering.waiting:
        return []
    return follow_ups(answer, index)
