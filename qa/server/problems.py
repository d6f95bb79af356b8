"""Errors as programs read them: RFC 9457 problems, and OpenAI's shape where its clients call.

A problem states the fact and the next step. What went wrong inside is in the log, under the
reference number that the problem's ``instance`` ends with.
"""

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from index import (
    CitationError,
    IndexFolderError,
    ModelError,
    PlaceError,
    QuestionError,
    ServerBusyError,
    YinzhengError,
)
from qa.server.logs import note_failure

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBLEM_JSON = "application/problem+json"
_logger = logging.getLogger("yinzheng.server")

_MOST_ERRORS = 20
_LONGEST_DETAIL = 500
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_INDEX_FAILED = (
    "The index cannot be read. Try again later; the server's log says more under the reference "
    "number in instance."
)
_UNEXPECTED = (
    "The server failed. Report the reference number in instance: the server's log says more "
    "under it."
)


@dataclass(frozen=True)
class Problem:
    """An error as it is told.

    Attributes:
        status: the HTTP status.
        kind: what kind of problem it is, for programs; empty when the status says it all.
        title: the kind in words.
        detail: the fact and the next step.
        errors: what is wrong with single values of the request.
        headers: headers of the response.
    """

    status: int
    kind: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def request_id(scope: "Scope") -> str:
    """Return the reference number of a request: as the log has it, else a new one."""
    state: dict[str, Any] = scope.setdefault("state", {})
    number = state.get("request_id") or secrets.token_hex(4)
    state["request_id"] = number
    return str(number)


def _path_of(scope: "Scope") -> str:
    """Return the path without what a proxy put before it."""
    return str(scope.get("path", "")).removeprefix(scope.get("root_path", ""))


def problem_of(error: YinzhengError) -> Problem:
    """Return how an error is told; nothing of the server's own paths and parts is."""
    if isinstance(error, ServerBusyError):
        headers = {"Retry-After": "2"}
        return Problem(503, "busy", "Too many questions", str(error), headers=headers)
    if isinstance(error, IndexFolderError | ModelError):
        return Problem(503, "index", "No index to ask", _INDEX_FAILED)
    if isinstance(error, PlaceError):
        return Problem(404, "reference", "The reference leads nowhere", str(error))
    if isinstance(error, QuestionError) and not isinstance(error, CitationError):
        return Problem(422, "question", "The question cannot be asked", str(error))
    return Problem(500, "unexpected", "The server failed", _UNEXPECTED)


def problem_response(scope: "Scope", problem: Problem) -> Response:
    """Return the response that tells a problem, in the shape of the door that was called."""
    is_openai = _path_of(scope).startswith("/v1/")
    content = _for_openai(problem, scope) if is_openai else _as_problem(problem, scope)
    return Response(
        # Names of fields may hold halves of characters, which no UTF-8 has.
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        status_code=400 if is_openai and problem.status == 422 else problem.status,
        headers=dict(problem.headers),
        media_type="application/json" if is_openai else PROBLEM_JSON,
    )


def _as_problem(problem: Problem, scope: "Scope") -> dict[str, Any]:
    kind = f"urn:yinzheng:problem:{problem.kind}" if problem.kind else "about:blank"
    content: dict[str, Any] = {
        "type": kind,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:yinzheng:{request_id(scope)}",
    }
    if problem.errors:
        content["errors"] = [dict(one) for one in problem.errors]
    return content


def _for_openai(problem: Problem, scope: "Scope") -> dict[str, Any]:
    is_ours = problem.status >= 500
    return {
        "error": {
            "message": problem.detail,
            "type": "server_error" if is_ours else "invalid_request_error",
            "param": next((one.get("pointer") for one in problem.errors), None),
            "code": problem.kind or None,
            "instance": f"urn:yinzheng:{request_id(scope)}",
        }
    }


def add_problem_handlers(server: FastAPI) -> None:
    """Make the server tell every error as a problem."""
    server.add_exception_handler(YinzhengError, _known_failed)
    server.add_exception_handler(RequestValidationError, _is_invalid)
    server.add_exception_handler(HTTPException, _of_http)


async def _known_failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, YinzhengError)  # noqa: S101 (registered for it)
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, ServerBusyError):
        _logger.error("%s: %s", request_id(request.scope), error, exc_info=error)
    return problem_response(request.scope, problem)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else f"{phrase}."
    problem = Problem(error.status_code, "", phrase, detail, headers=error.headers or {})
    return problem_response(request.scope, problem)


async def _is_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for it)
    errors = [_error_in(one) for one in error.errors()[:_MOST_ERRORS]]
    named = [f"{one.get('pointer') or one.get('parameter')}: {one['detail']}" for one in errors]
    detail = "; ".join(named)[:_LONGEST_DETAIL]
    problem = Problem(
        422, "invalid", "The request is not valid", f"{detail}. Correct it.", errors=errors
    )
    return problem_response(request.scope, problem)


def _error_in(error: Mapping[str, Any]) -> dict[str, str]:
    """Return one error with where it is: a JSON pointer into the body, or a parameter's name."""
    where, *path = [str(step) for step in error["loc"]]
    detail = str(error["msg"])[:_LONGEST_DETAIL]
    if where == "body":
        steps = (step[:100].replace("~", "~0").replace("/", "~1") for step in path)
        return {"detail": detail, "pointer": "#" + "".join(f"/{step}" for step in steps)}
    return {"detail": detail, "parameter": ".".join(path)[:100]}


def _is_of_the_doors(scope: "Scope") -> bool:
    """Return whether a request is for one of the doors, and not for the page."""
    if scope["type"] != "http":
        return False
    path = _path_of(scope)
    return path.startswith(("/api/", "/v1/")) or path in {"/healthz", "/readyz", "/metrics"}


class UnexpectedErrors:
    """Tells programs an error that nobody expected as a problem, and notes it in the log.

    Whoever reads a page is told by ``RequestLog``, as a page.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if not _is_of_the_doors(scope):
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def sending(message: "Message") -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            note_failure(error, request_id=request_id(scope))
            if has_begun:
                raise  # half a response must not look like a whole one
            problem = Problem(500, "unexpected", "The server failed", _UNEXPECTED)
            await problem_response(scope, problem)(scope, receive, send)


class Elsewhere(BaseRoute):
    """What is asked of the doors and stands behind none of them: 404, or 405 with what is allowed.

    The page is mounted behind it and would take every path. It must be the last of the doors.

    Args:
        routes: the doors' routes.
    """

    path = "/api/{elsewhere}"

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = list(routes)

    def matches(self, scope: "Scope") -> tuple[Match, "Scope"]:
        """Match every path of the doors, in every method."""
        return (Match.FULL if _is_of_the_doors(scope) else Match.NONE), {}

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Say which methods are allowed, or that there is nothing."""
        scope["route"] = self  # so that it is counted as what it is
        allowed = [method for method in _METHODS if self._leads_somewhere(scope, method)]
        if allowed:
            detail = f"Only {', '.join(allowed)} can be sent here. /api/docs lists what there is."
            headers = {"Allow": ", ".join(allowed)}
            problem = Problem(405, "", HTTPStatus(405).phrase, detail, headers=headers)
        else:
            detail = "There is nothing at this address. /api/docs lists what there is."
            problem = Problem(404, "", HTTPStatus(404).phrase, detail)
        await problem_response(scope, problem)(scope, receive, send)

    def _leads_somewhere(self, scope: "Scope", method: str) -> bool:
        tried = {"type": "http", "path": scope["path"], "method": method, "headers": []}
        tried["root_path"] = scope.get("root_path", "")
        return any(route.matches(dict(tried))[0] is Match.FULL for route in self._routes)
