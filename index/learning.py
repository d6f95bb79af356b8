"""A product quantiser for an index that is built from nothing, learned before all is embedded.

What it learns from is a sample of all tokens, drawn as ``compress`` draws it. Where there are many,
the passages that hold the sample are embedded first, and all others go into codes at once: as int8
the tokens of a million passages of 120 characters would take 40 GB for a while, as codes they take
10.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.part_vectors import Learned, quantise, restore, sample_rows
from index.quantiser import train
from index.types import Span

if TYPE_CHECKING:
    from index.embedder import Embedder

IntArray = npt.NDArray[np.int64]

MOST_AS_INT8 = 1 << 22
"""Tokens up to which all are stored as int8 first: 1.6 GB at 384 dimensions."""


def learn_early(
    counts: Sequence[int],
    texts: Mapping[int, tuple[str, Sequence[Span]]],
    firsts: Mapping[int, int],
    embedder: "Embedder",
    told: Callable[[int], None],
) -> Learned:
    """Embed the passages that hold the sample, and learn from it.

    Args:
        counts: tokens of each passage; together more than a quantiser learns from.
        texts: the folded passages that are embedded, with their sentences, by row.
        firsts: of each other passage, the row that has the same text.
        embedder: keeps what it computes, so that it need not be computed again.
        told: called with how many passages are embedded.
    """
    bounds = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    wanted = sample_rows(int(bounds[-1]))
    of: IntArray = np.searchsorted(bounds, wanted, side="right") - 1
    inside = wanted - bounds[of]
    of = np.array([firsts.get(row, row) for row in of.tolist()], np.int64)
    sample = np.empty((len(wanted), embedder.dimension), np.float32)
    order = np.argsort(of, kind="stable")
    rows, starts = np.unique(of[order], return_index=True)
    places = np.split(order, starts[1:])
    # With their sentences, though none is learned from, so that what is kept is of use.
    chosen = [texts[row] for row in rows.tolist()]
    found = embedder.encode_passage_tokens(*map(list, zip(*chosen, strict=True)))
    for done, (at, encoded) in enumerate(found, start=1):
        # As they will be read back: the codes are those of what is stored as int8.
        mine = encoded.tokens.vectors[inside[places[at]]]
        sample[places[at]] = restore(*quantise(mine))
        told(done)
    return Learned(train(sample))
