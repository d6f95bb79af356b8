"""``python app.py``: the chat page, served on this machine."""

import argparse
import errno
import signal
import socket
import sys
from collections.abc import Sequence

from index import YinzhengError, telling_fallbacks
from page import build_server
from qa import ask
from qa.server.services import Services
from qa.server.settings import ServerSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until it is stopped; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with telling_fallbacks(lambda warning: print(f"yinzheng: {warning}", file=sys.stderr)):
            _serve(
                ServerSettings(
                    index=options.index,
                    host=options.host,
                    port=options.port,
                    allow_upload=options.allow_upload,
                )
            )
    except (YinzhengError, OSError) as error:
        print(f"yinzheng: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # after the last answer was sent
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yinzheng", description="Ask your documents in a page.")
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="index folder (default: YINZHENG_INDEX, else a folder in your user data; "
        "made from the bundled report on first use)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine only; there is no password)",
    )
    parser.add_argument("--port", type=_port, default=7860, help="port (default 7860)")
    parser.add_argument(
        "--allow-upload",
        action="store_true",
        help="let everybody who reaches the page add, rebuild and remove documents",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _serve(settings: ServerSettings) -> None:
    import uvicorn

    with _listen(settings.host, settings.port) as listening:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print("Opening the index; the very first start builds it ...", file=sys.stderr, flush=True)
        ask("引證", index=settings.index)  # so that the first question need not wait for the model
        config = uvicorn.Config(
            build_server(Services(settings)), log_level="warning", timeout_graceful_shutdown=10
        )
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"Yinzheng: http://{shown}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before the slow part begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is in use. Choose another one with --port."
        else:
            reason = f"Cannot listen on {host}, port {port}: {error}. Check --host and --port."
        raise OSError(reason) from error


if __name__ == "__main__":
    sys.exit(main())
