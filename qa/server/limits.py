"""How long, how large, how slow and how often a request may be."""

import asyncio
import contextlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.server.headers import PUBLIC_PATHS
from qa.server.refusals import Refusal, refuse
from qa.server.scopes import address_of, header, path_in, state_of
from qa.server.settings import ServerSettings
from qa.server.visitors import visitor_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 2**20
_MOST_FORM = 8192
_MOST_ADDRESS = 8192
_UPLOADS = ("/gradio_api/upload", "/api/v1/documents")
_BURST_SECONDS = 10  # how many seconds' worth of requests may come at once
_FILE_COST = 0.1  # a page consists of some sixty files
_MOST_BUCKETS = 10_000


@dataclass(frozen=True)
class Patience:
    """How long the body of a request may take, in seconds: between two parts, and in all."""

    idle: float = 20.0
    whole: float = 60.0
    upload: float = 900.0
    linger: float = 2.0


PATIENCE = Patience()


class Buckets:
    """What each visitor has left to ask for: it comes back at a steady rate."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, cost: float = 1.0) -> float:
        """Take from a visitor's bucket; return 0, or the seconds until there is enough."""
        most, now = self._rate * _BURST_SECONDS, self._now()
        with self._lock:
            left, at = self._kept.pop(key, (most, now))
            left = min(most, left + (now - at) * self._rate)
            wait = max(0.0, (cost - left) / self._rate)
            self._kept[key] = (left if wait else left - cost, now)
            while len(self._kept) > _MOST_BUCKETS:
                self._kept.popitem(last=False)
        return wait


class RateLimit:
    """Refuses whoever asks too often, and addresses that are too long."""

    def __init__(self, app: "ASGIApp", settings: ServerSettings) -> None:
        self._app = app
        rate = settings.requests_per_second
        self._buckets = Buckets(rate) if rate > 0 else None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"} or path_in(scope) == "/healthz":
            await self._app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_ADDRESS:
            await refuse(Refusal(414, "address"), scope, receive, send)
            return
        wait = math.ceil(self._wait(scope))
        if wait:
            after = (b"retry-after", str(wait).encode())
            await refuse(Refusal(429, "often", (str(wait),), (after,)), scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wait(self, scope: "Scope") -> float:
        if self._buckets is None:
            return 0.0
        visitor = state_of(scope).get("visitor")
        # A name may look like an address, and the reverse.
        key = f"name {visitor.name}" if visitor and visitor.name else f"from {address_of(scope)}"
        is_file = path_in(scope).startswith(PUBLIC_PATHS)
        return self._buckets.take(key, _FILE_COST if is_file else 1.0)


class _BodyRefusedError(Exception):
    """Ends the reading of a body that is too large or too slow."""


class BodyLimit:
    """Refuses bodies that are too large or come too slowly, whether they tell their size or not."""

    def __init__(self, app: "ASGIApp", settings: ServerSettings, patience: Patience) -> None:
        self._app = app
        self._settings = settings
        self._patience = patience

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = path_in(scope).rstrip("/") in _UPLOADS and scope["method"] == "POST"
        if is_upload and not visitor_of(scope, self._settings).may_change:
            await self._refuse(Refusal(403, "upload"), scope, receive, send)
            return
        most = self._most(scope, is_upload=is_upload)
        declared = header(scope, "content-length")
        if declared.isdigit() and int(declared) > most:
            await self._refuse(_too_large(most), scope, receive, send)
            return
        whole = self._patience.upload if is_upload else self._patience.whole
        await self._watch(_Body(most, time.monotonic() + whole), scope, receive, send)

    def _most(self, scope: "Scope", *, is_upload: bool) -> int:
        if is_upload:
            # Each file is counted where it is stored.
            return self._settings.max_upload_files * self._settings.max_upload_bytes + MOST_BODY
        return _MOST_FORM if path_in(scope) in {"/login", "/logout"} else MOST_BODY

    async def _watch(self, body: "_Body", scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def receiving() -> "Message":
            return await body.next(receive, self._patience.idle)

        async def sending(message: "Message") -> None:
            # Whatever the application makes of a body that breaks off, the reason is ours to say.
            if body.refusal is None or body.is_answered:
                body.is_answered = True
                await send(message)

        try:
            await self._app(scope, receiving, sending)
        except Exception:
            if body.refusal is None or body.is_answered:
                raise
        if body.refusal is not None and not body.is_answered:
            await self._refuse(body.refusal, scope, receive, send)

    async def _refuse(
        self, refusal: Refusal, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        """Refuse, and go on reading for a moment: else many clients never see the refusal."""

        async def lingering(message: "Message") -> None:
            if message["type"] != "http.response.body":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
                await send(message)
                return
            await send({**message, "more_body": True})
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_drain(receive), self._patience.linger)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await refuse(refusal, scope, receive, lingering)


@dataclass
class _Body:
    """The body of a request while it is read."""

    most: int
    deadline: float
    size: int = 0
    is_complete: bool = False
    is_answered: bool = False
    refusal: Refusal | None = None

    async def next(self, receive: "Receive", idle: float) -> "Message":
        """Return the next part; raise when it makes the body too large or does not come."""
        if self.is_complete:
            return await receive()
        patience = max(0.0, min(idle, self.deadline - time.monotonic()))
        try:
            message = await asyncio.wait_for(receive(), patience)
        except asyncio.TimeoutError as error:
            self.refusal = Refusal(408, "slow")
            raise _BodyRefusedError from error
        self.size += len(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        if self.size > self.most:
            self.refusal = _too_large(self.most)
            raise _BodyRefusedError
        return message


def _too_large(most: int) -> Refusal:
    return Refusal(413, "size", (f"{most:,}",))


async def _drain(receive: "Receive") -> None:
    size = 0
    while size < 8 * 2**20:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
