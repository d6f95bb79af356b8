"""Real Milvus servers for tests: 2.3.5, in a network of its own, and Milvus Lite with its BM25."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from index.milvus.address import Credentials, MilvusAddress

SERVER = "YINZHENG_TEST_MILVUS"
LITE = "YINZHENG_TEST_MILVUS_LITE"
_RUNNER = Path(__file__).with_name("milvus_runner.py")
_STARTS = 120.0


def python_of(name: str) -> str:
    """Return the Python that has a server; skip where there is none, but not in CI."""
    found = os.environ.get(name, "")
    if found:
        return found
    reason = f"no Milvus: {name} names no Python that has it (.ci/run installs one)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Forwarder:
    """A port on loopback from which everything is handed to a socket that is a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(
            asyncio.start_server(self._hand_on, "127.0.0.1", self.port, backlog=100)
        )
        self._ready.set()
        self._loop.run_forever()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            theirs, ours = await asyncio.open_unix_connection(str(self._path))
            await asyncio.gather(_pipe(reader, ours), _pipe(theirs, writer))
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


class MilvusProcess:
    """A server of version 2.3.5.

    Args:
        python: that has it.
        folder: for its data, 500 MB.
    """

    def __init__(self, python: str, folder: Path) -> None:
        self._python = python
        self._folder = folder
        # A socket's name may have 108 bytes.
        self._socket = Path(f"/tmp/yinzheng-milvus-{os.getpid()}.sock")  # noqa: S108
        self._forwarder = Forwarder(self._socket)
        self._process: subprocess.Popen[str] | None = None
        self._server_pid = 0
        self.start()

    def address(self, collection: str) -> MilvusAddress:
        """Return the address of an index on it."""
        return MilvusAddress("127.0.0.1", self._forwarder.port, collection)

    def start(self) -> None:
        """Start it and wait until it answers."""
        inside = f"ip link set lo up && exec {self._python} {_RUNNER} {self._folder} {self._socket}"
        self._process = subprocess.Popen(
            ["unshare", "-n", "bash", "-c", inside], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("READY"):
                self._server_pid = int(line.split()[1])
                break
        else:
            pytest.fail("the Milvus server did not start")
        wait_until_it_answers(self.address("any"))

    def kill(self) -> None:
        """End it as a loss of power would, but for the disk."""
        assert self._process is not None
        os.kill(self._server_pid, signal.SIGKILL)
        self._process.wait(60)
        self._close()

    def stop(self) -> None:
        """Stop it; what is loaded would keep it from ending."""
        from index.milvus.client import MilvusServer

        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(Exception):
            server = MilvusServer(self.address("any"), Credentials())
            for name in server.collections():
                server.release(name)
        self._process.terminate()
        self._process.wait(60)
        self._close()

    def _close(self) -> None:
        assert self._process is not None
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._socket.unlink(missing_ok=True)


class LiteProcess:
    """A server of Milvus Lite."""

    def __init__(self, python: str, folder: Path) -> None:
        self.port = free_port()
        self._log = folder.with_suffix(".log").open("w")
        command = Path(python).with_name("milvus-lite")
        self._process = subprocess.Popen(
            [
                # In the background of a shell it would be deaf to what makes it close its files.
                *("env", "--default-signal=INT"),
                *(str(command), "server", "--data-dir", str(folder)),
                *("--host", "127.0.0.1", "--port", str(self.port)),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_until_it_answers(self.address("any"))

    def address(self, collection: str) -> MilvusAddress:
        """Return the address of an index on it."""
        return MilvusAddress("127.0.0.1", self.port, collection)

    def stop(self) -> None:
        """Stop it so that it closes its files."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def wait_until_it_answers(address: MilvusAddress) -> None:
    from index.errors import IndexServerError
    from index.milvus.client import MilvusServer

    deadline = time.monotonic() + _STARTS
    while True:
        try:
            server = MilvusServer(address, Credentials())
            server.collections()
        except IndexServerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            server.close()
            return
