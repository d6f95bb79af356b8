"""What the page offers to ask: of the documents at first, and below an answer."""

import hashlib

from index import REPORT, Index
from page.words import REPORT_QUESTIONS
from qa import Answer
from qa.types import Language


def first_questions(index: Index, language: Language) -> list[str]:  # noqa: ARG001
    """Return questions to begin with; about the bundled report where it is all that is asked."""
    documents = index.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [index.document(found[0]).content_hash for found in documents[:2]] == [report]:
        return list(REPORT_QUESTIONS)
    return []


def next_questions(answer: Answer, index: Index) -> list[str]:  # noqa: ARG001
    """Return questions to go on with after an answer."""
    return []
