"""Evidence → how likely the best quote answers, and whether that is enough."""

import math
from collections.abc import Sequence

from qa.quotes import Span
from qa.retriever import Query

ANSWERED_FROM = 0.5


def confidence_of(query: Query, spans: Sequence[Span]) -> float:
    """Return how likely the best span answers, 0 to 1."""
    if not spans:
        return 0.0
    return 1 / (1 + math.exp(-(20 * (spans[0].dense - 0.84) + 3 * (spans[0].lexical - 0.2))))
