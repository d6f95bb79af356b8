"""Whose token a program shows; wrong ones make the next unknown one from there wait."""

from qa.server.attempts import Attempts
from qa.server.credentials import Credential, CredentialsFile

_MOST_KNOWN = 10_000


class Tokens:
    """The tokens of one server.

    A token that was right before from an address is always looked at: what a misconfigured or
    hostile program does there makes none wait that works.

    Args:
        file: the tokens.
        attempts: counts the wrong ones.
    """

    def __init__(self, file: CredentialsFile, attempts: Attempts | None = None) -> None:
        self._file = file
        self._attempts = attempts or Attempts()
        self._known: set[tuple[str, str]] = set()

    def holder(self, token: str, address: str) -> Credential | None:
        """Return whose token this is; None when it is nobody's, or has to wait.

        Args:
            token: as shown.
            address: of the sender.

        Raises:
            UsersFileError: the file has become unreadable: then nobody comes in.
        """
        found = self._file.holder(token)
        if found is not None and (address, found.fingerprint) in self._known:
            return found
        if self.wait(address) > 0:
            return None
        if found is None:
            self._attempts.failed("", address, browser=address)
            return None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add((address, found.fingerprint))
        return found

    def wait(self, address: str) -> float:
        """Return for how many seconds no token that is new from an address is looked at."""
        # Counted by address alone: nobody's name is tried.
        return self._attempts.wait("", address, browser=address)
