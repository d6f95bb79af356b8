"""A question about several places → one question for each.

"烏海和鄂爾多斯的治理成效" asks for two facts that stand in two passages. Neither passage says all
that was asked, so each fact is looked for by itself.
"""

import re

from index import fold, place_names, translations

_JOINT = r"\s*(?:和|与|跟|及|以及|同|、|,|\band\b|\bvs\b\.?|\bor\b|还是|或)\s*"


def named_places(question: str) -> dict[str, frozenset[str]]:
    """Return the places a question names, as typed and folded, each with its names in a passage."""
    chinese = {place: frozenset({place}) for place in place_names(question)}
    english = {one.typed: one.alternatives for one in translations(question) if one.is_place}
    return chinese | english


def facets(question: str) -> list[str]:
    """Return the question once for each place it names, without the other places.

    A question that names fewer than two is returned as it is.
    """
    folded = fold(question)
    places = list(named_places(question))
    if len(places) < 2:
        return [question]
    return [_without(question, folded, [p for p in places if p != own]) for own in places]


def _without(question: str, folded: str, places: list[str]) -> str:
    """Cut places out, each with the word that joins it; folding keeps offsets, so they fit both."""
    for place in places:
        # Ordos, and Ordos's, but not in a longer word
        name = rf"\b{re.escape(place)}(?:'s)?\b" if place.isascii() else re.escape(place)
        match = re.search(f"{_JOINT}{name}|{name}{_JOINT}|{name}", folded)
        if match:
            question = question[: match.start()] + question[match.end() :]
            folded = folded[: match.start()] + folded[match.end() :]
    return question
