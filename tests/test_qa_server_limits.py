"""Requests that are too large, too slow, too long or too many, over real connections."""

import ipaddress
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from guarded import guarded
from signing_in import (
    ADMINISTRATOR_TOKEN,
    READER_TOKEN,
    bearer,
    exchange,
    request,
    write_people,
)

from qa.server import connections
from qa.server.limits import MOST_BODY, Buckets, Patience
from qa.server.settings import ServerSettings


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("limits")
    write_people(folder)
    settings = ServerSettings(
        data_dir=folder,
        users_file=folder / "users",
        token_file=folder / "tokens",
        max_upload_bytes=3 * 2**20,
        max_upload_files=1,
        requests_per_second=0,
    )
    with guarded(settings) as at:
        yield at


def sent(port: int, path: str, size: int, token: str = ADMINISTRATOR_TOKEN) -> int:
    reply = request(port, path, method="POST", headers=bearer(token), body=b"x" * size)
    if reply.status == 200:
        assert json.loads(reply.text)["size"] == size
    return reply.status


def chunked(path: str, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()


def test_a_body_may_have_a_mebibyte_and_an_upload_more(port: int) -> None:
    assert sent(port, "/echo", MOST_BODY) == 200
    assert sent(port, "/echo", MOST_BODY + 1) == 413
    assert sent(port, "/gradio_api/upload", 4 * 2**20) == 200
    assert sent(port, "/gradio_api/upload", 4 * 2**20 + 1) == 413


def test_a_reader_uploads_nothing(port: int) -> None:
    assert sent(port, "/gradio_api/upload", 10, READER_TOKEN) == 403
    assert sent(port, "/gradio_api/upload/", 10, READER_TOKEN) == 403
    assert sent(port, "/echo", 10, READER_TOKEN) == 200


def test_a_body_that_does_not_tell_its_size_is_counted(port: int) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = chunked("/echo", READER_TOKEN)
    assert exchange(port, head, *[piece] * 3, b"0\r\n\r\n").split()[1] == b"200"
    received = exchange(port, head, *[piece] * 17, b"0\r\n\r\n")
    assert received.split()[1] == b"413"
    problem = json.loads(received.split(b"\r\n\r\n", 1)[1])
    assert problem["detail"].startswith("What was sent is too large: at most 1,048,576 bytes")
    assert b"connection: close" in received


def test_the_form_of_the_sign_in_page_is_small(port: int) -> None:
    reply = request(port, "/login", method="POST", body=b"name=" + b"x" * 9000)
    assert reply.status == 413


def test_a_client_that_goes_on_sending_reads_why_it_was_refused(port: int) -> None:
    # Six mebibytes: far more than the socket's buffers take.
    assert sent(port, "/echo", 6 * 2**20) == 413


def test_an_address_is_not_endless(port: int) -> None:
    assert request(port, "/echo?" + "x" * 8000, headers=bearer(READER_TOKEN)).status == 200
    assert request(port, "/echo?" + "x" * 8200, headers=bearer(READER_TOKEN)).status == 414
    reply = exchange(port, b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert reply == b"" or reply.split()[1] == b"400"


def is_cut_off(connection: socket.socket, part: bytes) -> bool:
    """Send a part again and again, for five seconds; whether the connection ends before."""
    try:
        for _ in range(100):
            connection.sendall(part)
            time.sleep(0.05)
    except OSError:
        return True
    return False


def test_headers_that_come_one_by_one_are_not_waited_for(port: int) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        assert is_cut_off(connection, b"X-Header: x\r\n")
    assert 0.3 < time.monotonic() - begun < 2
    assert exchange(port, seconds=3) == b"", "nor is a connection that says nothing"


def test_one_address_has_not_all_connections_unless_it_is_the_proxys(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_answered() -> bool:
        return exchange(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") != b""

    monkeypatch.setattr(connections, "MOST_PER_ADDRESS", 3)
    with ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert not is_answered()
        proxies = [ipaddress.ip_network("127.0.0.0/8")]
        monkeypatch.setattr(connections.ImpatientProtocol, "trusted", proxies)
        assert is_answered()
        monkeypatch.undo()
    assert is_answered()


def test_what_comes_behind_the_answer_is_not_read_for_ever(port: int) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n")
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        assert is_cut_off(connection, b"1\r\nx\r\n")
    assert time.monotonic() - begun < 2


def test_a_body_that_stops_is_not_waited_for(
    tmp_path: Path,
) -> None:
    hurried = Patience(idle=0.3, whole=0.8, upload=0.8, linger=0.1)
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    with guarded(ServerSettings(data_dir=tmp_path), patience=hurried) as port:
        begun = time.monotonic()
        assert exchange(port, head).split()[1] == b"408"
        assert 0.2 < time.monotonic() - begun < 2
        begun, received = time.monotonic(), b""
        with socket.create_connection(("127.0.0.1", port), timeout=0.05) as connection:
            connection.sendall(head)
            while not received and time.monotonic() - begun < 5:
                connection.sendall(b"x")
                try:
                    received = connection.recv(1000)
                except TimeoutError:
                    continue
        assert received.split()[1] == b"408"
        assert 0.6 < time.monotonic() - begun < 2


def test_what_is_no_http_is_refused_with_the_same_headers(port: int) -> None:
    reply = exchange(port, b"\x16\x03\x01 hello\r\n\r\n").lower()
    assert reply.split()[1] == b"400"
    assert b"content-security-policy: default-src 'self'" in reply
    assert b"x-content-type-options: nosniff" in reply


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(2.0, clock)
    assert [buckets.take("a") for _ in range(20)] == [0] * 20
    assert buckets.take("a") == 0.5
    assert buckets.take("a", 0.1) == pytest.approx(0.05)
    assert buckets.take("b") == 0
    clock.now = 0.5
    assert buckets.take("a") == 0
    clock.now = 1000
    assert [buckets.take("a") for _ in range(21)] == [0] * 20 + [0.5]
    for number in range(20_000):
        buckets.take(str(number))
    assert len(buckets._kept) == 10_000


def test_whoever_asks_too_often_is_told_how_long_to_wait(tmp_path: Path) -> None:
    write_people(tmp_path)
    settings = ServerSettings(
        data_dir=tmp_path,
        users_file=tmp_path / "users",
        token_file=tmp_path / "tokens",
        requests_per_second=0.5,
    )
    with guarded(settings) as port:
        reader = bearer(READER_TOKEN)
        statuses = [request(port, "/echo", headers=reader).status for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        refused = request(port, "/echo", headers={**reader, "Accept-Language": "zh-TW"})
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        wait = refused.headers["retry-after"]
        assert json.loads(refused.text)["detail"] == f"請求太頻繁，請稍等 {wait} 秒再試。"
        assert request(port, "/echo", headers=bearer(ADMINISTRATOR_TOKEN)).status == 200
        assert request(port, "/healthz").status == 200
        strangers = [request(port, "/echo", headers=bearer("wrong")).status for _ in range(6)]
        assert strangers == [401] * 3 + [429] * 3, "nobody tries tokens without end"
