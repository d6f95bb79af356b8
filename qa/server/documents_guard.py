"""Who may change the documents, asked before a byte of what they send is read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from index import (
    DocumentError,
    IndexBusyError,
    IndexNotFoundError,
    UploadError,
    UploadKindError,
    UploadTooLargeError,
    YinzhengError,
)
from qa.server.hosts import comes_from_elsewhere
from qa.server.problems import Problem, problem_of, problem_response
from qa.server.services import Services
from qa.server.visitors import visitor_of

_READING = frozenset(("GET", "HEAD", "OPTIONS"))


class _ForbiddenError(YinzhengError):
    """Who asked may not change the documents."""


_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (_ForbiddenError, 403, "Not allowed"),
    (IndexBusyError, 409, "Another change is under way"),
    (UploadTooLargeError, 413, "Too much at once"),
    (UploadKindError, 415, "A file of no kind that can be read"),
    (UploadError, 422, "The files cannot be taken"),
    (DocumentError, 404, "No such document"),
    (IndexNotFoundError, 404, "No index"),
)


def _problem(error: YinzhengError, request: Request) -> Response:
    """Return an error as every door for programs tells it."""
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return problem_response(request.scope, Problem(status, "", title, str(error)))
    return problem_response(request.scope, problem_of(error))


def guarded_route(services: Services) -> type[APIRoute]:
    """Return a route that asks for permission before it reads, and tells problems."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_or_tell(request: Request) -> Response:
                try:
                    if request.method not in _READING:
                        check_may_change(request, services)
                    return await handle(request)
                except YinzhengError as error:
                    return _problem(error, request)

            return handle_or_tell

    return Route


def check_may_change(request: Request, services: Services) -> None:
    """Check that the visitor may change the documents, and means to.

    Raises:
        YinzhengError: they may not, or a page of another site made their browser ask.
    """
    if not visitor_of(request.scope, services.settings).may_change:
        raise _ForbiddenError(
            "Only an administrator may change the documents. Sign in as one; where nobody signs "
            "in, the server must be started with --allow-upload."
        )
    allowed = [one.lower() for one in services.settings.allowed_hosts]
    if comes_from_elsewhere(request.scope, allowed):
        raise _ForbiddenError(
            "The request comes from a page of another site. Use the page of this server."
        )
