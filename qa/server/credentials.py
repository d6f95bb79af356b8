"""The files that say who may come in: users with their passwords, programs with their tokens.

One line each, in UTF-8; empty lines and lines that begin with ``#`` say nothing::

    name:reader:$argon2id$v=19$m=65536,t=3,p=4$...      in a file of users
    name:administrator:<SHA-256 of a token, in hex>     in a file of tokens

No password and no token stands in them. ``python -m qa users`` writes them.
"""

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from index import UsersFileError, replace_text
from qa.server.visitors import Role

_logger = logging.getLogger("yinzheng")

Kind = Literal["users", "tokens"]
MOST_CHARACTERS = 64
_MOST_BYTES = 4 * 2**20
_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "users": re.compile(r"\$argon2id\$[A-Za-z0-9+/=,$]{20,300}"),
    "tokens": re.compile(r"[0-9a-f]{64}"),
}


@dataclass(frozen=True)
class Credential:
    """Somebody who may come in.

    Attributes:
        secret: the argon2 hash of the password, or the SHA-256 of the token.
    """

    name: str
    role: Role
    secret: str

    @property
    def fingerprint(self) -> str:
        """Changes whenever the password does, and tells nothing about it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


class CredentialsFile:
    """A file of users or tokens, read again whenever it was changed."""

    def __init__(self, path: Path, kind: Kind) -> None:
        """Read the file.

        Raises:
            UsersFileError: it cannot be read, or a line of it not be understood.
        """
        self._path = path
        self._kind: Kind = kind
        self._lock = threading.Lock()
        self._state: tuple[int, ...] = ()
        self._people: dict[str, Credential] = {}
        self.people()
        if others_may_read(path):
            _logger.warning(
                "%s can be read by every user of this machine. Forbid it: chmod 600 %s", path, path
            )

    def people(self) -> dict[str, Credential]:
        """Return who may come in now, by name.

        Raises:
            UsersFileError: the file has become unreadable: then nobody may.
        """
        with self._lock:
            state = _state_of(self._path)
            if state != self._state:
                self._people = read_credentials(self._path, self._kind)
                self._state = state
            return self._people

    def holder(self, token: str) -> Credential | None:
        """Return whose token this is."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        # All are compared, each in constant time: how long it takes tells nothing.
        matching = [
            one for one in self.people().values() if hmac.compare_digest(one.secret, digest)
        ]
        return matching[0] if matching else None


def read_credentials(path: Path, kind: Kind) -> dict[str, Credential]:
    """Read a file of users or tokens.

    Raises:
        UsersFileError: it cannot be read, or a line of it not be understood.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsersFileError(f"{path} has more than {_MOST_BYTES:,} bytes. Name another file.")
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsersFileError(
            f"{path} cannot be read: {error}. Make it with: python -m qa users"
        ) from error
    people: dict[str, Credential] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _parsed(line.strip(), kind)
        if found is None or found.name in people:
            # The line itself is not shown: it may hold a password put there by mistake.
            raise UsersFileError(
                f"{path}, line {number}: not name:role:hash, or a name for the second time. "
                "Repair the line with: python -m qa users"
            )
        people[found.name] = found
    return people


def write_credentials(path: Path, people: dict[str, Credential], kind: Kind) -> None:
    """Write a file of users or tokens, readable for its owner alone, or for whom it was."""
    shown = {"users": "argon2 hash of the password", "tokens": "SHA-256 of the token"}[kind]
    lines = [f"# name:role:{shown}", *(f"{p.name}:{p.role}:{p.secret}" for p in people.values())]
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat() if path.exists() else None
    replace_text(path, "\n".join(lines) + "\n")
    path.chmod(stat.S_IMODE(before.st_mode) if before else 0o600)
    if before and hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):  # only root may give a file away
            os.chown(path, before.st_uid, before.st_gid)


def a_name(text: str) -> str:
    """Return a name as it is compared.

    Raises:
        UsersFileError: it cannot be a name.
    """
    name = unicodedata.normalize("NFC", text.strip())
    bad = ":" in name or name.startswith("#") or not name.isprintable()
    if not name or bad or len(name) > MOST_CHARACTERS:
        raise UsersFileError(
            f"A name has 1 to {MOST_CHARACTERS} printable characters, no colon, and does not "
            "begin with #. Choose another one."
        )
    return name


def new_token() -> str:
    """Return a token nobody can guess."""
    return f"yz_{secrets.token_urlsafe(32)}"


def digest_of(token: str) -> str:
    """Return what a file keeps of a token: it has 256 bits of chance, so one hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def others_may_read(path: Path) -> bool:
    """Whether every user of the machine can read a file."""
    return os.name != "nt" and bool(path.stat().st_mode & stat.S_IROTH)


def _parsed(line: str, kind: Kind) -> Credential | None:
    name, _, rest = line.partition(":")
    role, _, secret = rest.partition(":")
    if role not in get_args(Role) or not _PATTERNS[kind].fullmatch(secret):
        return None
    try:
        return Credential(a_name(name), role, secret)  # type: ignore[arg-type]  # compared above
    except UsersFileError:
        return None


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError as error:
        raise UsersFileError(
            f"{path} cannot be read: {error}. Make it with: python -m qa users"
        ) from error
    return found.st_mtime_ns, found.st_size, found.st_ino
