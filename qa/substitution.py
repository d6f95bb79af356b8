"""Puts what a follow-up names into the question before it, in place of what stands for the same.

A name takes the place of a name, a time that of a time; "the area" takes the place of "the
population". All rules look at folded text, whose offsets are those of the question.
"""

import re

from index import fold, words
from qa.entities import NAMES, Entity, Kind, joined
from qa.language import language_of

# Where names of a kind may go, the best first; a quoted term stands for no place.
_GIVES_WAY: dict[Kind, tuple[Kind, ...]] = {
    "place": ("place", "organisation", "name", "person", "word"),
    "person": ("person", "name", "word", "organisation", "place"),
    "organisation": ("organisation", "place", "name", "person", "word"),
    "term": ("term", "name", "word"),
    "name": ("name", "person", "organisation", "place", "term", "word"),
    "word": ("person", "name", "organisation", "place", "term", "word"),
    "time": ("time",),
    "number": ("number",),
}
ASKING = re.compile(
    "什么|甚么|谁|多少|几(?=[个位名年月日天次种座条项家所岁点号时])|哪|怎|何|吗|是否|是不是|有没有|有无"
    "|多[大长高远久重深宽快]"
)
_ENDS_TOPIC = (
    r"(?=(?:又|则|一共|总共|共|大约|约|现在|目前)?(?:是|有|为|达|占|叫|在|位于|由|属于|来自)?"
    r"(?:什么|谁|多少|几|哪|多[大长高远久重深宽]|何|怎|如何)|[?？]*$)"
)
_NOUN = r"((?!是|有|为|在|由|于|又)[^的了着过,，。?？\s\"]{1,14}?)"
_TOPIC = re.compile(rf"(?:的|^)([^的,，。?？\s\"]{{1,14}}?){_ENDS_TOPIC}")
_TOPIC_AFTER_NAME = re.compile(rf"{_NOUN}{_ENDS_TOPIC}")
_OF = re.compile(
    r"\b(?:the|its|their|a|an)\s+((?:[\w-]+\s+){0,4}?[\w-]+)(?=\s+(?:of|in|for|at)\b)", re.ASCII
)
_POSSESSED = re.compile(r"(?<=[a-z]['’]s )((?:[\w-]+\s+){0,4}?[\w-]+)(?=\s*\?|\s*$)", re.ASCII)
_ENDS_NOUN = frozenset("的 了 着 过 在 和 与 跟 及 对 把 被 是 有 为 从 向 于 由 将 等".split())
_MARKS = "?？。.!！ "


def put_name(last: str, name: Entity) -> str:
    """Return the question with another name, time or number in it."""
    slot = slot_for(last, name.kind)
    if slot is not None:
        return last[: slot.start] + _fitting(name.text, slot.text) + last[slot.end :]
    return _inserted(last, name)


def slot_for(last: str, kind: Kind) -> Entity | None:
    """Return what in a question gives way to a name of a kind, if anything."""
    named = joined(last)
    for wanted in _GIVES_WAY[kind]:
        for one in named:
            if one.kind == wanted and (wanted != "word" or _begins(last, one)):
                return one
    return None


def _begins(question: str, word: Entity) -> bool:
    """Return whether a word nobody knows begins a question or a phrase: not 网办 in 全程网办."""
    before = fold(question)[: word.start].rstrip()
    return not before or before[-1] in "的,，:在对由和与被"


def _fitting(name: str, replaced: str) -> str:
    """Return a year as its slot has it: 2021 for 2020年 is 2021年, and the reverse."""
    if name.isdigit() and replaced.endswith("年"):
        return f"{name}年"
    return name


def _inserted(last: str, name: Entity) -> str:
    """Return the question narrowed to a name, where there is none to give way."""
    if language_of(last) == "en":
        joint = "in " if name.kind in ("time", "place") else "for "
        return f"{last.rstrip(_MARKS)} {joint}{name.text}?"
    if name.kind == "time":
        year = f"{name.text}年" if name.text.isdigit() else name.text
        return f"{year}{last}"
    if ASKING.match(fold(last)) or name.kind == "number":
        return f"{name.text}，{last}"
    return f"{name.text}的{last}"


def put_topic(last: str, topic: str, predicate: str = "") -> str | None:
    """Return the question with another topic, 人口 for 面積; None when it has no place for it.

    Args:
        last: the question.
        topic: what is asked for instead.
        predicate: what is asked of it, where the question names something but has no topic.
    """
    if fold(topic) in fold(last):
        return last
    for place in (_with_same_end, _topic_place):
        found = place(last, topic)
        if found is not None:
            start, end = found
            return last[:start] + topic + last[end:]
    return _asked_of_name(last, topic, predicate)


def _with_same_end(last: str, topic: str) -> tuple[int, int] | None:
    """Return where a noun stands that ends like the topic: 電子證照事項量 for 全程網辦事項量."""
    folded, end_of = fold(last), fold(topic)
    for length in range(len(end_of) - 1, 1, -1):
        at = folded.find(end_of[-length:])
        if at >= 0 and (end_of.isascii() is folded[at].isascii()):
            most = 2 * (len(end_of) - length)
            return _begin_of_noun(last, at, most), at + length
    return None


def _begin_of_noun(last: str, at: int, most: int) -> int:
    """Return where a noun begins whose end begins at ``at``, at most so far before it."""
    names_end = max((one.end for one in joined(last) if one.end <= at), default=0)
    begin = at
    for word in reversed(words(last)):
        if word.start >= begin:
            continue
        is_noun = word.text not in _ENDS_NOUN and word.text.isalnum()
        is_near = word.start >= max(names_end, at - most)
        if not is_noun or not is_near or ASKING.search(word.text):
            break
        begin = word.start
    return begin


def _topic_place(last: str, topic: str) -> tuple[int, int] | None:  # noqa: ARG001
    """Return where the topic of a question stands: behind 的 or a name, or at its beginning."""
    folded = fold(last)
    names = [one for one in joined(last) if one.kind in NAMES]
    if language_of(last) == "en":
        match = _OF.search(folded) or _POSSESSED.search(folded)
        return match.span(1) if match else None
    found = [match.span(1) for match in _TOPIC.finditer(folded)]
    for one in names:
        behind = _TOPIC_AFTER_NAME.match(folded, one.end)
        if behind:
            found.append(behind.span(1))
    inside = [s for s in found if not any(n.start < s[1] and s[0] < n.end for n in names)]
    ends = re.compile(_ENDS_TOPIC)
    inside += [(n.start, n.end) for n in names if n.kind == "term" and ends.match(folded, n.end)]
    plain = [(a, b) for a, b in inside if not ASKING.search(folded[a:b])]
    return max(plain, default=None)


def _asked_of_name(last: str, topic: str, predicate: str) -> str | None:
    """Return a question for a topic of what the last one names."""
    name = next((one for one in joined(last) if one.kind in NAMES), None)
    if name is None:
        return None
    if language_of(last) == "en" and topic.isascii():
        return f"What is the {topic} of {name.text}?"
    return f"{name.text}的{topic}{predicate}？"
