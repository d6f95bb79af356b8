"""``python app.py``: the chat page and the doors for programs, served on this machine."""

import argparse
import ipaddress
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from index import ServerSettingError, YinzhengError, default_data_dir, telling_fallbacks
from page import build_server
from qa.server.running import serve
from qa.server.settings import ServerSettings

_FAILED, _BAD_USE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until it is stopped; return the exit status.

    0 stopped, 2 bad use, 1 failure.
    """
    settings = _settings(_parser().parse_args(arguments))
    try:
        with telling_fallbacks(_tell):
            serve(settings, build_server, tell=_tell, announce=_announce)
    except ServerSettingError as error:
        _tell(str(error))
        return _BAD_USE
    except (YinzhengError, OSError) as error:
        _tell(str(error))
        return _FAILED
    except KeyboardInterrupt:  # before it served anything
        return 0
    return 0


def _tell(text: str) -> None:
    print(f"yinzheng: {text}", file=sys.stderr, flush=True)


def _announce(address: str) -> None:
    print(f"Yinzheng: {address}", flush=True)


def _settings(options: argparse.Namespace) -> ServerSettings:
    return ServerSettings(
        index=options.index,
        data_dir=options.data or default_data_dir(),
        host=options.host,
        port=options.port,
        allow_upload=options.allow_upload,
        users_file=options.auth,
        token_file=options.token_file,
        allowed_hosts=tuple(options.allowed_host),
        insecure=options.insecure,
        log_questions=options.log_questions,
        session_hours=options.session_hours,
        behind_proxy=tuple(options.behind_proxy or ()),
        root_path=options.root_path,
        keep_log=not options.no_log_file,
        log_file=options.log_file,
        reads_phrases=not options.no_reader,
        requests_per_second=options.requests_per_second,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yinzheng", description="Ask your documents in a page, and from programs."
    )
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME (default: YINZHENG_INDEX, else a folder in "
        "your user data; made from the bundled report on first use)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder for what visitors leave: uploads, feedback, sessions, logs "
        "(default: YINZHENG_DATA, else a folder in your user data)",
    )
    parser.add_argument(
        "--allow-upload",
        action="store_true",
        help="let everybody change the documents, where nobody signs in; "
        "where people sign in, administrators always may",
    )
    parser.add_argument(
        "--no-reader",
        action="store_true",
        help="choose quotes without reading for the phrase in them that answers",
    )
    _add_network_options(parser)
    _add_login_options(parser)
    _add_log_options(parser)
    return parser


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine only)",
    )
    group.add_argument("--port", type=_port, default=7860, help="port (default 7860)")
    group.add_argument(
        "--allowed-host",
        type=_host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="another name by which readers call this server, with :PORT if it is neither "
        "80 nor 443; may be repeated",
    )
    group.add_argument(
        "--behind-proxy",
        type=_network,
        nargs="*",
        metavar="ADDRESS",
        help="believe the X-Forwarded- headers of a proxy at these addresses or networks",
    )
    group.add_argument(
        "--root-path",
        type=_root_path,
        default="",
        metavar="PATH",
        help="path under which the proxy serves this server, such as /kb",
    )
    group.add_argument(
        "--requests-per-second",
        type=_number,
        default=50.0,
        metavar="N",
        help="what one visitor may ask for in the long run (default 50; 0: no limit)",
    )


def _add_login_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who may come in")
    group.add_argument(
        "--auth",
        type=Path,
        metavar="USERS_FILE",
        help="let only these people in; made with: python -m qa users add FILE NAME",
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="let programs in with a token; made with: python -m qa users token FILE NAME",
    )
    group.add_argument(
        "--session-hours",
        type=_hours,
        default=12.0,
        metavar="N",
        help="hours without a request after which people sign in again (default 12)",
    )
    group.add_argument(
        "--insecure",
        action="store_true",
        help="let everybody in who can reach the server, also from other machines",
    )


def _add_log_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log")
    group.add_argument(
        "--log-file",
        type=Path,
        metavar="FILE",
        help="where requests are logged (default: logs/requests.jsonl in the data folder)",
    )
    group.add_argument("--no-log-file", action="store_true", help="log failures to stderr only")
    group.add_argument(
        "--log-questions", action="store_true", help="write the questions to the log as well"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number: give one like 12 or 0.5")
    return float(text)


def _hours(text: str) -> float:
    if not 0 < _number(text) <= 8760:
        raise argparse.ArgumentTypeError(f"{text!r} hours: give more than 0 and at most 8760")
    return _number(text)


def _host_name(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name: give one like kb.example.org")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an address or network: give one like 127.0.0.1 or 172.16.0.0/12"
        ) from error


def _root_path(text: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path: give one like /kb")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
