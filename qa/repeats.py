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
def with_repeats(index: Index, hits: Sequence[Hit], count: int) -> list[Hit]:
    """Return hits that name where else their words stand.

    Args:
        index: where they were found.
        hits: best first.
        count: how many of them, from the first, are to name other places.
    """
    named = hits[:count]
    keys = index.duplicate_keys([hit.passage.id for hit in named])
    others = defaultdict[bytes, list[int]](list)
    for key, passage_id in index.repeats(list(dict.fromkeys(keys))):
        others[key].append(passage_id)
    told = [
        _with_places(index, hit, [id_ for id_ in others[key] if id_ != hit.passage.id])
        for hit, key in zip(named, keys, strict=True)
    ]
    return [*told, *hits[count:]]


def _with_places(index: Index, hit: Hit, others: Sequence[int]) -> Hit:
    if not others:
        return hit
    passages = index.get_passages(others[:MOST_PLACES])
    places = [Place(index.document(one.document_id), one.start, one.end) for one in passages]
    return replace(hit, also_in=tuple(places), repeats=len(others))
