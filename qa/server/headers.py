"""The headers that forbid a browser whatever the page does not need."""

from typing import TYPE_CHECKING

from qa.server.scopes import path_in
from qa.server.simple_pages import STRICT_POLICY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE_POLICY = (
    b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    b"script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; "
    b"font-src 'self' data:; form-action 'self'; base-uri 'self'; object-src 'none'; "
    b"frame-src 'none'; frame-ancestors 'none'"
)
ALWAYS = (
    (b"content-security-policy", _PAGE_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
        b"clipboard-read=(), clipboard-write=(self)",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every response, unless the response has a header of this name, which is then stricter."""

STRICT = ((b"content-security-policy", STRICT_POLICY.encode()),)
"""For pages that run no script."""

_ONE_YEAR = (b"strict-transport-security", b"max-age=31536000")
_PRIVATE = (b"cache-control", b"no-store")
PUBLIC_PATHS = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico", "/pwa_icon")
"""The program's own files, the same for everybody."""


class SecurityHeaders:
    """Adds the security headers to every response, and lets none through that shares it."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = list(ALWAYS)
        if scope["scheme"] == "https":
            added.append(_ONE_YEAR)
        if not path_in(scope).startswith(PUBLIC_PATHS):
            added.append(_PRIVATE)

        async def sending(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with(added, message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, sending)


def _with(
    added: list[tuple[bytes, bytes]], given: "list[tuple[bytes, bytes]]"
) -> list[tuple[bytes, bytes]]:
    # Gradio lets every page of another port of this machine read what it answers.
    kept = [
        (name, value) for name, value in given if not name.lower().startswith(b"access-control-")
    ]
    names = {name.lower() for name, _ in kept}
    return kept + [(name, value) for name, value in added if name not in names]
