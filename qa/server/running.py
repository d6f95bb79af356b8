"""Running the server: from its settings to an exit status of 0."""

import errno
import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from index import ServerSettingError
from qa.answers import ask
from qa.indexes import close_shared_indexes
from qa.server.logs import attach
from qa.server.safeguards import Safeguards
from qa.server.services import Services
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GRACE_SECONDS = 15  # for answers that are being given when the server is told to end
# Nobody is told of what is done here, whatever a library would like.
_SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def serve(
    settings: ServerSettings,
    build: "Callable[[Services], ASGIApp]",
    *,
    tell: Callable[[str], None],
    announce: Callable[[str], None],
) -> None:
    """Serve until told to end by SIGTERM or Ctrl+C; answers being given are finished.

    Args:
        settings: how to run.
        build: makes the application.
        tell: is given what an administrator should know.
        announce: is given the address, once the server listens.

    Raises:
        ServerSettingError: it cannot or must not run like this.
        UsersFileError: the users or tokens cannot be read.
    """
    os.environ.update(_SILENT)
    for warning in warnings_about(settings):
        tell(warning)
    with attach(settings), listen(settings.host, settings.port) as listening:
        end_on_sigterm()
        safeguards = Safeguards(settings)
        try:
            tell("Opening the index; the very first start builds it ...")
            # So that the first question need not wait.
            ask("引證", index=settings.index, reader=settings.reads_phrases)
            app = safeguards.around(build(Services(settings)))
            run(app, settings, listening, announce)
        finally:
            safeguards.close()
            close_shared_indexes()


def warnings_about(settings: ServerSettings) -> list[str]:
    """Return what is dangerous about settings that are allowed.

    Raises:
        ServerSettingError: they are not: strangers could come in.
    """
    reached_by = _reached_by(settings)
    if not reached_by:
        return []
    if not settings.needs_login:
        if not settings.insecure:
            raise ServerSettingError(
                f"{reached_by}, and nobody would have to sign in. Make a file of users with "
                "'python -m qa users add FILE NAME' and give it with --auth, or tokens for "
                "programs with --token-file. If everybody who can reach it may read all "
                "documents, say so with --insecure."
            )
        return [f"Warning: {reached_by}, and nobody has to sign in (--insecure)."]
    if not settings.behind_proxy:
        return [
            f"Warning: {reached_by} without encryption: passwords and answers can be read on the "
            "way. Put a proxy with TLS before it (docs/server.md)."
        ]
    return []


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):  # the latter for what cannot be a name: a..b
        return False
    return all(ipaddress.ip_address(str(one[4][0])).is_loopback for one in found)


def _reached_by(settings: ServerSettings) -> str:
    """Say who besides this machine can reach the server; an empty text when nobody can."""
    if not is_loopback(settings.host):
        return f"Other machines can reach this server on {settings.host or 'every address'}"
    if settings.behind_proxy:
        return "Other machines can reach this server through the proxy"
    return ""


def end_on_sigterm() -> None:
    """Let SIGTERM end the process as Ctrl+C does, also before it serves anything."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def run(
    app: "ASGIApp",
    settings: ServerSettings,
    listening: socket.socket,
    announce: Callable[[str], None],
) -> None:
    """Serve an application on a port that is taken already, until told to end.

    Args:
        app: behind its safeguards.
        settings: how to run.
        listening: the port.
        announce: is given the address.
    """
    import uvicorn

    from qa.server.connections import ImpatientProtocol

    ImpatientProtocol.trusted = [ipaddress.ip_network(one) for one in settings.behind_proxy]
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        log_level="critical",  # failures are noted by RequestLog
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TrustedProxy does it, and forgets the headers of anybody else
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    announce(f"http://{shown}:{listening.getsockname()[1]}{settings.root_path}")
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn raises the signal again after the last answer was sent
        return


def listen(host: str, port: int) -> socket.socket:
    """Take the port before the slow part begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except UnicodeError as error:
        raise OSError(f"{host!r} is neither an address nor a name. Check --host.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is in use. Choose another one with --port."
        else:
            reason = f"Cannot listen on {host}, port {port}: {error}. Check --host and --port."
        raise OSError(reason) from error
