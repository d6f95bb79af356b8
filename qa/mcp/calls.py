"""Calls in threads, as many as may be answered or wait; the rest are told so."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from index import ServerBusyError
from qa.server.settings import ServerSettings

_TO_SPARE = 8  # for what asks nothing: looking at a document, following a reference
BROKEN = (
    "Something went wrong inside the server; nothing is known of an answer. "
    "Ask again; if it stays so, look at what the server wrote on its standard error."
)
_Result = TypeVar("_Result")


class Calls:
    """Runs what takes long outside the event loop.

    Questions wait for their turn in their threads, as through every door.

    Args:
        settings: how many may be answered at once, and how many wait.

    Attributes:
        under_way: how many run or wait.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.under_way: int = 0
        self._most = settings.max_running + settings.max_waiting + _TO_SPARE
        self._limiter = anyio.CapacityLimiter(self._most)

    @property
    def is_full(self) -> bool:
        """Whether nothing more is taken on."""
        return self.under_way >= self._most

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Return what a function returns.

        Raises:
            ServerBusyError: too much is under way.
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
