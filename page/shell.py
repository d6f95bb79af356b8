"""The page in its server: Gradio mounted, its headers and its language set."""

import atexit
import os
import threading
import time
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from page.layout import build_page
from page.words import PAGE_WORDS
from qa.server.api import build_api
from qa.server.services import Services

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LanguageScript:
    """Puts the script that tells Gradio the reader's language into the page.

    The ``head`` that Gradio can be given is added by its own scripts: too late for the language.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        held: list[Message] = []

        async def sending(message: "Message") -> None:
            if message["type"] == "http.response.start":
                if _is_html(message):
                    held.append(message)
                    return
            elif held:
                start = held.pop()
                _insert_script(start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


def _is_html(start: "Message") -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in start.get("headers", ())
    )


def _insert_script(start: "Message", body: "Message") -> None:
    """Put the language script first in the page's head."""
    content = body.get("body", b"")
    changed = content.replace(b"<head>", b"<head>" + _script("language.js").encode(), 1)
    more = len(changed) - len(content)
    body["body"] = changed
    start["headers"] = [
        (name, str(int(value) + more).encode() if name.lower() == b"content-length" else value)
        for name, value in start["headers"]
    ]


def build_server(services: Services) -> "FastAPI":
    """Return the ASGI application: the page, and every door for programs."""
    # Before Gradio is imported: it would look for newer versions and report its use.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    server = build_api(services)
    server.add_middleware(LanguageScript)
    mounted: FastAPI = gr.mount_gradio_app(
        server,
        build_page(services),
        path="/",
        theme=gr.themes.Default(
            primary_hue="orange",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css="".join(_static(name) for name in _names(".css")),
        head="".join(_script(name) for name in _names(".js") if name != "language.js"),
        i18n=gr.I18n(**PAGE_WORDS),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        max_file_size=1,  # the page takes no files
    )
    return mounted


# What is computed beside answers, by name of its thread.
_BESIDE = ("example-questions", "once-per-generation")
_LONGEST_WAIT = 10.0


@atexit.register
def _finish_what_is_computed_beside() -> None:
    """Wait for threads in compiled code: to end the process under them would abort it."""
    until = time.monotonic() + _LONGEST_WAIT
    for thread in threading.enumerate():
        if thread.name in _BESIDE:
            thread.join(max(0.0, until - time.monotonic()))


def _script(name: str) -> str:
    return f"<script>\n{{\n{_static(name)}}}\n</script>"


@cache
def _static(name: str) -> str:
    return (resources.files("page") / "static" / name).read_text(encoding="utf-8")


def _names(suffix: str) -> list[str]:
    names = (one.name for one in (resources.files("page") / "static").iterdir())
    return sorted(name for name in names if name.endswith(suffix))
