"""What is connected with what in the chat tab: events of the browser → functions.

Every function here is called with what a browser sends, and checks it. ``yinzheng`` in the scripts
is the page's own object in the browser (``page/static``).
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from index import YinzhengError
from page.chat import Caller, buttons, converse, undo
from page.conversation import Messages, texts_only, up_to_question
from page.feedback import FeedbackStore, add_comment, judge, judged
from page.history import file_of, opened
from page.reading import reading
from page.suggestions import LastAnswers, first_questions, next_questions
from qa import Strictness
from qa.indexes import shared_index
from qa.server.services import Services
from qa.server.visitors import visitor_of
from qa.types import Language

if TYPE_CHECKING:
    import gradio as gr
    from gradio.i18n import I18nData

_logger = logging.getLogger("yinzheng")
_NOT_KEPT = "not_judged"
"""The scripts say it in the reader's words."""
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_TRIES, _PAUSE = 30, 1.0
# Never waits behind questions, and is no question.
_AT_ONCE: dict[str, Any] = {**_QUIET, "queue": False}


@dataclass(frozen=True)
class ChatParts:
    """The parts of the chat tab that do something."""

    box: "gr.Textbox"
    chat: "gr.Chatbot"
    sources: "gr.HTML"
    next: "gr.HTML"
    document: "gr.HTML"
    strictness: "gr.Radio"
    new: "gr.Button"
    clear: "gr.Button"
    thanks: "gr.Row"
    comment: "gr.Textbox"
    send_comment: "gr.Button"
    no_comment: "gr.Button"
    store: FeedbackStore
    no_sources: "I18nData"

    @property
    def outputs(self) -> list[Any]:
        """What a question changes."""
        return [self.box, self.chat, self.sources, self.next]


def connect_chat(page: "gr.Blocks", parts: ChatParts, services: Services) -> None:
    """Connect the parts of the chat tab with what they do."""
    import gradio as gr

    # Not in the page: it carries what the scripts hand over.
    handed = gr.JSON(visible=False)
    running = _connect_questions(parts, services)
    _connect_ends(parts, running)
    _connect_history(page, parts, handed, services.settings.index, running)
    _connect_document(parts, handed, services.settings.index)
    _connect_strictness(page, parts.strictness)
    _connect_feedback(parts, handed, services.settings.index)


def _hidden_button(name: str) -> "gr.Button":
    """Return a button for the scripts: to press it is to call the server."""
    import gradio as gr

    return gr.Button("", elem_id=f"do-{name}", elem_classes="scripts-only")


def _script(call: str, *arguments: dict[str, Any]) -> str:
    """Return a function for the browser that calls one of the page's own."""
    given = "".join(f", {json.dumps(argument)}" for argument in arguments)
    return f"(...inputs) => window.yinzheng.{call}(inputs{given})"


def _connect_questions(parts: ChatParts, services: Services) -> list[Any]:
    """Connect whatever asks a question; return the events that can be stopped."""
    import gradio as gr

    def answer(
        history: Messages, strictness: Strictness, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        checked = strictness if strictness in get_args(Strictness) else "balanced"
        caller = _caller(request, services)
        yield from converse(
            history, checked, answering=services.answering, last=last, caller=caller
        )

    def answer_again(
        history: Messages, strictness: Strictness, chosen: gr.RetryData, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        yield from answer(up_to_question(texts_only(history), chosen.index), strictness, request)

    last, answered = LastAnswers(), gr.State("")
    box, chat, asked_with = parts.box, parts.chat, [parts.chat, parts.strictness]
    while_running = buttons(is_running=True)
    # The browser shows the question itself: at once, however busy the server is.
    typed = box.submit(None, [box, chat], [box, chat], js=_script("send", while_running))
    picked = _hidden_button("ask").click(
        None, [box, chat], [box, chat], js=_script("sendPicked", while_running)
    )
    outputs = [*parts.outputs, answered]
    running = [
        typed.then(answer, asked_with, outputs, **_QUIET),
        picked.then(answer, asked_with, outputs, **_QUIET),
        chat.retry(answer_again, asked_with, outputs, **_QUIET),
    ]
    idle = _script("idle", buttons(is_running=False))
    for event in running:
        # Not before Gradio, too, takes the event for ended: it would cancel what is over.
        event.success(None, None, [box], js=idle)
        # Apart from the answer: the next question may be asked, or another begun, meanwhile.
        event.success(
            lambda name: next_questions(name, last, services.answering),
            [answered],
            [parts.next],
            **_AT_ONCE,
        )
    failed = _script("failed", buttons(is_running=False))
    for event in running:
        event.failure(None, [chat], [box, chat], js=failed)
    # In the browser alone: at once, however busy the server is.
    stopped = _script("stopped", buttons(is_running=False))
    box.stop(None, [chat], [box, chat], js=stopped, cancels=running)
    return running


def _caller(request: "gr.Request", services: Services) -> Caller:
    """Return who asks, and the number by which the server's log knows the request."""
    scope = request.request.scope if request.request else {}
    number = str(scope.get("state", {}).get("request_id", ""))
    return Caller(number, visitor_of(scope, services.settings).name)


def _connect_ends(parts: ChatParts, running: list[Any]) -> None:
    """Connect what ends a conversation: a new one, an emptied one."""
    empty: dict[str, Any] = {"value": "", **buttons(is_running=False)}
    for button, call in ((parts.new, "begin"), (parts.clear, "forget")):
        # In the browser alone: at once, however busy the server is.
        script = _script(call, empty, {"value": str(parts.no_sources)})
        ended = [*parts.outputs, parts.thanks]
        button.click(None, None, ended, js=script, cancels=running)


def _connect_history(
    page: "gr.Blocks",
    parts: ChatParts,
    handed: "gr.JSON",
    index: str | None,
    running: list[Any],
) -> None:
    """Connect the conversations that the browser keeps."""
    import gradio as gr

    def load(asked: object) -> tuple[Any, Any]:
        kept = asked if isinstance(asked, dict) else {}
        questions = _first_questions(kept.get("language"), index)
        chat: dict[str, Any] = {"examples": [{"text": one} for one in questions]}
        if not kept.get("messages"):
            return gr.Chatbot(**chat), gr.skip()
        chat["value"], sources = opened(kept["messages"], index)
        return gr.Chatbot(**chat), sources

    def bring_back(kept: object) -> tuple[Any, ...]:
        messages, sources = opened(kept, index)
        box = gr.Textbox(**buttons(is_running=False))
        return box, messages, sources, "", gr.Row(visible=False)

    def take_back(history: Messages, chosen: gr.UndoData) -> tuple[Any, ...]:
        return undo(history, chosen.index, index)

    async def load_examples(asked: object) -> gr.Chatbot:
        language = asked.get("language") if isinstance(asked, dict) else None
        for _ in range(_TRIES):  # asleep, not in one of the threads that answer
            await asyncio.sleep(_PAUSE)
            if questions := await asyncio.to_thread(_first_questions, language, index):
                return gr.Chatbot(examples=[{"text": one} for one in questions])
        return gr.Chatbot()

    chat = parts.chat
    loaded = page.load(load, [handed], [chat, parts.sources], js=_script("loaded"), **_AT_ONCE)
    # Of a generation that nobody has visited, questions to begin with are still being made.
    loaded.then(None, None, None, js=_script("lackExamples"))
    _hidden_button("examples").click(
        load_examples, [handed], [chat], js=_script("lacking"), **_AT_ONCE
    )
    opening = [*parts.outputs, parts.thanks]
    _hidden_button("open").click(
        bring_back, [handed], opening, js=_script("opened"), cancels=running, **_AT_ONCE
    )
    undone = chat.undo(take_back, [chat], parts.outputs, **_AT_ONCE)
    undone.then(None, [chat], None, js=_script("replace"))
    # The browser keeps it, and knows which of its answers the reader has judged.
    chat.change(None, [chat], [chat], js=_script("keep"))
    _hidden_button("export").click(
        lambda kind, history: file_of(history, kind, index),
        [handed, chat],
        [handed],
        js=_script("exporting"),
        **_AT_ONCE,
    ).then(None, [handed], None, js=_script("save"))


def _first_questions(asked: object, index: str | None) -> list[str]:
    language: Language = next((one for one in get_args(Language) if one == asked), "en")
    return first_questions(shared_index(index), language)


def _connect_document(parts: ChatParts, handed: "gr.JSON", index: str | None) -> None:
    """Connect what shows a whole document around a quote."""
    _hidden_button("read").click(
        lambda asked: reading(asked, shared_index(index)),
        [handed],
        [parts.document],
        js=_script("reading"),
        **_AT_ONCE,
    ).then(None, None, None, js=_script("readOn"))


def _connect_strictness(page: "gr.Blocks", strictness: "gr.Radio") -> None:
    """Keep the strictness in the browser; nothing of it is sent to the server."""
    page.load(None, None, strictness, js=_script("strictness"))
    strictness.input(None, strictness, None, js=_script("keepStrictness"))


def _connect_feedback(parts: ChatParts, handed: "gr.JSON", index: str | None) -> None:
    """Connect what readers think of answers; what they thought before, the browser remembers."""
    import gradio as gr

    store = parts.store

    def like(history: object, before: object, chosen: gr.LikeData) -> tuple[Any, str, Any]:
        place = chosen.index[0] if isinstance(chosen.index, (list, tuple)) else chosen.index
        ids = before if isinstance(before, list) else []
        with _told_if_not_kept():
            answer = judged(history, place, shared_index(index))
            known = isinstance(place, int) and 0 <= place < len(ids)
            judgement = judge(store, ids[place] if known else None, answer, chosen.liked)
        now = {"place": place, "id": judgement, "liked": chosen.liked}
        return gr.Row(visible=judgement is not None), "", now

    def comment(text: str, judgement: object) -> tuple[Any, str]:
        with _told_if_not_kept():
            add_comment(store, judgement, text)
        return gr.Row(visible=False), ""

    thanks, box, chat = parts.thanks, parts.comment, parts.chat
    liked = chat.like(
        like, [chat, handed], [thanks, box, handed], js=_script("judging"), **_AT_ONCE
    )
    liked.success(None, [chat, handed], [chat], js=_script("judged"))
    for event in (parts.send_comment.click, box.submit):
        sent = event(comment, [box, handed], [thanks, box], js=_script("commenting"), **_AT_ONCE)
        sent.success(None, None, None, js=_script("thank"))
    parts.no_comment.click(lambda: (gr.Row(visible=False), ""), None, [thanks, box], **_AT_ONCE)


@contextmanager
def _told_if_not_kept() -> Iterator[None]:
    import gradio as gr

    try:
        yield
    except YinzhengError as error:
        _logger.warning("A judgement was not kept: %s", error)
        raise gr.Error(_NOT_KEPT, print_exception=False) from error
