"""What all doors of one server share."""

from dataclasses import dataclass
from functools import cached_property

from qa.server.changes import ChangeDesk
from qa.server.library import Library
from qa.server.settings import ServerSettings
from qa.server.uploads import UploadStore


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings

    @cached_property
    def uploads(self) -> UploadStore:
        """The uploaded files."""
        return UploadStore(self.settings)

    @cached_property
    def changes(self) -> ChangeDesk:
        """The changes of the index: one at a time, so also one desk."""
        return ChangeDesk(self.settings, self.uploads)

    @cached_property
    def library(self) -> Library:
        """The list of documents."""
        return Library(self.settings, self.uploads)

    def close(self) -> None:
        """End what runs beside the server."""
        self.changes.close()
