"""Where an index on a Milvus server is, and how one signs in there."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from index.errors import SettingError

SCHEME = "milvus://"
_PORT = 19530
_COLLECTION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_PREFIX = "YINZHENG_MILVUS_"
_SETTINGS = f"{_PREFIX}SETTINGS"
_SECTION = "milvus"
_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class MilvusAddress:
    """A server, and the name that all collections of the index begin with.

    Attributes:
        host: of the server.
        port: of its gRPC service.
        collection: the index's name.
    """

    host: str
    port: int
    collection: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.server}/{self.collection}"

    @property
    def server(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "MilvusAddress":
        """Return the address a text says.

        Raises:
            SettingError: it is none, or holds a password, which others could read.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise SettingError(f"{_EXAMPLE} The address given is none ({error}).") from error
        if parts.username is not None or parts.password is not None:
            raise SettingError(
                "The address of a Milvus server holds no user and no password: whoever lists the "
                f"processes of this machine could read them. Set {_PREFIX}USER and "
                f"{_PREFIX}PASSWORD, or {_PREFIX}TOKEN."
            )
        name = parts.path.strip("/")
        if parts.query or parts.fragment or not host or not _COLLECTION.fullmatch(name):
            raise SettingError(f"{text} is no index on a Milvus server. {_EXAMPLE}")
        return cls(host, port or _PORT, name)


_EXAMPLE = (
    "Give milvus://HOST:PORT/NAME, where NAME begins with a letter and has letters, digits and _."
)


@dataclass(frozen=True)
class Credentials:
    """How one signs in.

    Attributes:
        user: with the password.
        password: of the user.
        token: in place of both.
        tls: whether the connection is encrypted.
        ca: file of the authority that signed the server's certificate; empty = those known here.
    """

    user: str = ""
    password: str = ""
    token: str = ""
    tls: bool = False
    ca: str = ""

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, tls={self.tls})"

    def hidden_in(self, text: str) -> str:
        """Return a text without the secrets that it may hold."""
        for secret in (self.password, self.token):
            if secret:
                text = text.replace(secret, "…")
        return text


def credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return what the environment says, and where it does not, the settings file it names.

    ``YINZHENG_MILVUS_USER``, ``_PASSWORD``, ``_TOKEN``, ``_TLS`` and ``_CA``, or the same names in
    small letters in the section ``[milvus]`` of the file ``YINZHENG_MILVUS_SETTINGS``.

    Raises:
        SettingError: the file cannot be read, or TLS is neither on nor off.
    """
    held = _from_file(environment.get(_SETTINGS, "").strip())

    def setting(name: str) -> str:
        return environment.get(_PREFIX + name, "").strip() or held.get(name.lower(), "").strip()

    tls = setting("TLS").lower()
    if tls not in _YES | _NO:
        raise SettingError(f"{_PREFIX}TLS is {tls!r}. Set it to 1 or 0.")
    ca = setting("CA")
    return Credentials(
        setting("USER"), setting("PASSWORD"), setting("TOKEN"), tls in _YES or bool(ca), ca
    )


def _from_file(name: str) -> Mapping[str, str]:
    if not name:
        return {}
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(Path(name).expanduser().read_text(encoding="utf-8"))
        return dict(parser[_SECTION])
    except (OSError, ValueError, KeyError, configparser.Error) as error:
        reason = type(error).__name__ if isinstance(error, configparser.Error) else error
        raise SettingError(
            f"The settings file {name} that {_SETTINGS} names cannot be read ({reason}). It has a "
            f"line [{_SECTION}], and below it user = …, password = …, token = …, tls = …, ca = …"
        ) from error
