"""The MCP server on standard input and output, in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doors import mcp_server
from mcp import Client
from mcp_processes import ROOT, talk

from qa import ask
from qa.wire import answer_as_json

QUESTION = "烏海市全程網辦事項量提升了多少？"
HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def asking(number: int) -> dict[str, Any]:
    call = {"name": "ask", "arguments": {"question": QUESTION}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}


def test_a_client_that_knows_the_first_protocol_only(report_dir: Path) -> None:
    """The tests of all doors use one that knows the newest."""

    async def using(client: Client) -> Any:
        tools = await client.list_tools()
        resources = await client.list_resources()
        answer = await client.call_tool("ask", {"question": QUESTION})
        return [tool.name for tool in tools.tools], resources.resources, answer

    names, resources, answer = talk(mcp_server(report_dir), using, mode="legacy")
    assert names == ["ask", "retrieve", "show"]
    assert [one.name for one in resources] == ["report.txt"]
    assert answer.structured_content == answer_as_json(ask(QUESTION, index=report_dir))


@contextmanager
def process(index: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "qa", "mcp", "--index", str(index)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def send(running: "subprocess.Popen[str]", *messages: object) -> None:
    assert running.stdin is not None
    running.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
    running.stdin.flush()


def receive(running: "subprocess.Popen[str]") -> Any:
    assert running.stdout is not None
    return json.loads(running.stdout.readline())


def test_told_to_end_it_answers_what_it_was_asked_and_exits_with_0(report_dir: Path) -> None:
    with process(report_dir) as running:
        send(running, HELLO, READY, asking(1))
        assert receive(running)["id"] == 0
        first = receive(running)
        assert first["id"] == 1
        assert first["result"]["structuredContent"]["status"] == "answered"
        send(running, *(asking(number) for number in range(2, 7)), {"what": "is this?"})
        while receive(running)["id"] != 2:  # the others are under way
            pass
        running.send_signal(signal.SIGTERM)
        began = time.monotonic()
        rest, complaints = running.communicate(timeout=15)
        assert running.returncode == 0
        assert time.monotonic() - began < 6
    answers = [json.loads(line) for line in rest.splitlines()]  # nothing but the protocol
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    assert "Traceback" not in complaints


def test_it_ends_when_its_client_leaves(report_dir: Path) -> None:
    with process(report_dir) as running:
        send(running, HELLO)
        assert receive(running)["result"]["serverInfo"]["name"] == "yinzheng"
        rest, _ = running.communicate(timeout=15)  # closes its standard input
        assert (running.returncode, rest) == (0, "")
