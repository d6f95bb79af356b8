"""What an ASGI scope says about a request; every header in it is the sender's claim."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from qa.types import Language

Scope = Mapping[str, Any]
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def header(scope: Scope, name: str) -> str:
    """Return a header's first value, or an empty text."""
    return next(iter(headers(scope, name)), "")


def headers(scope: Scope, name: str) -> list[str]:
    """Return every value of a header."""
    wanted = name.encode("latin-1")
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted]


def changes_something(scope: Scope) -> bool:
    """Whether the method is one that may change something on the server."""
    return scope.get("method", "GET") not in _READS


def is_navigation(scope: Scope) -> bool:
    """Whether a person waits for a page, and not a program or a page's script for data."""
    asks_for_page = "text/html" in header(scope, "accept")
    return asks_for_page and header(scope, "sec-fetch-dest") in {"", "document"}


def path_in(scope: Scope) -> str:
    """Return the path as the routes know it: without the one that a proxy puts before it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] or "/" if root and path.startswith(root) else path


def address_of(scope: Scope) -> str:
    """Return what stands for the sender's machine: its address, or its IPv6 network."""
    client = scope.get("client")
    text = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text[:64]
    if address.version == 4:
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    # One customer gets a /64: its machines can change their address at every request.
    return str(ipaddress.ip_network((address, 64), strict=False))


def state_of(scope: Scope) -> dict[str, Any]:
    """Return what the layers around the application tell each other about the request."""
    state = scope.get("state")
    return state if isinstance(state, dict) else {}


def reader_language(scope: Scope) -> Language:
    """Return the language that the browser asks for first, of those that Yinzheng speaks."""
    choices = [_choice(part) for part in header(scope, "accept-language").split(",")[:20]]
    for _, tag in sorted(choices, key=lambda choice: -choice[0]):
        subtags = tag.split("-")
        if subtags[0] == "zh":
            return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(subtags) else "zh-Hans"
        if subtags[0] == "en":
            return "en"
    return "en"


def _choice(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    try:
        return float(weight.strip().removeprefix("q=") or 1), tag.strip().lower()
    except ValueError:
        return 0.0, tag.strip().lower()
