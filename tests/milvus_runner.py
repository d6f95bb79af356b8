"""Run by the Python that has the Milvus server, in a network of its own: the server, and a socket.

    python milvus_runner.py DATA SOCKET

The server would listen on every address of the machine. Here it has only a loopback of its own, and
what is sent to the socket, a file, is handed to it.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from milvus import MilvusServer, MilvusServerConfig

PORT = 19630
_PARTS = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")


def start(data: str) -> MilvusServer:
    config = MilvusServerConfig(data_dir=data, proxy_port=PORT)
    # After 30 seconds otherwise a new start waits for the leases of the old one.
    config.extra_configs["common.session.ttl"] = 5
    # The least time that a question for the newest takes; 200 ms otherwise.
    config.extra_configs["proxy.timeTickInterval"] = 20
    for part in _PARTS:
        config.extra_configs[f"{part}.ip"] = "127.0.0.1"
    server = MilvusServer(config)
    server.start()
    return server


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        theirs, ours = await asyncio.open_connection("127.0.0.1", PORT)
        await asyncio.gather(pipe(reader, ours), pipe(theirs, writer), return_exceptions=True)
    writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(socket: str, server: MilvusServer) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    Path(socket).unlink(missing_ok=True)
    async with await asyncio.start_unix_server(hand_on, socket):
        sys.stdout.write(f"READY {server.server_proc.pid}\n")
        sys.stdout.flush()
        while not stopped.is_set() and server.server_proc.poll() is None:
            await asyncio.sleep(0.1)


def main() -> None:
    data, socket = sys.argv[1:]
    server = start(data)
    asyncio.run(serve(socket, server))
    process = server.server_proc
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    server.server_proc = None


if __name__ == "__main__":
    main()
