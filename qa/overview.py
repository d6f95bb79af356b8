"""What an index holds, in numbers: the facts of the "about the index" tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from index import DocumentInfo, Index, IndexInfo, IndexSize


@dataclass(frozen=True)
class Overview:
    """One generation in numbers.

    Attributes:
        info: what the index says of itself.
        size: what was counted.
        documents: every document, by path.
    """

    info: IndexInfo
    size: IndexSize
    documents: Sequence[DocumentInfo]

    @cached_property
    def by_size(self) -> Sequence[DocumentInfo]:
        """The documents with the most passages first, those of one size by path."""
        return sorted(self.documents, key=lambda one: (-one.passages, one.path))

    @cached_property
    def titles(self) -> dict[str, str]:
        """The title of each document, by its id."""
        return {one.id: one.title for one in self.documents}


@dataclass(frozen=True)
class PassageShares:
    """How the passages are spread over the documents.

    Attributes:
        largest: the documents with the most passages, largest first.
        other_documents: how many documents are not among these.
        other_passages: how many passages those have together.
    """

    largest: Sequence[DocumentInfo]
    other_documents: int
    other_passages: int


def overview_of(index: Index) -> Overview:
    """Return the numbers of the generation that is open; reads every text once."""
    opened = index.snapshot()
    return Overview(opened.info, opened.size(), tuple(opened.documents()))


def passage_shares(overview: Overview, most: int) -> PassageShares:
    """Return the documents with the most passages, and what all others have together."""
    largest, others = overview.by_size[:most], overview.by_size[most:]
    return PassageShares(largest, len(others), sum(one.passages for one in others))


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each of some bins.

    Attributes:
        edges: where the bins begin, and where the last one ends.
        counts: how many values are in each; a value on an edge is in the bin that begins there,
            and the last bin has its end too.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def histogram(values: npt.ArrayLike, *, low: float, high: float, bins: int) -> Histogram:
    """Count values in bins of equal width; what lies outside is counted in the outermost ones."""
    edges = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(np.clip(np.asarray(values, np.float64), low, high), edges)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()))
