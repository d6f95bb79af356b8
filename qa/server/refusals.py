"""Saying no, or that something failed: a page for people, a problem (RFC 9457) for programs."""

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.server.headers import STRICT
from qa.server.refusal_words import PAGE_WORDS, REFUSALS
from qa.server.scopes import is_navigation, path_in, reader_language, state_of
from qa.server.simple_pages import LANG, page

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    421: "Misdirected Request",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no answer.

    Attributes:
        status: of HTTP.
        reason: which sentence of ``REFUSALS`` is said.
        details: what the sentence's places are filled with; untrusted.
        headers: to be sent with it.
    """

    status: int
    reason: str
    details: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def refuse(refusal: Refusal, scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send a refusal, in the reader's language."""
    from starlette.responses import Response

    if scope["type"] == "websocket":
        # Before it was accepted: the handshake is answered with 403.
        await send({"type": "websocket.close", "code": 1008})
        return
    is_page = is_navigation(scope)
    body = _page(refusal, scope) if is_page else _problem(refusal, scope)
    is_openai = path_in(scope).startswith("/v1/")
    told_as = "application/json" if is_openai else "application/problem+json"
    response = Response(body, refusal.status, media_type="text/html" if is_page else told_as)
    response.raw_headers.extend(refusal.headers)
    response.raw_headers.extend(STRICT if is_page else ())
    response.headers["cache-control"] = "no-store"
    await response(scope, receive, send)


def _said(refusal: Refusal, scope: "Scope") -> str:
    return REFUSALS[refusal.reason][reader_language(scope)].format(*refusal.details)


def _problem(refusal: Refusal, scope: "Scope") -> str:
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": _TITLES[refusal.status],
        "status": refusal.status,
        "detail": _said(refusal, scope),
    }
    reference = state_of(scope).get("request_id", "")
    if reference:
        problem["instance"] = f"urn:yinzheng:{reference}"
    if path_in(scope).startswith("/v1/"):
        return json.dumps({"error": _for_openai(problem)}, ensure_ascii=False)
    return json.dumps(problem, ensure_ascii=False)


def _for_openai(problem: dict[str, object]) -> dict[str, object]:
    """Return a problem as OpenAI's clients read it."""
    is_ours = int(str(problem["status"])) >= 500
    return {
        "message": problem["detail"],
        "type": "server_error" if is_ours else "invalid_request_error",
        "param": None,
        "code": None,
        "instance": problem.get("instance"),
    }


def _page(refusal: Refusal, scope: "Scope") -> str:
    language = reader_language(scope)
    words = PAGE_WORDS[language]
    reference = str(state_of(scope).get("request_id", ""))
    number = f"<p class=quiet>{words['reference']}<code>{html.escape(reference)}</code></p>"
    home = html.escape(f"{scope.get('root_path', '')}/")
    return page(
        LANG[language],
        words["title"],
        f"<h1>{words['title']}</h1><p>{html.escape(_said(refusal, scope))}</p>"
        f"{number if reference else ''}<p><a href='{home}'>{words['home']}</a></p>",
    )
