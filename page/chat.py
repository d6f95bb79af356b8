"""A question in the chat → updates of the question box, the conversation and the sources."""

import logging
from collections.abc import Iterator
from typing import Any

from index import Index, YinzhengError
from page.conversation import Messages, a_message, text_of, texts_only
from page.links import turns_in
from page.markdown import to_markdown
from page.messages import answer_parts, failure
from page.panel import panel
from page.words import WORDS
from qa import Strictness, ask
from qa.indexes import shared_index
from qa.language import language_of
from qa.types import Language

_logger = logging.getLogger("yinzheng")


def converse(
    question: str, history: Messages, strictness: Strictness, *, index: str | None
) -> Iterator[tuple[Any, ...]]:
    """Answer one question; yield updates of the question box, the conversation and the sources."""
    import gradio as gr

    asked = question.encode("utf-8", "replace").decode().strip()
    if not asked:
        yield gr.skip(), gr.skip(), gr.skip()
        return
    language = language_of(asked)
    history = [*texts_only(history), a_message("user", to_markdown(asked))]
    searching = a_message("assistant", f"*{WORDS[language]['searching']}*")
    yield gr.Textbox(value="", **buttons(is_running=True)), [*history, searching], gr.skip()
    parts, sources = answered(asked, history, strictness, index)
    for count in range(1, len(parts) + 1):
        shown = [*history, a_message("assistant", "\n\n".join(parts[:count]))]
        # Sent with the first quote, so that no link is shown before it works; and only once.
        yield gr.skip(), shown, gr.skip() if sources is None or count != 1 else sources
    yield gr.Textbox(**buttons(is_running=False)), gr.skip(), gr.skip()


def answered(
    question: str, history: Messages, strictness: Strictness, index: str | None
) -> tuple[list[str], str | None]:
    """Return the paragraphs of the reply, and the sources; None when it failed."""
    language = language_of(question)
    try:
        opened = shared_index(index)
        turn = max(turns_in(history), default=0) + 1
        answer = ask(question, index=opened, strictness=strictness)
        parts = [*answer_parts(answer, turn), *_warning_parts(opened, language)]
        complete = [*history, a_message("assistant", "\n\n".join(parts))]
        return parts, panel(complete, opened)
    except YinzhengError as error:
        return [failure(language, str(error))], None
    except Exception as error:
        _logger.exception("A question failed", exc_info=error)
        return [failure(language, WORDS[language]["unexpected"])], None


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


def stop(history: Messages) -> tuple[Any, Messages]:
    """Say that a question was stopped, if it had no answer yet."""
    import gradio as gr

    history = texts_only(history)
    for words in WORDS.values():
        if history and text_of(history[-1]) == f"*{words['searching']}*":
            history = [*history[:-1], a_message("assistant", f"*{words['stopped']}*")]
    return gr.Textbox(**buttons(is_running=False)), history
