"""The server over streamable HTTP: who may call it, and by which name."""

import hashlib
import hmac
import ipaddress
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse

from index import SettingError
from qa.answers import ask
from qa.mcp.service import Service
from qa.server.headers import SecurityHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PATH = "/mcp"
_SHORTEST_TOKEN = 16
_MAKE_A_TOKEN = "python -c 'import secrets; print(secrets.token_urlsafe(32))' > token.txt"
_PATIENCE = 10  # seconds for the answers under way when the process is told to end
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104  (refused below without a token)


@dataclass(frozen=True)
class HttpSettings:
    """Where to listen, and whom to answer.

    Attributes:
        host: address to listen on.
        port: port to listen on; 0 = any free one.
        token: what clients must show; None = nothing.
        allowed_hosts: names, besides the address listened on, by which the server may be called.
        insecure: whether to listen beyond this machine without a token.
    """

    host: str = "127.0.0.1"
    port: int = 7861
    token: str | None = None
    allowed_hosts: Sequence[str] = ()
    insecure: bool = False


def read_token(file: str) -> str:
    """Return the token that a file holds.

    Raises:
        SettingError: it holds none, or one that is soon guessed.
    """
    try:
        token = Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} cannot be read ({error}). Make one: {_MAKE_A_TOKEN}") from error
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1:
        raise SettingError(
            f"{file} holds no token: one line of at least {_SHORTEST_TOKEN} letters and digits. "
            f"Make one: {_MAKE_A_TOKEN}"
        )
    return token


def check(settings: HttpSettings) -> None:
    """Check that no stranger is let in by mistake.

    Raises:
        SettingError: anyone on the network could ask, or nobody could.
    """
    if _is_this_machine(settings.host):
        return
    if settings.token is None and not settings.insecure:
        raise SettingError(
            f"{settings.host} can be reached from other machines, and anyone there could read your "
            "documents. Give --token-file FILE, or --insecure if that is what you want."
        )
    if settings.host in _WILDCARDS and not settings.allowed_hosts:
        raise SettingError(
            f"{settings.host!r} stands for every address of this machine. Say by which names or "
            "addresses it may be called: --allowed-host NAME."
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve_http(service: Service, settings: HttpSettings) -> None:
    """Serve until the process is told to end."""
    with _listen(settings) as listening:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        ask("引證", index=service.index)  # so that the first question need not wait for the model
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            build_app(service, settings, port),
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        print(f"Yinzheng MCP: http://{_in_address(settings.host)}:{port}{_PATH}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(settings: HttpSettings) -> socket.socket:
    """Take the port before the slow part begins."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise SettingError(
            f"Cannot listen on {settings.host}, port {settings.port}: {error}. "
            "Check --host and --port."
        ) from error


def build_app(service: Service, settings: HttpSettings, port: int) -> "ASGIApp":
    """Return the ASGI application that answers at ``/mcp``."""
    app = service.server.streamable_http_app(
        streamable_http_path=_PATH,
        json_response=True,
        # Nothing is kept between two requests: a restart is not noticed, nobody is forgotten.
        stateless_http=True,
        max_request_body_size=256 * 1024,
        transport_security=_security(settings, port),
    )
    guarded = app if settings.token is None else BearerToken(app, settings.token)
    return SecurityHeaders(guarded)


def _security(settings: HttpSettings, port: int) -> TransportSecuritySettings:
    """Answer only to the server's own names, and to no page of another server (DNS rebinding)."""
    names = {"127.0.0.1", "localhost", "[::1]", *settings.allowed_hosts}
    if settings.host not in _WILDCARDS:
        names.add(_in_address(settings.host))
    with_port = [f"{name}:{port}" for name in names]
    # A proxy before the server may listen on the usual ports, which a client leaves out.
    hosts = [*with_port, *settings.allowed_hosts]
    return TransportSecuritySettings(
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
    )


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class BearerToken:
    """Lets nobody in who does not show the token."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app = app
        self._expected = _digest(token.encode())

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] != "http" or self._is_shown(scope):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "A token is needed. Send the header Authorization: Bearer <token>."},
            status_code=401,
            headers={"www-authenticate": 'Bearer realm="yinzheng"'},
        )
        await refusal(scope, receive, send)

    def _is_shown(self, scope: "Scope") -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) != 1:
            return False
        scheme, _, token = shown[0].partition(b" ")
        # Digests are of one length, so that the time says nothing of the token's.
        same = hmac.compare_digest(_digest(token.strip()), self._expected)
        return same and scheme.lower() == b"bearer"


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
