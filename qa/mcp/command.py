"""``python -m qa mcp``: serve the index to programs that speak the Model Context Protocol."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from index import SettingError, YinzhengError
from qa.indexes import shared_index

_DONE, _FAILED, _BAD_USE = 0, 1, 2
_OLDEST = 2
_INSTALL = "Install it: pip install 'yinzheng[mcp]'"
_OF_HTTP = ("host", "port", "token_file", "allowed_host", "insecure")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status: 0 ended as told, 2 bad use, 1 failure."""
    parser = _parser()
    options = parser.parse_args(arguments)
    needs_http = [name for name in _OF_HTTP if getattr(options, name)]
    if needs_http and options.transport == "stdio":
        parser.error(f"--{needs_http[0].replace('_', '-')} needs --transport http")
    missing = _what_is_missing()
    if missing:
        print(f"qa mcp: {missing}", file=sys.stderr)
        return _FAILED
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="qa mcp: %(message)s")
    try:
        _serve(options)
    except SettingError as error:
        print(f"qa mcp: {error}", file=sys.stderr)
        return _BAD_USE
    except (YinzhengError, OSError) as error:
        print(f"qa mcp: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:  # told to end, after the last answer was sent
        return _DONE
    return _DONE


def _what_is_missing() -> str:
    try:
        found = version("mcp")
    except PackageNotFoundError:
        return f"The MCP server needs the package mcp, which is not installed. {_INSTALL}"
    if int(found.split(".")[0]) < _OLDEST:
        return f"The MCP server needs the package mcp {_OLDEST} or newer, not {found}. {_INSTALL}"
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qa mcp", description=__doc__)
    parser.add_argument(
        "--index", metavar="DIR", help="index folder (default: as for asking a question)"
    )
    parser.add_argument(
        "--transport",
        choices=("stdio", "http"),
        default="stdio",
        help="stdio: for the client that starts the server (default); http: streamable HTTP",
    )
    http = parser.add_argument_group("with --transport http")
    http.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    http.add_argument("--port", type=_port, help="port (default 7861; 0: any free one)")
    http.add_argument(
        "--token-file", metavar="FILE", help="answer only clients that show the token in this file"
    )
    http.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME",
        help="a name by which the server may be called, besides the address it listens on",
    )
    http.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without a token"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _serve(options: argparse.Namespace) -> None:
    from qa.mcp.calls import Calls
    from qa.mcp.service import Service

    if options.index is not None:
        shared_index(options.index)  # say now, not at the first question, that there is none
    service = Service(options.index, Calls())
    if options.transport == "stdio":
        from qa.mcp.stdio import serve_stdio

        serve_stdio(service)
        return
    from qa.mcp.http import HttpSettings, check, read_token, serve_http

    settings = HttpSettings(
        host=options.host or HttpSettings.host,
        port=HttpSettings.port if options.port is None else options.port,
        token=options.token_file and read_token(options.token_file),
        allowed_hosts=options.allowed_host or (),
        insecure=options.insecure,
    )
    check(settings)
    serve_http(service, settings)
