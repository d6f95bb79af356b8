"""What all doors of one server share."""

from dataclasses import dataclass
from functools import cached_property

from qa.once import OncePerGeneration
from qa.overview import Overview, overview_of
from qa.passage_map import PassageMap, draw_map
from qa.server.scores import ConfidenceStore
from qa.server.settings import ServerSettings


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings

    @cached_property
    def overviews(self) -> OncePerGeneration[Overview]:
        """What the index holds, in numbers."""
        return OncePerGeneration(overview_of)

    @cached_property
    def maps(self) -> OncePerGeneration[PassageMap]:
        """The passages of the index on a plane."""
        return OncePerGeneration(draw_map)

    @cached_property
    def confidences(self) -> ConfidenceStore:
        """How confident the answers have been."""
        return ConfidenceStore(self.settings.data_dir / "confidences.sqlite")
