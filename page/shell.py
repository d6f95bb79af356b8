"""The page in its server: Gradio mounted, its headers and its language set."""

import os
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from page.layout import build_page
from page.words import PAGE_WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        b"script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; "
        b"font-src 'self' data:; form-action 'self'; base-uri 'self'; object-src 'none'; "
        b"frame-src 'none'; frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class PageMiddleware:
    """Adds the security headers to every response, and the language script to the page.

    The ``head`` that Gradio can be given is added by its own scripts: too late for the language.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        held: list[Message] = []

        async def sending(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS]
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
        for name, value in start["headers"]
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


def build_server(index: str | None) -> "FastAPI":
    """Return the ASGI application: the page, and ``/healthz``."""
    # Before Gradio is imported: it would look for newer versions and report its use.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    from fastapi import FastAPI

    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(PageMiddleware)

    @server.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    mounted: FastAPI = gr.mount_gradio_app(
        server,
        build_page(index),
        path="/",
        theme=gr.themes.Default(
            primary_hue="orange",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css=_static("page.css"),
        head=_script("page.js"),
        i18n=gr.I18n(**PAGE_WORDS),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        max_file_size=1,  # the page takes no files
    )
    return mounted


def _script(name: str) -> str:
    return f"<script>\n{{\n{_static(name)}}}\n</script>"


@cache
def _static(name: str) -> str:
    return (resources.files("page") / "static" / name).read_text(encoding="utf-8")
