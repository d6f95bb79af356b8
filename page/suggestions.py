"""Questions offered in the chat: to begin with, and to go on with after an answer."""

import hashlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import get_args

from index import REPORT, Index, YinzhengError
from page.escaping import escape, lang
from page.words import REPORT_QUESTIONS, WORDS
from qa.indexes import shared_index
from qa.server.answering import Answering
from qa.suggestions import example_questions, follow_ups
from qa.types import Answer, Language

_MOST_KEPT = 64
_logger = logging.getLogger("yinzheng")


def first_questions(index: Index, language: Language) -> list[str]:
    """Return questions to begin with; those of the report where it is all that is asked.

    Never waits: of other documents they are made beside, for the visits that follow.
    """
    documents = index.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [index.document(found[0]).content_hash for found in documents[:2]] == [report]:
        return list(REPORT_QUESTIONS)
    return example_questions(index, language=language, wait=False)


def begin_first_questions(index_dir: str | None) -> None:
    """Begin to make, beside, the questions that the first visitors are offered."""
    try:
        index = shared_index(index_dir)
    except YinzhengError as error:
        _logger.warning("There are no questions to begin with: %s", error)
        return
    for language in get_args(Language):
        first_questions(index, language)


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


class LastAnswers:
    """The newest answers, from which a reader may be about to go on."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Answer, str]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, answer: Answer, generation: str) -> str:
        """Keep an answer of a generation of the index for a while; return its name."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[name] = (answer, generation)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return name

    def take(self, name: object) -> tuple[Answer, str] | None:
        """Return an answer and its generation, once; None when it is there no more."""
        with self._lock:
            return self._kept.pop(name, None) if isinstance(name, str) else None


def next_questions(name: object, last: LastAnswers, answering: Answering) -> str:
    """Return questions to go on with after an answer as buttons; none while others wait for theirs.

    To find them, up to four questions are asked: later than the answer, and apart from it.
    """
    taken = last.take(name)
    if taken is None or answering.running or answering.waiting:
        return ""
    answer, generation = taken
    try:
        index = answering.open_index()
        found = follow_ups(answer, index) if index.generation == generation else []
    except YinzhengError as error:
        _logger.warning("There are no questions to go on with: %s", error)
        return ""
    return next_html(found, answer.language)
