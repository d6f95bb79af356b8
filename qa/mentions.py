"""Whether a passage speaks of the name that a follow-up put into the question before it.

Nothing of 那上海呢 is new but the name. A passage that fits all the rest and speaks of another city
answers the question before: quoted again, it would be taken for what is said of Shanghai.
"""

import re
from collections.abc import Sequence

from index import fold, translations
from qa.entities import NAMES, entities

_HELD = NAMES | {"word"}
_KIND_OF_PLACE = re.compile("(?<=..)(?:自治[区州县旗]|地区|[市县区旗盟州省镇乡村国])$")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def names_put_in(question: str, completed: str) -> list[str]:
    """Return the names of a follow-up that stand in what it was completed to.

    Args:
        question: as it was asked; one that can stand alone put nothing in.
        completed: what was searched for.
    """
    searched = fold(completed)
    if fold(question) == searched:
        return []
    named = (one.text for one in entities(question) if one.kind in _HELD)
    return [name for name in named if fold(name) in searched]


def speaks_of(text: str, names: Sequence[str]) -> bool:
    """Return whether a text holds any of the names, or may in another language; so without names.

    Args:
        text: folded, with what stands above it.
        names: in Chinese or English.
    """
    return not names or any(_holds(text, fold(name)) for name in names)


def _holds(text: str, name: str) -> bool:
    if _HAN.search(name):
        # An English text has the name in no form that could be looked for.
        return _KIND_OF_PLACE.sub("", name) in text or not _HAN.search(text)
    found = [one for one in translations(name) if any(map(_HAN.search, one.alternatives))]
    if name in text or not found:
        return True
    return all(one.stands_in(text) for one in found)
