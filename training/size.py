"""How large the additions to the model are that a reader is trained with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How much is added.

    Attributes:
        rank: of what is added to queries, keys, values, and behind attention.
        neurons: of what stands beside the feed-forward part.
    """

    rank: int = 16
    neurons: int = 128
