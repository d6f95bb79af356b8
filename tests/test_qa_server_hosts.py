"""Names, sites and proxies: whom the server believes, over real connections."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded import guarded
from signing_in import Reply, exchange, request

from qa.server.settings import ServerSettings


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    settings = ServerSettings(
        data_dir=tmp_path_factory.mktemp("hosts"),
        allowed_hosts=("kb.example.org", "other.example.org:8443"),
    )
    with guarded(settings) as at:
        yield at


def asked(port: int, host: str, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(port, "/echo", method="POST", headers={"Host": host, **names}, body=b"x")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:7860",
        "localhost",
        "LOCALHOST:9000",  # another port: a tunnel
        "[::1]:7860",
        "127.8.9.1",
        "kb.example.org",
        "kb.example.org:7860",
        "KB.example.org.",
        "other.example.org:8443",
    ],
)
def test_the_servers_own_names_are_answered(port: int, host: str) -> None:
    assert asked(port, host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "evil.example@127.0.0.1",
        "127.0.0.1/evil",
        "[::1",
        "0x7f000001",
        "",
    ],
)
def test_a_name_pointed_at_this_machine_by_a_stranger_is_not_answered(port: int, host: str) -> None:
    reply = asked(port, host)
    assert reply.status == 421
    assert reply.headers["content-type"] == "application/problem+json"
    problem = json.loads(reply.text)
    assert problem["status"] == 421
    assert "--allowed-host" in problem["detail"]
    assert problem["instance"] == f"urn:yinzheng:{reply.headers['x-request-id']}"


def test_a_refused_name_is_shown_as_text(port: int) -> None:
    page = request(
        port,
        "/",
        headers={"Host": "<img src=x onerror=alert(1)>", "Accept": "text/html"},
    )
    assert page.status == 421
    assert "<img" not in page.text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    chinese = request(
        port, "/", headers={"Host": "x.example", "Accept": "text/html", "Accept-Language": "zh-HK"}
    )
    assert "這台伺服器不叫「x.example」" in chinese.text
    assert '<html lang="zh-TW">' in chinese.text


def test_two_names_or_none_are_not_answered(port: int) -> None:
    two = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert exchange(port, two).split()[1] in {b"400", b"421"}
    none = b"GET /echo HTTP/1.0\r\n\r\n"
    assert exchange(port, none).split()[1] == b"421"


def test_on_every_address_any_address_is_answered_but_no_name(tmp_path: Path) -> None:
    with guarded(ServerSettings(data_dir=tmp_path, host="0.0.0.0")) as port:  # noqa: S104
        assert asked(port, "192.0.2.1:7860").status == 200
        assert asked(port, "[2001:db8::1]").status == 200
        assert asked(port, "evil.example").status == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program
        ({"Origin": "http://127.0.0.1:7860"}, 200),
        ({"Origin": "https://kb.example.org"}, 200),  # a proxy that keeps our own name
        ({"Origin": "https://other.example.org:8443"}, 200),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:7861"}, 403),  # another user's server on this machine
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "https://kb.example.org:444"}, 403),
        ({"Origin": "https://other.example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Origin": "http://127.0.0.1:7860@evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:http"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:7860"}, 403),
    ],
)
def test_only_our_own_pages_may_change_something(
    port: int, headers: dict[str, str], status: int
) -> None:
    reply = asked(port, "127.0.0.1:7860", **headers)
    assert reply.status == status, reply.text


def test_reading_needs_no_origin_and_nobody_may_share_the_answer(port: int) -> None:
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    reply = request(port, "/shared", headers=foreign)
    assert reply.status == 200
    preflight = {**foreign, "Access-Control-Request-Method": "POST"}
    replies = [reply, request(port, "/echo", method="OPTIONS", headers=preflight)]
    for one in replies:
        assert not [name for name in one.headers if name.startswith("access-control")]
        assert one.headers["cross-origin-resource-policy"] == "same-origin"


FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "kb.example.org",
}


def test_forwarded_headers_of_anybody_are_forgotten(port: int) -> None:
    seen = json.loads(request(port, "/echo", headers=FORWARDED).text)
    assert (seen["client"], seen["scheme"], seen["forwarded"]) == ("127.0.0.1", "http", "")
    assert seen["host"] == f"127.0.0.1:{port}"


def test_a_trusted_proxy_is_believed_but_its_name_is_checked(tmp_path: Path) -> None:
    settings = ServerSettings(
        data_dir=tmp_path,
        behind_proxy=("127.0.0.0/8",),
        allowed_hosts=("kb.example.org",),
        root_path="/kb",
    )
    with guarded(settings) as port:
        for path in ("/echo", "/kb/echo"):
            reply = request(port, path, headers=FORWARDED)
            seen = json.loads(reply.text)
            assert (seen["client"], seen["scheme"]) == ("203.0.113.7", "https")
            assert seen["host"] == "kb.example.org"
            assert reply.headers["strict-transport-security"] == "max-age=31536000"
        evil = {**FORWARDED, "X-Forwarded-Host": "evil.example"}
        assert request(port, "/echo", headers=evil).status == 421


def test_another_sites_page_opens_no_socket(tmp_path: Path) -> None:
    handshake = (
        "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n"
    )
    pytest.importorskip("websockets")
    with guarded(ServerSettings(data_dir=tmp_path), ws="websockets-sansio") as port:
        for origin, status in (
            ("Origin: http://evil.example\r\n", b"403"),
            ("Origin: http://localhost\r\n", b"101"),
        ):
            assert exchange(port, handshake.format(origin).encode()).split()[1] == status
