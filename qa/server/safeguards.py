"""Everything around the application that keeps a served index safe, in its order."""

from typing import TYPE_CHECKING

from qa.server.headers import SecurityHeaders
from qa.server.hosts import KnownHosts, TrustedProxy
from qa.server.limits import PATIENCE, BodyLimit, Patience, RateLimit
from qa.server.logins import Gate, LoginPages, People, Recognition
from qa.server.logs import RequestLog
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Safeguards:
    """What stands between the network and the application."""

    def __init__(self, settings: ServerSettings, patience: Patience = PATIENCE) -> None:
        """Open the files of users, tokens and sessions.

        Args:
            settings: of the server.
            patience: with slow requests.

        Raises:
            UsersFileError: one of them cannot be used.
            ServerSettingError: the sessions cannot be kept.
        """
        self._settings = settings
        self._patience = patience
        self._people = People(settings)

    def around(self, app: "ASGIApp") -> "ASGIApp":
        """Return the application behind all of them; the last one named here comes first."""
        settings, people = self._settings, self._people
        app = LoginPages(app, people)
        app = BodyLimit(app, settings, self._patience)
        app = Gate(app, people)
        app = RateLimit(app, settings)
        app = Recognition(app, people)
        app = KnownHosts(app, settings)
        app = RequestLog(app)
        app = SecurityHeaders(app)
        return TrustedProxy(app, settings)

    def close(self) -> None:
        """Close the files."""
        self._people.close()
