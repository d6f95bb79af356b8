"""The doors for programs on a port of their own, in this process."""

import json
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Any

import httpx
import uvicorn

from qa.server.api import build_api
from qa.server.safeguards import Safeguards
from qa.server.services import Services
from qa.server.settings import ServerSettings


class ApiServer:
    """A running server; a context manager."""

    def __init__(self, settings: ServerSettings) -> None:
        # One address asks more than any visitor would.
        settings = replace(settings, requests_per_second=0)
        self.services = Services(settings)
        self._safeguards = Safeguards(settings)
        app = self._safeguards.around(build_api(self.services))
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start in 30 seconds"
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.url, timeout=60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive(), "the server did not stop in 20 seconds"
        self._safeguards.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._client.get(path, headers=headers)

    def send(self, method: str, path: str) -> httpx.Response:
        return self._client.request(method, path)

    def post(self, path: str, content: Any, **headers: str) -> httpx.Response:
        """Send JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        sent = {"Content-Type": "application/json", **headers}
        return self._client.post(path, content=body, headers=sent)

    def figure(self, name: str, **labels: str) -> float:
        """Return one figure of the metrics; 0 when there is none yet."""
        value = self.services.metrics.registry.get_sample_value(name, labels)
        return 0.0 if value is None else value
