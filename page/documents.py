"""The documents tab: what is indexed, and how it is changed.

Only its frame and its words are made here. What it shows it asks of ``/api/v1`` (``documents.js``),
as any program does: what a visitor may not do, no event of Gradio's does for them, and nothing that
comes from documents is ever HTML on the way to the reader.
"""

import html
import json
from typing import TYPE_CHECKING

from page.documents_words import LANG, ROOM_WORDS
from page.reason_words import reasons
from qa.server.services import Services

if TYPE_CHECKING:
    import gradio as gr


def _frame(locale: str) -> str:
    """Return the tab's frame, which carries its words in one language."""
    words = "".join(
        f' data-{name}="{html.escape(word)}"' for name, word in ROOM_WORDS[locale].items()
    )
    told = html.escape(json.dumps(reasons(locale), ensure_ascii=False))
    return f'<div id="documents-room" lang="{LANG[locale]}" data-reasons="{told}"{words}></div>'


PAGE_WORDS = {
    locale: {"documents_tab": words["documents"], "documents_room": _frame(locale)}
    for locale, words in ROOM_WORDS.items()
}


def documents_tab(_services: Services, words: "gr.I18n") -> None:
    """Put the tab into the page; to be called inside its tabs."""
    import gradio as gr

    with gr.Tab(words("documents_tab"), id="documents"):
        gr.HTML(words("documents_room"), elem_id="documents", apply_default_css=False)
