"""Threads for questions alone."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from qa.server.settings import ServerSettings

_Result = TypeVar("_Result")


class ThreadsToAsk:
    """Threads for questions alone: those that wait must not hold up everything else."""

    def __init__(self, settings: ServerSettings) -> None:
        # Some to spare, for the questions that are told that too many wait.
        self._limiter = anyio.CapacityLimiter(settings.max_running + settings.max_waiting + 8)

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what the work returns, while others go on."""
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)
