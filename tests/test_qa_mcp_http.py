"""The MCP server over streamable HTTP, in a process of its own."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from loops import run
from mcp import Client, ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp_processes import TOKEN, HttpServer, talk

from qa import ask
from qa.server.credentials import digest_of
from qa.wire import answer_as_json

QUESTION = "三端五防线"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def open_server(report_dir: Path) -> Iterator[HttpServer]:
    running = HttpServer(report_dir)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def closed_server(report_dir: Path, folder: Path) -> Iterator[HttpServer]:
    (folder / "tokens").write_text(f"editor:reader:{digest_of(TOKEN)}\n", encoding="utf-8")
    log = str(folder / "requests.jsonl")
    running = HttpServer(report_dir, "--token-file", str(folder / "tokens"), "--log-file", log)
    yield running
    running.stop()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_of_either_generation_of_the_protocol(
    mode: str, open_server: HttpServer, report_dir: Path
) -> None:
    async def using(client: Client) -> Any:
        resources = (await client.list_resources()).resources
        text = (await client.read_resource(resources[0].uri)).contents[0]
        return text, await client.call_tool("ask", {"question": QUESTION})

    text, result = talk(open_server.url, using, mode=mode)
    answer = ask(QUESTION, index=report_dir)
    assert text.text == answer.citations[0].document.text
    assert result.structured_content == answer_as_json(answer)


def test_a_client_that_shows_the_token_is_served(closed_server: HttpServer) -> None:
    async def asking() -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http_client,
            streamable_http_client(closed_server.url, http_client=http_client) as (
                incoming,
                outgoing,
            ),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await session.call_tool("ask", {"question": QUESTION})

    assert run(asking).structured_content["status"] == "answered"


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}0"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"cookie": f"token={TOKEN}"},
        {"authorization": "Bearer \xff\xfe"},
    ],
)
def test_nobody_else_is(closed_server: HttpServer, shown: dict[str, str]) -> None:
    status, headers, body = closed_server.post(LIST, **shown)
    assert status == 401
    assert headers["www-authenticate"].startswith("Bearer")
    assert json.loads(body)["status"] == 401
    assert TOKEN not in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:{port}"}, 200),
        ({"origin": "http://127.0.0.1:{port}"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:{port}"}, 421),
        ({"host": "127.0.0.1.evil.example:{port}"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1.evil.example:{port}"}, 403),
        ({"origin": "null"}, 403),
        ({"content_type": "text/plain"}, 400),
    ],
)
def test_pages_of_other_servers_get_no_answer(
    open_server: HttpServer, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(port=open_server.port) for name, value in headers.items()}
    got, answered_with, body = open_server.post(LIST, **sent)
    assert got == status
    assert ("retrieve" in body) == (status == 200)
    assert not any(name.startswith("access-control") for name in answered_with)
    assert answered_with["x-content-type-options"] == "nosniff"


def test_a_request_is_one_line_of_the_log_with_its_stages_and_no_question(
    closed_server: HttpServer, folder: Path
) -> None:
    call = {"name": "ask", "arguments": {"question": QUESTION}}
    asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
    token = {"authorization": f"Bearer {TOKEN}"}
    status, headers, _ = closed_server.post(asked, **token)
    assert status == 200
    number = headers["x-request-id"]
    deadline = time.monotonic() + 20  # it is written when the last byte was sent
    while number not in (log := (folder / "requests.jsonl").read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (line,) = (json.loads(one) for one in log.splitlines() if number in one)
    assert (line["route"], line["status"], line["visitor"]) == ("/mcp", 200, "editor")
    assert {"wait", "embed", "quotes"} <= line["stages"].keys()
    assert QUESTION not in log
    assert TOKEN not in log


def test_a_message_that_is_too_long_is_refused(open_server: HttpServer) -> None:
    assert open_server.post(b" " * 300_000)[0] == 413


def test_told_to_end_it_exits_with_0_also_while_a_client_listens(
    closed_server: HttpServer,
) -> None:
    with socket.create_connection(("127.0.0.1", closed_server.port)) as listener:
        lines = [
            "GET /mcp HTTP/1.1",
            f"Host: 127.0.0.1:{closed_server.port}",
            f"Authorization: Bearer {TOKEN}",
            "Accept: text/event-stream",
            "MCP-Protocol-Version: 2025-06-18",
        ]
        listener.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert listener.recv(15) == b"HTTP/1.1 200 OK"
        assert closed_server.stop() == 0
