"""The doors for programs behind their safeguards, served in this process by a real uvicorn."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.websockets import WebSocket

from qa.server.api import build_api
from qa.server.connections import ImpatientProtocol
from qa.server.limits import PATIENCE, Patience
from qa.server.logs import attach
from qa.server.running import listen
from qa.server.safeguards import Safeguards
from qa.server.services import Services
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

SECRET = "甲方的秘密"


async def _echo(request: Request) -> JSONResponse:
    visitor = request.scope["state"].get("visitor")
    request.scope["state"]["stages"] = {"embed": 1.23456}
    return JSONResponse(
        {
            "size": len(await request.body()),
            "visitor": [visitor.name, visitor.role],
            "client": request.scope["client"][0],
            "scheme": request.scope["scheme"],
            "host": request.headers["host"],
            "forwarded": request.headers.get("x-forwarded-for", ""),
        }
    )


async def _fails(_request: Request) -> JSONResponse:
    raise ValueError(f"cannot read {SECRET}")


async def _breaks_off(_request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0)
        raise ValueError(SECRET)

    return StreamingResponse(parts())


async def _shared(_request: Request) -> JSONResponse:
    return JSONResponse({}, headers={"Access-Control-Allow-Origin": "*"})


def _application(settings: ServerSettings) -> "FastAPI":
    api = build_api(Services(settings))
    api.add_route("/echo", _echo, methods=["GET", "POST", "OPTIONS"])
    api.add_route("/gradio_api/upload", _echo, methods=["POST"])
    api.add_route("/fails/{name}", _fails)
    api.add_route("/breaks-off", _breaks_off)
    api.add_route("/shared", _shared)

    @api.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    return api


class _Hurried(ImpatientProtocol):
    patience = 0.4


@contextmanager
def guarded(
    settings: ServerSettings,
    *,
    patience: Patience = PATIENCE,
    ws: Literal["none", "websockets-sansio"] = "none",
) -> Iterator[int]:
    """Serve; give the port."""
    safeguards = Safeguards(settings, patience)
    app = safeguards.around(_application(settings))
    with attach(settings), listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            app,
            http=_Hurried,
            ws=ws,
            log_level="critical",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            safeguards.close()
