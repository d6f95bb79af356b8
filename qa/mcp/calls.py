"""Calls in threads: a few at once, a few more waiting, and the rest told so."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from index import ServerBusyError

_AT_ONCE = 4
_WAITING = 32
BROKEN = (
    "Something went wrong inside the server; nothing is known of an answer. "
    "Ask again; if it stays so, look at what the server wrote on its standard error."
)
_Result = TypeVar("_Result")


class Calls:
    """Runs what takes long outside the event loop.

    Attributes:
        under_way: how many run or wait.
    """

    def __init__(self) -> None:
        self.under_way: int = 0
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return self.under_way >= _AT_ONCE + _WAITING

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what a function returns, once it had its turn.

        Raises:
            ServerBusyError: nobody else may wait.
        """
        if self.is_full:
            raise ServerBusyError(
                "The server is busy: too many questions are waiting. Ask again in a moment."
            )
        self.under_way += 1
        try:
            return await anyio.to_thread.run_sync(function, limiter=self._limiter)
        finally:
            self.under_way -= 1
