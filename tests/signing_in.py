"""The people and programs that tests let in, and requests byte by byte."""

import http.client
import socket
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qa.server.credentials import Credential, digest_of, write_credentials
from qa.server.passwords import hash_of
from qa.server.visitors import Role

READER, ADMINISTRATOR = "李明", "chen"
PASSWORD = "山高月小 水落石出"
READER_TOKEN, ADMINISTRATOR_TOKEN = "yz_reader-token", "yz_administrator-token"
USERS: dict[str, Role] = {READER: "reader", ADMINISTRATOR: "administrator"}


def write_people(folder: Path) -> list[str]:
    """Write both files; return the server's options that name them."""
    users, tokens = folder / "users", folder / "tokens"
    stored = hash_of(PASSWORD)
    write_credentials(users, {n: Credential(n, r, stored) for n, r in USERS.items()}, "users")
    programs = [
        Credential("reads", "reader", digest_of(READER_TOKEN)),
        Credential("changes", "administrator", digest_of(ADMINISTRATOR_TOKEN)),
    ]
    write_credentials(tokens, {one.name: one for one in programs}, "tokens")
    return ["--auth", str(users), "--token-file", str(tokens)]


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str
    cookies: dict[str, str]


def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    read: bool = True,
) -> Reply:
    """Send one request, without following anything."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        pairs = response.getheaders()
        cookies = {
            value.split("=")[0]: value.split(";")[0].partition("=")[2]
            for name, value in pairs
            if name.lower() == "set-cookie"
        }
        text = response.read().decode("utf-8", "replace") if read else ""
        return Reply(response.status, {n.lower(): v for n, v in pairs}, text, cookies)
    finally:
        connection.close()


def sign_in(
    port: int, name: str, password: str, *, headers: Mapping[str, str] | None = None
) -> Reply:
    """Send the form of the sign-in page."""
    form = urllib.parse.urlencode({"name": name, "password": password, "next": "/config"})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return request(
        port, "/login", method="POST", headers={**kind, **(headers or {})}, body=form.encode()
    )


def as_cookie(cookies: Mapping[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def exchange(port: int, *parts: bytes, seconds: float = 15.0) -> bytes:
    """Send bytes; return all that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received
