"""What all doors of one server share."""

from dataclasses import dataclass
from functools import cached_property

from qa.passage_map import PassageMaps
from qa.server.scores import ConfidenceStore
from qa.server.settings import ServerSettings


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings

    @cached_property
    def maps(self) -> PassageMaps:
        """The maps of passages that were drawn."""
        return PassageMaps()

    @cached_property
    def confidences(self) -> ConfidenceStore:
        """How confident the answers have been."""
        return ConfidenceStore(self.settings.data_dir / "confidences.sqlite")
