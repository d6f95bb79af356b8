"""Passwords: hashed slowly, compared in the same time whether a name is known or not."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MOST_BYTES = 1024
LEAST_CHARACTERS = 8


def hash_of(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _hasher().hash(password)


def is_right(password: str, stored: str | None) -> bool:
    """Whether a password is the one of a hash; None, of an unknown name, takes as long."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return _hasher().verify(stored or _nobodys(), password) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()  # the low-memory choice of RFC 9106: 64 MiB, three passes


@lru_cache(maxsize=1)
def _nobodys() -> str:
    from qa.server.credentials import new_token

    return _hasher().hash(new_token())
