"""What all doors of one server share."""

from dataclasses import dataclass

from qa.server.settings import ServerSettings


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings
