"""A question in the chat → updates of the question box, the conversation and the sources."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from index import Index, ServerBusyError, YinzhengError
from page.conversation import (
    Messages,
    a_message,
    is_question,
    question_of,
    questions_in,
    texts_only,
    up_to_question,
)
from page.links import turns_in
from page.markdown import to_markdown
from page.messages import answer_parts, failure
from page.panel import panel
from page.suggestions import LastAnswers
from page.words import WORDS
from qa import Answer, Strictness
from qa.indexes import shared_index
from qa.language import language_of
from qa.server.answering import Answering
from qa.server.logs import note_answer, note_failure
from qa.stages import measuring
from qa.types import Language

_logger = logging.getLogger("yinzheng")


@dataclass(frozen=True)
class Caller:
    """Who asks, for the server's log.

    Attributes:
        reference: by which the log knows the request.
        name: of whoever signed in.
    """

    reference: str = ""
    name: str = ""


@dataclass(frozen=True)
class Reply:
    """What a question leads to.

    Attributes:
        parts: the paragraphs of the message.
        sources: the sources as HTML; None when they stay as they are.
        answer: what was answered; None when it failed.
        generation: which state of the index answered.
    """

    parts: list[str]
    sources: str | None = None
    answer: Answer | None = None
    generation: str = ""


def converse(
    history: Messages,
    strictness: Strictness,
    *,
    answering: Answering,
    last: LastAnswers,
    caller: Caller = Caller(),
) -> Iterator[tuple[Any, ...]]:
    """Answer the question that a conversation ends with, as the browser has put it there.

    Yields:
        Updates of the question box, the conversation, the sources, what to ask next, and the name
        of the answer in ``last``.
    """
    import gradio as gr

    history = texts_only(history)
    asked = question_of(history[-1]) if history and is_question(history[-1]) else ""
    if not asked:
        yield (gr.skip(),) * 5
        return
    history[-1] = a_message("user", to_markdown(asked))
    language = language_of(asked)
    searching = a_message("assistant", f"*{WORDS[language]['searching']}*")
    yield gr.Textbox(**buttons(is_running=True)), [*history, searching], gr.skip(), "", ""
    reply = answered(asked, history, strictness, answering, caller)
    for count in range(1, len(reply.parts) + 1):
        message = a_message("assistant", "\n\n".join(reply.parts[:count]))
        # Sent with the first quote, so that no link is shown before it works; and only once.
        is_first = count == 1 and reply.sources is not None
        sources = reply.sources if is_first else gr.skip()
        yield gr.skip(), [*history, message], sources, gr.skip(), gr.skip()
    name = last.keep(reply.answer, reply.generation) if reply.answer else ""
    yield *(gr.skip(),) * 4, name


def answered(
    question: str,
    history: Messages,
    strictness: Strictness,
    answering: Answering,
    caller: Caller = Caller(),
) -> Reply:
    """Return the reply to a question; one without sources when it failed.

    Args:
        question: what is asked.
        history: the conversation up to and with the question.
        strictness: how sure the answer must be.
        answering: the way to ask.
        caller: who asks, for the server's log.
    """
    language = language_of(question)
    began = perf_counter()
    with measuring() as measured:
        try:
            reply = _asked(question, history, strictness, answering)
        except YinzhengError as error:
            reply = _refused(error, language, caller)
        except Exception as error:  # noqa: BLE001  (noted, and told with its number)
            note_failure(error, request_id=caller.reference)
            unexpected = WORDS[language]["unexpected"]
            reply = Reply([failure(language, unexpected, caller.reference)])
    note_answer(
        "page",
        status=measured.facts.get("outcome", "failed"),
        ms=1000 * (perf_counter() - began),
        request_id=caller.reference,
        visitor=caller.name,
        stages={name: 1000 * seconds for name, seconds in measured.seconds.items()},
        question=question,
    )
    return reply


def _asked(question: str, history: Messages, strictness: Strictness, answering: Answering) -> Reply:
    opened = answering.open_index()
    earlier: Sequence[str] = questions_in(history)[:-1]
    answer = answering.ask(
        question, index=opened, strictness=strictness, earlier=earlier, door="page"
    )
    turn = max(turns_in(history), default=0) + 1
    parts = [*answer_parts(answer, turn), *_warning_parts(opened, language_of(question))]
    complete = [*history, a_message("assistant", "\n\n".join(parts))]
    return Reply(parts, panel(complete, opened), answer, opened.generation)


def _refused(error: YinzhengError, language: Language, caller: Caller) -> Reply:
    if isinstance(error, ServerBusyError):
        return Reply([failure(language, WORDS[language]["busy"])])
    return Reply([failure(language, str(error), caller.reference)])


def _warning_parts(index: Index, language: Language) -> list[str]:
    """Return the paragraph that says that an older index answers, when one does."""
    if not index.warning:
        return []
    built = f"{index.info.created.astimezone():%Y-%m-%d %H:%M}"
    return [f"⚠ {to_markdown(WORDS[language]['fallback'].format(built))}"]


def buttons(*, is_running: bool) -> dict[str, Any]:
    """Return the question box's settings: a button to ask, or one to stop."""
    from gradio.i18n import I18nData

    word = str(I18nData("stop" if is_running else "ask"))
    return {"submit_btn": not is_running and word, "stop_btn": is_running and word}


def undo(history: Messages, place: object, index: str | None) -> tuple[Any, ...]:
    """Take back the last question and its answer; the question returns to the box as typed."""
    import gradio as gr

    kept = up_to_question(texts_only(history), place)
    question = question_of(kept[-1]) if kept else ""
    box = gr.Textbox(value=question, **buttons(is_running=False))
    return box, kept[:-1], sources_of(kept[:-1], index), ""


def sources_of(history: Messages, index: str | None) -> str:
    """Return the sources of a conversation, or what stands there while there are none."""
    from gradio.i18n import I18nData

    try:
        content = panel(history, shared_index(index)) if history else ""
    except YinzhengError as error:
        _logger.warning("The sources of a conversation cannot be shown: %s", error)
        content = ""
    return content or str(I18nData("no_sources"))
