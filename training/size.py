"""How much of the model is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Which layers are trained.

    Attributes:
        frozen: how many of the lowest are not, nor are the embeddings of tokens.
    """

    frozen: int = 2


WINDOW = 160
"""Tokens of a window, as the product reads."""
