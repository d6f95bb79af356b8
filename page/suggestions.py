"""Questions offered in the chat: to begin with, and to go on with after an answer."""

import hashlib

from index import REPORT, Index, YinzhengError
from page.words import REPORT_QUESTIONS
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


def next_questions(answer: Answer, index: Index, answering: Answering) -> list[str]:
    """Return questions to go on with after an answer; none while others wait for theirs.

    To find them, up to four questions are asked.
    """
    if answering.running or answering.waiting:
        return []
    try:
        return follow_ups(answer, index)
    except YinzhengError:  # the answer stands, with or without them
        return []
