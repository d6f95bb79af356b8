"""Hits with the other places where the same words stand."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from index import Index
from qa.stages import staged
from qa.types import Hit, Place

MOST_PLACES = 20
"""Other places named with a hit; all are counted."""


@staged("repeats")
def with_repeats(index: Index, hits: Sequence[Hit]) -> list[Hit]:
    """Return hits that name where else their words stand."""
    keys = index.duplicate_keys([hit.passage.id for hit in hits])
    others = defaultdict[bytes, list[int]](list)
    for key, passage_id in index.repeats(list(dict.fromkeys(keys))):
        others[key].append(passage_id)
    return [
        _with_places(index, hit, [id_ for id_ in others[key] if id_ != hit.passage.id])
        for hit, key in zip(hits, keys, strict=True)
    ]


def _with_places(index: Index, hit: Hit, others: Sequence[int]) -> Hit:
    if not others:
        return hit
    passages = index.get_passages(others[:MOST_PLACES])
    places = [Place(index.document(one.document_id), one.start, one.end) for one in passages]
    return replace(hit, also_in=tuple(places), repeats=len(others))
