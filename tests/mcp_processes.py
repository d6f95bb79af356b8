"""MCP servers in processes of their own, and raw requests to them."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from loops import run
from mcp import Client, StdioServerParameters
from mcp.server import Server

ROOT = Path(__file__).parent.parent
TOKEN = "a-token-for-tests-0123456789"
_Result = TypeVar("_Result")


def talk(
    server: "Server[Any] | StdioServerParameters | str",
    work: Callable[[Client], Awaitable[_Result]],
    *,
    mode: str = "auto",
) -> _Result:
    """Return what a client finds out."""

    async def talking() -> _Result:
        async with Client(server, mode=mode) as client:
            return await work(client)

    return run(talking)


class HttpServer:
    """``python -m qa mcp --transport http`` on a free port."""

    def __init__(self, index: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "qa", "mcp", "--transport", "http", "--port", "0"),
                *("--index", str(index), *arguments),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("Yinzheng MCP: http://127.0.0.1:"), said
        self.url = said.split()[-1]
        self.port = int(self.url.split(":")[2].split("/")[0])

    def post(self, body: object, **headers: str) -> tuple[int, dict[str, str], str]:
        """Send a message; names of headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(
                "POST",
                "/mcp",
                body if isinstance(body, bytes) else json.dumps(body).encode(),
                {
                    "content-type": "application/json",
                    "accept": "application/json, text/event-stream",
                    **named,
                },
            )
            response = connection.getresponse()
            got = {name.lower(): value for name, value in response.getheaders()}
            return response.status, got, response.read().decode()
        finally:
            connection.close()

    def stop(self) -> int:
        """Tell it to end, as a service manager does; return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            assert self._process.stdout is not None
            self._process.stdout.close()
