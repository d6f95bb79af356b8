"""How much of the model is trained, and how much of what it has learnt is kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What a reader consists of beside the model.

    Attributes:
        frozen: the lowest layers, which are not trained, nor are the embeddings of tokens.
        rank: of what is kept of each matrix's changes.
    """

    frozen: int = 2
    rank: int = 56
