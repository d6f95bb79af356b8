"""What all doors of one server share."""

from dataclasses import dataclass
from functools import cached_property

from qa.feedback import FEEDBACK_FILE, FeedbackStore
from qa.server.settings import ServerSettings


@dataclass(frozen=True)
class Services:
    """One index, and what is kept beside it."""

    settings: ServerSettings

    @cached_property
    def feedback(self) -> FeedbackStore:
        """What readers think of answers."""
        return FeedbackStore(self.settings.data_dir / FEEDBACK_FILE, index=self.settings.index)
