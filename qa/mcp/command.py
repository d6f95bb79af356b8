"""``python -m qa mcp``: serve the index to programs that speak the Model Context Protocol."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from index import SettingError, YinzhengError
from qa.server.settings import ServerSettings

_DONE, _FAILED, _BAD_USE = 0, 1, 2
_OLDEST = 2
_PORT = 7861
_INSTALL = "Install it: pip install 'yinzheng[mcp]'"
_OF_HTTP = ("host", "port", "token_file", "allowed_host", "insecure", "log_file")


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
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME (default: as for asking a question)",
    )
    parser.add_argument(
        "--transport",
        choices=("stdio", "http"),
        default="stdio",
        help="stdio: for the client that starts the server (default); http: streamable HTTP",
    )
    parser.add_argument(
        "--no-reader",
        action="store_true",
        help="choose quotes without reading for the phrase in them that answers",
    )
    http = parser.add_argument_group("with --transport http")
    http.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    http.add_argument("--port", type=_port, help="port (default 7861; 0: any free one)")
    http.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="let in only who shows a token; made with: python -m qa users token FILE NAME",
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
    http.add_argument(
        "--log-file",
        type=Path,
        metavar="FILE",
        help="log requests here, one line of JSON each, without what was asked",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _serve(options: argparse.Namespace) -> None:
    from qa.mcp.service import Service

    service = Service(_settings(options))
    if options.index is not None:
        service.answering.open_index()  # say now, not at the first question, that there is none
    if options.transport == "stdio":
        from qa.mcp.stdio import serve_stdio

        serve_stdio(service)
        return
    from qa.mcp.http import serve_http

    serve_http(service)


def _settings(options: argparse.Namespace) -> ServerSettings:
    return ServerSettings(
        index=options.index,
        host=options.host or ServerSettings.host,
        port=_PORT if options.port is None else options.port,
        token_file=options.token_file,
        allowed_hosts=tuple(options.allowed_host or ()),
        insecure=options.insecure,
        keep_log=options.log_file is not None,
        log_file=options.log_file,
        reads_phrases=not options.no_reader,
    )
