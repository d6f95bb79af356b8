"""Contexts that look like the right one and hold no answer: what retrieval would wrongly return."""

from collections.abc import Callable, Sequence

import numpy as np

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
    questions = list(dict.fromkeys(one.question for one in examples))
    told(f"{len(contexts):,} contexts and {len(questions):,} questions are embedded")
    passages = embedder.encode_passages(contexts)
    asked = embedder.encode_queries(questions)
    row_of = {question: row for row, question in enumerate(questions)}
    found: dict[str, list[str]] = {}
    for example in examples:
        cosines = passages @ asked[row_of[example.question]]
        nearest = np.argsort(-cosines)[:_NEAREST]
        accepted = [fold(example.context[start:end]) for start, end in example.answers]
        wrong = (
            contexts[row]
            for row in nearest.tolist()
            if contexts[row] != example.context and not any(a in contexts[row] for a in accepted)
        )
        found[example.id] = [context for context, _ in zip(wrong, range(_KEPT), strict=False)]
    return found
