"""The parts of the page; what is connected with what stands in ``page.wiring``."""

from typing import TYPE_CHECKING, get_args

from page.about import about_tab
from page.chat import buttons
from page.documents import documents_tab
from page.suggestions import begin_first_questions
from page.wiring import ChatParts, connect_chat
from page.words import PAGE_WORDS
from qa import Strictness
from qa.server.services import Services

if TYPE_CHECKING:
    import gradio as gr


def build_page(services: Services) -> "gr.Blocks":
    """Return the page that asks the served index."""
    import gradio as gr

    words = gr.I18n(**PAGE_WORDS)
    page = gr.Blocks(title="Yinzheng 引證", analytics_enabled=False, fill_width=True)
    with page:
        _header(words)
        with gr.Tabs(elem_id="tabs"):
            parts = _chat_tab(services, words)
            documents_tab(services, words)
            about_tab(services, words)
        connect_chat(page, parts, services)
    begin_first_questions(services.settings.index)
    page.queue(default_concurrency_limit=4, max_size=32)
    return page


def _header(words: "gr.I18n") -> None:
    """Show what this is."""
    import gradio as gr

    with gr.Row(elem_id="top"):
        gr.HTML("<h1>引證<small>Yinzheng</small></h1>")
        gr.HTML(words("promise"), elem_id="promise")
    gr.HTML(words("script_words"), elem_id="script-words")
    gr.HTML(words("history_dialog"), elem_id="history-holder")


def _chat_tab(services: Services, words: "gr.I18n") -> ChatParts:
    """Show the conversation, and beside it the sources."""
    import gradio as gr

    with gr.Tab(words("chat_tab"), id="chat"), gr.Row(elem_id="room"):
        with gr.Column(scale=3, elem_id="talk"):
            new, clear = _conversation_buttons(words)
            chat = _chatbot(words)
            following = gr.HTML("", elem_id="next")
            thanks, comment, send, dismiss = _comment_row(words)
            box = _question_box(words)
            strictness = _strictness(words)
        with gr.Column(scale=2, elem_id="sources"):
            gr.HTML(words("sources"), elem_id="sources-title")
            sources = gr.HTML(words("no_sources"), elem_id="panel")
            with gr.Column(elem_id="reader"):
                gr.HTML(words("reader"), elem_id="reader-title")
                document = gr.HTML("", elem_id="document")
    return ChatParts(
        box=box,
        chat=chat,
        sources=sources,
        next=following,
        document=document,
        strictness=strictness,
        new=new,
        clear=clear,
        thanks=thanks,
        comment=comment,
        send_comment=send,
        no_comment=dismiss,
        store=services.feedback,
        no_sources=words("no_sources"),
    )


def _conversation_buttons(words: "gr.I18n") -> "tuple[gr.Button, gr.Button]":
    """Show what can be done with conversations as a whole."""
    import gradio as gr

    with gr.Row(elem_id="conversation"):
        new = gr.Button(words("new"), size="sm", scale=0, elem_id="new")
        gr.Button(words("history"), size="sm", scale=0, elem_id="show-history")
        gr.Button(words("hand_out"), size="sm", scale=0, elem_id="show-export")
        clear = gr.Button(words("clear"), size="sm", scale=0, elem_id="clear")
    return new, clear


def _chatbot(words: "gr.I18n") -> "gr.Chatbot":
    import gradio as gr

    return gr.Chatbot(
        elem_id="chat",
        label=words("conversation"),
        show_label=False,
        buttons=["copy"],
        latex_delimiters=[],
        placeholder=str(words("hello")),
    )


def _comment_row(words: "gr.I18n") -> "tuple[gr.Row, gr.Textbox, gr.Button, gr.Button]":
    """Ask whoever judged an answer for more."""
    import gradio as gr

    with gr.Row(elem_id="thanks", visible=False) as row:
        gr.HTML(words("thanks"))
        comment = gr.Textbox(
            elem_id="comment",
            label=words("comment_label"),
            show_label=False,
            container=False,
            placeholder=words("comment"),
            max_length=2000,
        )
        send = gr.Button(words("send"), size="sm", scale=0)
        dismiss = gr.Button(words("dismiss"), size="sm", scale=0)
    return row, comment, send, dismiss


def _question_box(words: "gr.I18n") -> "gr.Textbox":
    import gradio as gr

    return gr.Textbox(
        elem_id="question",
        label=words("question"),
        show_label=False,
        placeholder=words("placeholder"),
        lines=1,
        max_lines=6,
        **buttons(is_running=False),
        autofocus=True,
    )


def _strictness(words: "gr.I18n") -> "gr.Radio":
    import gradio as gr

    with gr.Row(elem_id="strictness"):
        strictness = gr.Radio(
            [(str(words(name)), name) for name in get_args(Strictness)],
            value="balanced",
            label=words("strictness"),
            container=False,
        )
        gr.HTML(words("hints"))
    return strictness
