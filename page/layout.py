"""The parts of the page, and what is connected with what."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from index import REPORT
from page.about import about_tab
from page.chat import buttons, converse, stop
from page.conversation import Messages
from page.documents import documents_tab
from page.words import PAGE_WORDS, REPORT_QUESTIONS
from qa import Strictness
from qa.indexes import shared_index
from qa.server.services import Services

if TYPE_CHECKING:
    import gradio as gr
    from gradio.components.chatbot import ExampleMessage
    from gradio.i18n import I18nData

# A browser may refuse to keep anything: then nothing is remembered.
_RECALL = """() => {
  let kept;
  try { kept = localStorage.getItem("yinzheng-strictness"); } catch {}
  return ["lenient", "balanced", "strict"].includes(kept) ? kept : "balanced";
}"""
_REMEMBER = """(chosen) => {
  try { localStorage.setItem("yinzheng-strictness", chosen); } catch {}
}"""


def build_page(services: Services) -> "gr.Blocks":
    """Return the page that asks the served index."""
    import gradio as gr

    index = services.settings.index

    words = gr.I18n(**PAGE_WORDS)
    page = gr.Blocks(title="Yinzheng 引證", analytics_enabled=False, fill_width=True)
    with page:
        with gr.Row(elem_id="top"):
            gr.HTML("<h1>引證<small>Yinzheng</small></h1>")
            gr.HTML(words("promise"), elem_id="promise")
            clear = gr.Button(words("clear"), size="sm", scale=0, elem_id="clear")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(words("chat_tab"), id="chat"), gr.Row(elem_id="room"):
                with gr.Column(scale=3, elem_id="talk"):
                    chat = gr.Chatbot(
                        elem_id="chat",
                        label=words("conversation"),
                        show_label=False,
                        buttons=["copy"],
                        latex_delimiters=[],
                        placeholder=str(words("hello")),
                        examples=_examples(index),
                    )
                    box = gr.Textbox(
                        elem_id="question",
                        label=words("question"),
                        show_label=False,
                        placeholder=words("placeholder"),
                        lines=1,
                        max_lines=6,
                        **buttons(is_running=False),
                        autofocus=True,
                    )
                    with gr.Row(elem_id="strictness"):
                        strictness = gr.Radio(
                            [(str(words(name)), name) for name in get_args(Strictness)],
                            value="balanced",
                            label=words("strictness"),
                            container=False,
                        )
                        gr.HTML(words("hints"))
                with gr.Column(scale=2, elem_id="sources"):
                    gr.HTML(words("sources"))
                    sources = gr.HTML(words("no_sources"), elem_id="panel")
            documents_tab(services, words)
            about_tab(services, words)
        _connect(
            box=box,
            chat=chat,
            sources=sources,
            strictness=strictness,
            clear=clear,
            asks=partial(converse, index=index),
            no_sources=words("no_sources"),
        )
        _remember(page, strictness)
    page.queue(default_concurrency_limit=4, max_size=32)
    return page


def _connect(
    *,
    box: "gr.Textbox",
    chat: "gr.Chatbot",
    sources: "gr.HTML",
    strictness: "gr.Radio",
    clear: "gr.Button",
    asks: "partial[Iterator[tuple[Any, ...]]]",
    no_sources: "I18nData",
) -> None:
    """Connect the parts of the page with what it does."""
    import gradio as gr

    def ask_example(
        history: Messages, strictness: Strictness, chosen: gr.SelectData
    ) -> Iterator[tuple[Any, ...]]:
        yield from asks(str(chosen.value["text"]), history, strictness)

    outputs = [box, chat, sources]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    typed = box.submit(asks, [box, chat, strictness], outputs, **quiet)
    picked = chat.example_select(ask_example, [chat, strictness], outputs, **quiet)
    box.stop(stop, [chat], [box, chat], cancels=[typed, picked], **quiet)
    clear.click(
        lambda: (gr.Textbox(value="", **buttons(is_running=False)), [], no_sources),
        None,
        outputs,
        cancels=[typed, picked],
        **quiet,
    )


def _remember(page: "gr.Blocks", strictness: "gr.Radio") -> None:
    """Keep the strictness in the browser; nothing of it is sent to the server."""
    page.load(None, None, strictness, js=_RECALL)
    strictness.input(None, strictness, None, js=_REMEMBER)


def _examples(index: str | None) -> "list[ExampleMessage] | None":
    """Offer questions about the bundled report where it is all that is asked."""
    opened = shared_index(index)
    documents = opened.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [opened.document(found[0]).content_hash for found in documents[:2]] != [report]:
        return None
    return [{"text": question} for question in REPORT_QUESTIONS]
