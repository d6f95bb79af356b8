"""What the page offers to ask: of the documents at first, and below an answer."""

import hashlib
from collections.abc import Sequence

from index import REPORT, Index
from page.escaping import escape, lang
from page.words import REPORT_QUESTIONS, WORDS
from qa import Answer
from qa.types import Language


def first_questions(index: Index, language: Language) -> list[str]:  # noqa: ARG001
    """Return questions to begin with; about the bundled report where it is all that is asked."""
    documents = index.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [index.document(found[0]).content_hash for found in documents[:2]] == [report]:
        return list(REPORT_QUESTIONS)
    return []


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


def next_questions(answer: Answer, index: Index) -> list[str]:  # noqa: ARG001
    """Return questions to go on with after an answer."""
    return []
