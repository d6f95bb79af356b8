"""What all doors of one server share."""

from dataclasses import dataclass
from functools import cached_property

from qa.feedback import FEEDBACK_FILE, FeedbackStore
from qa.once import OncePerGeneration
from qa.overview import Overview, overview_of
from qa.passage_map import PassageMap, draw_map
from qa.server.answering import Answering
from qa.server.changes import ChangeDesk
from qa.server.library import Library
from qa.server.metrics import Metrics
from qa.server.scores import ConfidenceStore
from qa.server.settings import ServerSettings
from qa.server.uploads import UploadStore


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings

    @cached_property
    def metrics(self) -> Metrics:
        """What is counted."""
        return Metrics()

    @cached_property
    def answering(self) -> Answering:
        """The one way to ask."""
        answering = Answering(self.settings, self.metrics, self.confidences)
        self.metrics.watch(
            running=lambda: answering.running,
            waiting=lambda: answering.waiting,
            index=answering.open_index,
        )
        return answering

    @cached_property
    def feedback(self) -> FeedbackStore:
        """What readers think of answers."""
        return FeedbackStore(self.settings.data_dir / FEEDBACK_FILE, index=self.settings.index)

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
