"""Contexts that look like the right one and hold no answer: what retrieval would wrongly return."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from index import fold
from index.embedder import Embedder
from training.examples import Example

_NEAREST = 12
_KEPT = 5


def find_distractors(
    examples: Sequence[Example], embedder: Embedder, told: Callable[[str], None]
) -> dict[str, list[str]]:
    """Return for each example, by its id, the contexts nearest to its question that are wrong.

    Left out is what holds an accepted answer, wherever that comes from.

    Args:
        examples: whose contexts are looked among.
        embedder: the model retrieval uses.
        told: called with a line now and then.
    """
    contexts = list(dict.fromkeys(one.context for one in examples))
    told(f"{len(contexts):,} contexts and {len(examples):,} questions are embedded")
    found: dict[str, list[str]] = {}
    for example, cosines in zip(examples, _cosines(examples, contexts, embedder), strict=True):
        nearest = np.argsort(-cosines)[:_NEAREST]
        accepted = [fold(example.context[start:end]) for start, end in example.answers]
        wrong = (
            contexts[row]
            for row in nearest.tolist()
            if contexts[row] != example.context and not any(a in contexts[row] for a in accepted)
        )
        found[example.id] = [context for context, _ in zip(wrong, range(_KEPT), strict=False)]
    return found


def ranks(examples: Sequence[Example], embedder: Embedder) -> list[int]:
    """Return at which rank each question's own context is found among all of them, from 1."""
    contexts = list(dict.fromkeys(one.context for one in examples))
    row_of = {context: row for row, context in enumerate(contexts)}
    found = zip(examples, _cosines(examples, contexts, embedder), strict=True)
    return [int((one > one[row_of[example.context]]).sum()) + 1 for example, one in found]


def _cosines(
    examples: Sequence[Example], contexts: Sequence[str], embedder: Embedder
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield of each question its cosines to all contexts."""
    passages = embedder.encode_passages(contexts)
    asked = embedder.encode_queries([one.question for one in examples])
    for vector in asked:
        yield passages @ vector
