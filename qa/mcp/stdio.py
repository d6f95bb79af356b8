"""The server on standard input and output, as a client starts it for itself."""

import logging
import os
import signal
import sys
import threading

import anyio
from mcp.server.stdio import stdio_server

from index import YinzhengError
from qa.answers import ask
from qa.mcp.service import Service

_log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds for the answers under way when the process is told to end
_FLUSH = 0.1


def serve_stdio(service: Service) -> None:
    """Serve one client until it leaves or the process is told to end; then end the process."""
    anyio.run(_serve, service)


async def _serve(service: Service) -> None:
    # While it serves, the library points file descriptor 1 at standard error: whatever is printed
    # while the model loads is no part of the protocol.
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as tasks:
        tasks.start_soon(_end_on_signal, service)
        threading.Thread(target=_warm_up, args=(service.settings.index,), daemon=True).start()
        await service.server.run(incoming, outgoing, service.server.create_initialization_options())
        _leave()


def _warm_up(index: str | None) -> None:
    """Load the model while the client looks at the tools, so that the first question is quick."""
    try:
        ask("引證", index=index)
    except (YinzhengError, OSError) as error:
        _log.warning("%s", error)


async def _end_on_signal(service: Service) -> None:
    if sys.platform == "win32":  # has no such signals
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            with anyio.move_on_after(_PATIENCE):
                while service.calls.under_way:
                    await anyio.sleep(0.02)
                await anyio.sleep(_FLUSH)
            _leave()


def _leave() -> None:
    """End the process at once, successfully.

    A thread of it waits for the next line from the client and can be told nothing: an ordinary end
    would wait for that line. Nothing is lost, as the server only reads.
    """
    sys.stderr.flush()
    os._exit(0)
