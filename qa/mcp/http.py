"""The server over streamable HTTP: behind the same safeguards as the page and its doors."""

import socket
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings

from index import SettingError
from qa.answers import ask
from qa.mcp.service import Service
from qa.server.logs import attach
from qa.server.metrics import RequestMetrics
from qa.server.running import end_on_sigterm, is_loopback, listen, run
from qa.server.safeguards import Safeguards
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_PATH = "/mcp"
_LARGEST = 256 * 1024  # bytes of a message
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104  (refused below without a token)


def check(settings: ServerSettings) -> None:
    """Check that no stranger is let in by mistake.

    Raises:
        SettingError: anyone on the network could ask, or nobody could.
    """
    if is_loopback(settings.host):
        return
    if settings.token_file is None and not settings.insecure:
        raise SettingError(
            f"{settings.host} can be reached from other machines, and anyone there could read your "
            "documents. Give --token-file FILE, or --insecure if that is what you want."
        )
    if settings.host in _WILDCARDS and not settings.allowed_hosts:
        raise SettingError(
            f"{settings.host!r} stands for every address of this machine. Say by which names or "
            "addresses it may be called: --allowed-host NAME."
        )


def serve_http(service: Service) -> None:
    """Serve until the process is told to end.

    Raises:
        SettingError: strangers could come in, or the address cannot be listened on.
        UsersFileError: the file of tokens cannot be used.
    """
    settings = service.settings
    check(settings)
    with attach(settings), _listen(settings) as listening:
        end_on_sigterm()
        safeguards = Safeguards(settings)
        try:
            ask("引證", index=settings.index)  # so that the first question need not wait
            app = build_app(service, listening.getsockname()[1])
            run(safeguards.around(app), settings, listening, _announce)
        finally:
            safeguards.close()


def _announce(address: str) -> None:
    print(f"Yinzheng MCP: {address}{_PATH}", flush=True)


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise SettingError(str(error)) from error


def build_app(service: Service, port: int) -> "ASGIApp":
    """Return the ASGI application that answers at ``/mcp``."""
    app = service.server.streamable_http_app(
        streamable_http_path=_PATH,
        json_response=True,
        # Nothing is kept between two requests: a restart is not noticed, nobody is forgotten.
        stateless_http=True,
        max_request_body_size=_LARGEST,
        transport_security=_security(service.settings, port),
    )
    return RequestMetrics(app, service.metrics)


def _security(settings: ServerSettings, port: int) -> TransportSecuritySettings:
    """Answer only to the server's own names, and to no page of another server (DNS rebinding)."""
    names = {"127.0.0.1", "localhost", "[::1]", *settings.allowed_hosts}
    if settings.host not in _WILDCARDS:
        names.add(f"[{settings.host}]" if ":" in settings.host else settings.host)
    with_port = [f"{name}:{port}" for name in names]
    # A proxy before the server may listen on the usual ports, which a client leaves out.
    hosts = [*with_port, *settings.allowed_hosts]
    return TransportSecuritySettings(
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
    )
