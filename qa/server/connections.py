"""Connections that are slow on purpose, too many, or speak no HTTP."""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from qa.server.headers import ALWAYS

if TYPE_CHECKING:
    from asyncio import TimerHandle

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_CONNECTIONS = 800  # below the 1,024 open files that most systems allow
MOST_PER_ADDRESS = 400
_ENDLESS = "/gradio_api/heartbeat/"
"""Part of the path of a stream that an open page reads for as long as it is open."""


class ImpatientProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, but it waits for no request longer than ten seconds.

    Its time does not begin again with every byte: neither headers sent one by one nor a body that
    nobody reads any more hold a connection.
    """

    patience: ClassVar[float] = 10.0
    """Seconds for a request's line and headers, and for what comes behind a complete answer."""
    trusted: ClassVar[Sequence[Network]] = ()
    """Networks of proxies, behind which there are many readers."""
    per_address: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (passed on)
        super().__init__(*args, **kwargs)
        self._giving_up: TimerHandle | None = None
        self._counted = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        self._counted = address
        self.per_address[address] += 1
        is_too_many = self.per_address[address] > MOST_PER_ADDRESS and not self._is_trusted()
        if is_too_many or len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a connection go."""
        self._stop_waiting()
        self.per_address[self._counted] -= 1
        if self.per_address[self._counted] <= 0:
            del self.per_address[self._counted]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        else:
            self._expect_request()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing() and not self._is_answering():
            self._expect_request()

    def shutdown(self) -> None:
        """Finish what is being answered, then close; an open page is nothing to wait for."""
        if self._is_answering() and _ENDLESS in self.scope["path"]:
            self.transport.abort()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, with the same headers as everything else."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"connection", b"close"),
            (b"cache-control", b"no-store"),
            *ALWAYS,
        ]
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            parts = (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=msg.encode("ascii")),
                h11.EndOfMessage(),
            )
            for part in parts:
                self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def _is_trusted(self) -> bool:
        address = ipaddress.ip_address(self._counted) if self._counted else None
        return any(address in network for network in self.trusted)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(self.patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        if not self._is_answering():
            self.transport.abort()
