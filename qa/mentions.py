"""Whether a passage speaks of the name that a follow-up put into the question before it.

Nothing of 那上海呢 is new but the name. A passage that fits all the rest and speaks of another city
answers the question before: quoted again, it would be taken for what is said of Shanghai.
"""

import re
from collections.abc import Sequence

from index import fold, translations
from qa.entities import NAMES, Entity, entities

_HELD = NAMES | {"word"}
_KIND_OF_PLACE = re.compile("(?<=..)(?:自治[区州县旗]|地区|[市县区旗盟州省镇乡村国])$")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def names_put_in(question: str, completed: str) -> list[str]:
    """Return the names of a follow-up that stand in what it was completed to: 烏海 of 烏海市.

    Args:
        question: as it was asked; one that can stand alone put nothing in.
        completed: what was searched for.
    """
    searched = fold(completed)
    if fold(question) == searched:
        return []
    named = (one for one in entities(question) if one.kind in _HELD and fold(one.text) in searched)
    return [_stem(one) for one in named]


def _stem(one: Entity) -> str:
    """Return a name, a place's without what kind of place it is."""
    shorter = _KIND_OF_PLACE.sub("", fold(one.text)) if one.kind == "place" else one.text
    return one.text[: len(shorter)]


def speaks_of(text: str, names: Sequence[str]) -> bool:
    """Return whether a text holds any of the names, or may in another language; so without names.

    Args:
        text: folded, with what stands above it.
        names: in Chinese or English. What may stand there in a form that no dictionary knows is
            taken to be there.
    """
    return not names or any(_holds(text, fold(name)) for name in names)


def _holds(text: str, name: str) -> bool:
    if name in text:
        return True
    is_chinese = bool(_HAN.search(text))
    if _HAN.search(name):  # an English text has it in no form that could be looked for
        return not is_chinese
    found = [one for one in translations(name) if any(map(_HAN.search, one.alternatives))]
    return is_chinese and all(one.stands_in(text) for one in found)
