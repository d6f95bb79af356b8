"""By which name the server was called, through which proxy, and from which site's page.

A page of a stranger can make a reader's browser send requests here. Under a name of its own that it
points at this machine, it could read the answers (DNS rebinding): only known names are answered.
Under our name, it could change something with the reader's rights: only our own pages may.
"""

import ipaddress
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qa.server.refusals import Refusal, refuse
from qa.server.scopes import changes_something, header, headers
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED = ("x-forwarded-", "forwarded", "x-real-ip")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  (compared with, not bound to)


class TrustedProxy:
    """Believes what a trusted proxy says about a request, and forgets what anybody else says."""

    def __init__(self, app: "ASGIApp", settings: ServerSettings) -> None:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

        self._app = app
        self._networks = [
            ipaddress.ip_network(text, strict=False) for text in settings.behind_proxy
        ]
        self._believing = ProxyHeadersMiddleware(
            app,  # type: ignore[arg-type]  # the same protocol, typed anew
            trusted_hosts=list(settings.behind_proxy),
        )
        self._root = settings.root_path

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif self._comes_from_proxy(scope):
            called = header(scope, "x-forwarded-host").split(",")[0].strip()
            if called:
                kept = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
                scope["headers"] = [*kept, (b"host", called.encode("latin-1"))]
            self._take_root(scope)
            await self._believing(scope, receive, send)  # type: ignore[arg-type]
        else:
            scope["headers"] = [
                pair
                for pair in scope["headers"]
                if not pair[0].decode("latin-1").lower().startswith(_FORWARDED)
            ]
            self._take_root(scope)
            await self._app(scope, receive, send)

    def _comes_from_proxy(self, scope: "Scope") -> bool:
        if not self._networks or not scope.get("client"):
            return False
        try:
            address = ipaddress.ip_address(scope["client"][0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def _take_root(self, scope: "Scope") -> None:
        """Note the path before ours, whether the proxy takes it off or not."""
        root = self._root
        if not root:
            return
        scope["root_path"] = root
        if scope["path"] != root and not scope["path"].startswith(f"{root}/"):
            scope["path"] = root + scope["path"]
            scope["raw_path"] = root.encode() + scope.get("raw_path", b"")


class KnownHosts:
    """Answers only to the server's own names, and changes nothing for another site's page."""

    def __init__(self, app: "ASGIApp", settings: ServerSettings) -> None:
        self._app = app
        self._listens_on = settings.host.strip("[]").lower()
        self._allowed = {name.lower().rstrip(".") for name in settings.allowed_hosts}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        called = headers(scope, "host")
        host = called[0] if len(called) == 1 else ""
        if not self._is_ours(_name(host)):
            shown = "".join(letter for letter in host if letter.isprintable())[:100]
            await refuse(Refusal(421, "host", (shown,)), scope, receive, send)
        elif self._is_foreign(scope):
            await refuse(Refusal(403, "origin"), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, name: str) -> bool:
        if not name:
            return False
        if name in {"localhost", self._listens_on} or name in {_name(one) for one in self._allowed}:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # A stranger can point a name of his at this machine, but has no page under its address.
        return address.is_loopback or self._listens_on in _EVERY_ADDRESS

    def _is_foreign(self, scope: "Scope") -> bool:
        """Whether another site's page asks to change something, or to keep a channel open."""
        if scope["type"] == "http" and not changes_something(scope):
            return False
        return comes_from_elsewhere(scope, self._allowed)


def comes_from_elsewhere(scope: "Scope", allowed: Collection[str] = ()) -> bool:
    """Return whether another site's page made the browser send a request.

    Args:
        scope: of the request.
        allowed: other names of this server, in lower case.
    """
    fetched_by = header(scope, "sec-fetch-site")
    if fetched_by:  # the browser's own word, which no page can change
        return fetched_by not in {"same-origin", "none"}
    origin = header(scope, "origin")
    if not origin:
        return False  # a program: no browser leaves it out
    return not _is_our_origin(origin, {header(scope, "host").lower(), *allowed})


def _is_our_origin(origin: str, names: Collection[str]) -> bool:
    try:
        parts = urlsplit(origin.lower())
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return False
    # Another port of the same machine is another site, though cookies know no ports.
    return any(_split(one, port) == (parts.hostname, port) for one in names)


def _name(host: str) -> str:
    """Return the host of a Host header, without brackets and port."""
    return _split(host, 0)[0]


def _split(host: str, default: int) -> tuple[str, int]:
    """Return the name and the port; an empty name when it is neither name nor address."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port or (default if default in {80, 443} else 80)
    except ValueError:
        return "", 0
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return "", 0
    return (parts.hostname or "").rstrip("."), port
