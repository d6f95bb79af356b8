"""Puts what a follow-up names into the question before it, in place of what stands for the same.

A name takes the place of a name, a time that of a time; "the area" takes the place of "the
population". All rules look at folded text, whose offsets are those of the question.
"""

import re

from index import fold, words
from qa.entities import NAMES, Entity, Kind, joined
from qa.language import language_of
from qa.topics import ASKING, subject_of, topic_place

# Where names of a kind may go, the best first; a quoted term stands for no place.
_GIVES_WAY: dict[Kind, tuple[Kind, ...]] = {
    "place": ("place", "organisation", "name", "person", "word"),
    "person": ("person", "name", "word", "organisation", "place"),
    "organisation": ("organisation", "place", "name", "person", "word"),
    "term": ("term", "name", "word"),
    "name": ("name", "person", "organisation", "place", "term", "word"),
    "word": ("person", "name", "organisation", "place", "term", "word"),
    "noun": ("term", "word"),
    "time": ("time",),
    "number": ("number",),
}
_OF = re.compile(
    r"\b(?:the|its|their|a|an)\s+((?:[\w-]+\s+){0,4}?[\w-]+)(?=\s+(?:of|in|for|at)\b)", re.ASCII
)
_POSSESSED = re.compile(r"(?<=[a-z]['’]s )((?:[\w-]+\s+){0,4}?[\w-]+)(?=\s*\?|\s*$)", re.ASCII)
_ENDS_NOUN = frozenset(
    re.findall(r"\S+", "的 了 着 过 在 和 与 跟 及 对 把 被 是 有 为 从 向 于 由 将 等")
)
_MARKS = "?？。.!！ "


def put_name(last: str, name: Entity) -> str:
    """Return the question with another name, time or number in it."""
    slot = _slot(last, name.kind)
    if slot is not None:
        return last[: slot.start] + _fitting(name.text, slot.text) + last[slot.end :]
    return _inserted(last, name)


def _slot(last: str, kind: Kind) -> Entity | None:
    """Return what in a question gives way to a name of a kind, if anything."""
    same = next((one for one in joined(last) if one.kind == kind), None)
    if kind in ("time", "number") or (same is not None and kind not in ("word", "noun")):
        return same
    subject = subject_of(last) if language_of(last) != "en" else None
    if subject is None:
        return slot_for(last, kind)
    # 治理模式是什么 asks of 包头 for its 治理模式; 盾柱木 is one thing, 软枝黄蝉 another.
    is_narrowed = kind == "place" and subject.kind in ("noun", "term")
    return None if is_narrowed else subject


def slot_for(last: str, kind: Kind) -> Entity | None:
    """Return the first thing named that a name of a kind can replace, the likeliest kind first."""
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
    """Return a name as its slot has it: 2021 for 2020年 as 2021年, a term in the same marks."""
    if name.isdigit() and replaced.endswith("年"):
        return f"{name}年"
    if fold(replaced[0]) in '"《〈' and fold(name[0]) not in '"《〈':
        return f"{replaced[0]}{name}{replaced[-1]}"
    return name


def _inserted(last: str, name: Entity) -> str:
    """Return the question narrowed to a name, where there is none to give way."""
    if language_of(last) == "en":
        joint = "in " if name.kind in ("time", "place") else "for "
        return f"{last.rstrip(_MARKS)} {joint}{name.text}?"
    if name.kind == "time":
        year = f"{name.text}年" if name.text.isdigit() else name.text
        return f"{year}{last}"
    subject = subject_of(last)
    if subject is None or name.kind == "number":
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
    found = with_same_end(last, topic) or _topic_place(last)
    if found is not None:
        start, end = found
        return last[:start] + topic + last[end:]
    return _asked_of_name(last, topic, predicate)


def with_same_end(last: str, topic: str) -> tuple[int, int] | None:
    """Return where a noun stands that ends like the topic: 電子證照事項量 for 全程網辦事項量."""
    folded, end_of = fold(last), fold(topic)
    for length in range(len(end_of) - 1, 1, -1):
        at = folded.find(end_of[-length:])
        if at >= 0 and not end_of[-length:].isascii():
            most = 2 * (len(end_of) - length)
            return _begin_of_noun(last, at, most), at + length
    return None


def _begin_of_noun(last: str, at: int, most: int) -> int:
    """Return where a noun begins whose end begins at ``at``, at most so far before it."""
    sure = [one for one in joined(last) if one.kind not in ("word", "number")]
    names_end = max((one.end for one in sure if one.end <= at), default=0)
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


def _topic_place(last: str) -> tuple[int, int] | None:
    if language_of(last) != "en":
        return topic_place(last)
    match = _OF.search(fold(last)) or _POSSESSED.search(fold(last))
    return match.span(1) if match else None


def _asked_of_name(last: str, topic: str, predicate: str) -> str | None:
    """Return a question for a topic of what the last one is about."""
    is_english = language_of(last) == "en"
    subject = None if is_english else subject_of(last)
    name = subject or next((one for one in joined(last) if one.kind in NAMES), None)
    if name is None:
        return None
    if is_english and topic.isascii():
        return f"What is the {topic} of {name.text}?"
    return f"{name.text}的{topic}{predicate}？"
