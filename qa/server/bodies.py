"""Bodies of requests: JSON of a bounded size, or a problem that says why not."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

_READS_BODY = frozenset({"POST", "PUT", "PATCH"})


class JsonRequest(Request):
    """A request whose body is read no further than it may be long."""

    most_bytes = 0

    async def body(self) -> bytes:
        """Return the body.

        Raises:
            HTTPException: it is too long.
        """
        if not hasattr(self, "_body"):
            told = self.headers.get("content-length", "")
            if told.isdecimal() and int(told[:20]) > self.most_bytes:
                self._refuse()
            content = bytearray()
            async for chunk in self.stream():
                content += chunk
                if len(content) > self.most_bytes:
                    self._refuse()
            self._body = bytes(content)
        return self._body

    async def json(self) -> Any:  # noqa: ANN401 (JSON is anything)
        """Return the body's value.

        Raises:
            HTTPException: it is too long, too deep, or no JSON.
        """
        content = await self.body()
        try:
            value = json.loads(content, parse_constant=_refuse_constant)
            if (
                b"\\ud" in content.lower()
            ):  # half of a character, which no UTF-8 has, can be escaped
                json.dumps(value, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise HTTPException(400, "The body is not JSON in UTF-8. Correct it.") from None
        return value

    def _refuse(self) -> NoReturn:
        told = f"The body is larger than {self.most_bytes:,} bytes. Send a shorter one."
        raise HTTPException(413, told)


class JsonRoute(APIRoute):
    """A route that reads a JSON body of at most 64 KB."""

    most_bytes: ClassVar[int] = 1 << 16

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what handles a request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if request.method in _READS_BODY:
                _check_type(request)
            bounded = JsonRequest(request.scope, request.receive)
            bounded.most_bytes = self.most_bytes
            return await handle(bounded)

        return handle_json


class LongJsonRoute(JsonRoute):
    """A route that reads a JSON body of at most 1 MB: a whole conversation, say."""

    most_bytes: ClassVar[int] = 1 << 20


def _check_type(request: Request) -> None:
    # A page of another origin can send plain text or a form without asking first, JSON it cannot.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "The body must be JSON. Send Content-Type: application/json.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
