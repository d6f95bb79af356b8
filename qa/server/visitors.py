"""Who asks, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qa.server.settings import ServerSettings

Role = Literal["reader", "administrator"]


@dataclass(frozen=True)
class Visitor:
    """Whoever sent a request; the name is empty where nobody signs in."""

    name: str = ""
    role: Role = "reader"

    @property
    def may_change(self) -> bool:
        """Whether they may change the documents."""
        return self.role == "administrator"


def visitor_of(scope: Mapping[str, Any], settings: ServerSettings) -> Visitor:
    """Return who sent the request of an ASGI scope, as the login left it there."""
    visitor = scope.get("state", {}).get("visitor")
    if isinstance(visitor, Visitor):
        return visitor
    # Where people sign in, whoever has not may at most read.
    is_open = settings.allow_upload and not settings.needs_login
    return Visitor(role="administrator" if is_open else "reader")
