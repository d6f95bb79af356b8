"""``python -m qa users``: who may sign in to the server, and which tokens programs have."""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from index import UsersFileError, YinzhengError
from qa.server.credentials import (
    Credential,
    Kind,
    a_name,
    digest_of,
    new_token,
    others_may_read,
    read_credentials,
    write_credentials,
)
from qa.server.passwords import LEAST_CHARACTERS, MOST_BYTES, hash_of
from qa.server.visitors import Role

_DONE, _FAILED = 0, 1


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status: 0 done, 2 bad use, 1 failure."""
    parsed = _parser().parse_args(arguments)
    umask = os.umask(0o077)  # what is written is for its owner alone
    try:
        _ACTIONS[parsed.action](parsed)
        if others_may_read(parsed.file):
            _warn(f"{parsed.file} can be read by every user of this machine: chmod 600 it")
    except YinzhengError as error:
        _warn(str(error))
        return _FAILED
    except OSError as error:
        _warn(f"{error}. Check the path, its permissions and the disk.")
        return _FAILED
    finally:
        os.umask(umask)
    return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qa users",
        description="Keep the files of users (app.py --auth) and tokens (app.py --token-file). "
        "A running server takes over every change at once.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in _HELP.items():
        one = actions.add_parser(action, help=text, description=text)
        one.add_argument("file", metavar="FILE", type=Path)
        if action != "list":
            one.add_argument("name", metavar="NAME")
        if action in {"add", "token"}:
            one.add_argument(
                "--administrator",
                action="store_true",
                help="may change the documents; without it: may read and ask",
            )
    return parser


def _add(parsed: argparse.Namespace) -> None:
    people = _read(parsed.file, "users")
    name = a_name(parsed.name)
    if name in people:
        raise UsersFileError(f"{name} is there already. Change the password with: passwd")
    people[name] = Credential(name, _role(parsed), hash_of(_password()))
    _write(parsed.file, people, "users")
    print(f"{name} may sign in as {people[name].role}.")


def _passwd(parsed: argparse.Namespace) -> None:
    people = _read(parsed.file, "users")
    old = _named(people, parsed)
    people[old.name] = Credential(old.name, old.role, hash_of(_password()))
    _write(parsed.file, people, "users")
    print(f"{old.name} has a new password; sessions begun with the old one have ended.")


def _remove(parsed: argparse.Namespace) -> None:
    people, kind = _read_any(parsed.file)
    name = _named(people, parsed).name
    del people[name]
    _write(parsed.file, people, kind)
    print(f"{name} is removed, and may no longer come in.")


def _list(parsed: argparse.Namespace) -> None:
    people, _ = _read_any(parsed.file)
    for one in people.values():
        print(f"{one.name}\t{one.role}")


def _token(parsed: argparse.Namespace) -> None:
    people = _read(parsed.file, "tokens")
    name, token = a_name(parsed.name), new_token()
    if name in people:
        raise UsersFileError(f"{name} has a token already. Remove it first, or take another name.")
    people[name] = Credential(name, _role(parsed), digest_of(token))
    _write(parsed.file, people, "tokens")
    _warn("this token is shown once, and kept nowhere. Programs send: Authorization: Bearer TOKEN")
    print(token)


_ACTIONS = {"add": _add, "passwd": _passwd, "remove": _remove, "list": _list, "token": _token}
_HELP = {
    "add": "let somebody sign in; asks for a password, or reads it from standard input",
    "passwd": "give somebody a new password",
    "remove": "let somebody, or a program, in no longer",
    "list": "show who may come in",
    "token": "make a token for a program, and print it once",
}


def _read(path: Path, kind: Kind) -> dict[str, Credential]:
    return read_credentials(path, kind) if path.exists() else {}


def _read_any(path: Path) -> tuple[dict[str, Credential], Kind]:
    with contextlib.suppress(UsersFileError):
        return read_credentials(path, "tokens"), "tokens"
    return read_credentials(path, "users"), "users"


def _write(path: Path, people: dict[str, Credential], kind: Kind) -> None:
    write_credentials(path, people, kind)


def _named(people: dict[str, Credential], parsed: argparse.Namespace) -> Credential:
    name = a_name(parsed.name)
    if name not in people:
        raise UsersFileError(f"{name} is not in {parsed.file}. See who is with: list")
    return people[name]


def _role(parsed: argparse.Namespace) -> Role:
    return "administrator" if parsed.administrator else "reader"


def _password() -> str:
    """Ask twice, or read a line where nobody types.

    Raises:
        UsersFileError: it is too short, too long, or not twice the same.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != password:
            raise UsersFileError("The two passwords differ. Try again.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < LEAST_CHARACTERS or len(password.encode()) > MOST_BYTES:
        raise UsersFileError(
            f"A password has at least {LEAST_CHARACTERS} characters and at most {MOST_BYTES:,} "
            "bytes. Choose another one."
        )
    return password


def _warn(text: str) -> None:
    print(f"qa: {text}", file=sys.stderr)
