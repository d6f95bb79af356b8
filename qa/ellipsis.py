"""A question that leaves out what the last one said, like 那包頭呢 or "and Wuhai"."""

import re
from dataclasses import dataclass

from index import fold, words
from qa.cores import LONGEST, MARKS, PRONOUN, core_chinese, core_english, lead_chinese
from qa.entities import NAMES, Entity, joined
from qa.language import language_of
from qa.substitution import put_name, put_topic, slot_for, with_same_end
from qa.topics import ASKING, ATTRIBUTE, is_unknown, subject_of, topic_place

_STRIP = "的在对从于和与、,， "
_MORE = re.compile(
    "(?:那|那么)?(?:还有|然后|接着|接下来|继续|更多|其他的?|别的|其它的?)"
    "(?:呢|吗|别的吗|其他的?吗|其它的?吗|其他的?呢|别的呢|哪些|什么|更多)?"
    r"|(?:and )?(?:what|anything|something|who|where) else|more|go on|continue|and then|and"
)
_WHY = re.compile(
    "(?:那|那么)?(?:是|又是)?(?P<zh>为什么|为何|何时|什么时候|哪年|哪一年|在哪里|在哪儿|哪里|谁|多少|怎么做到的"
    "|如何做到的|为什么会这样|什么原因)(?:呢)?"
    r"|(?:and |but |so )?(?P<en>why(?: is that| not)?|when|where|who|how|how so|how much|how many"
    r"|since when|by whom|by how much)"
)
_BESIDE = re.compile(
    r"\b(?:in|for|of|at|on|by|with|from|during|to|the|its|their|his|her|that|this|a|an|and|s|year|"
    r"there|it|them|then)\b|['’]s\b|[^\w\s%-]",
    re.ASCII,
)
_PARTED = re.compile(r"\b(?:of|in|for|at|on|by|with|from|during|to)\b|['’]s\b")
_HAN_PARTICLE = re.compile("^那|呢")  # Gtk呢？ is Chinese


@dataclass(frozen=True)
class _Left:
    """What is left of a follow-up without the words that only join it: names, and a topic."""

    names: tuple[Entity, ...]
    topic: str
    predicate: str = ""


def complete_ellipsis(question: str, last: str) -> str | None:
    """Return the question a follow-up stands for; None when it leaves nothing out.

    Args:
        question: as it was asked.
        last: the last complete question.
    """
    folded = fold(question).strip(MARKS)
    if not folded or len(folded) > 2 * LONGEST:
        return None
    if _MORE.fullmatch(folded):
        return last
    match = _WHY.fullmatch(folded)
    if match and not question.isupper():  # WHO is an organisation
        return _asked_also(last, match)
    left = _left_of(question, last)
    return None if left is None else _put(last, left)


def _asked_also(last: str, match: re.Match[str]) -> str:
    """Return the last question with another one, 为什么, behind it."""
    stem = last.rstrip(MARKS)
    if match["en"]:
        return f"{stem}, and {match['en']}?"
    return f"{stem}，{match['zh']}？"


def _put(last: str, left: _Left) -> str | None:
    completed: str | None = last
    for name in left.names:
        completed = put_name(completed or last, name)
    if not left.topic:
        return completed
    return put_topic(completed or last, left.topic, left.predicate)


def _left_of(question: str, last: str) -> _Left | None:
    if language_of(question) == "en" and not _HAN_PARTICLE.search(fold(question)):
        span = core_english(question)
        return span and _left_english(question, *span)
    found = core_chinese(question, last)
    if found is None:
        return None
    (start, end), predicate = found
    core = question[start:end].strip(_STRIP)
    names, topic = _split(PRONOUN.sub("", core) if PRONOUN.match(fold(core)) else core, last)
    return _Left(tuple(names), topic, predicate)


def _left_english(question: str, start: int, end: int) -> _Left:
    names = [one for one in joined(question) if start <= one.start and one.end <= end]
    topic = question[start:end]
    if names and names[0].start == start and not _PARTED.search(fold(topic)):
        return _Left((Entity(topic, start, end, names[0].kind),), "")  # Amazon rainforest
    for name in reversed(names):
        topic = f"{topic[: name.start - start]} {topic[name.end - start :]}"
    return _Left(tuple(names), " ".join(_BESIDE.sub(" ", topic).split()))


def _split(core: str, last: str) -> tuple[list[Entity], str]:
    """Return the names in the core of a Chinese follow-up, and the topic beside them."""
    head, of, topic = core.rpartition("的")
    if of:
        return _names_of(head.strip(_STRIP)), topic
    named = joined(core)
    times = [one for one in named if one.kind == "time" or one.text == core]
    rest = _without(core, times)
    name = next((one for one in joined(rest) if one.kind in NAMES and one.start == 0), None)
    if not rest:
        return times, ""
    if name is not None and name.end == len(rest):
        return [*times, name], ""
    if name is not None and name.kind != "word" and _belongs_to_name(rest[name.end :], last):
        return [*times, name], rest[name.end :]
    if _is_topic(rest, last):
        return times, rest
    return [*times, Entity(rest, 0, len(rest), "word" if _is_unknown(rest) else "noun")], ""


def _names_of(head: str) -> list[Entity]:
    """Return the names before 的: those known, or all of it as one that is not."""
    if not head or PRONOUN.fullmatch(fold(head)):
        return []
    named = [one for one in joined(head) if one.kind != "word"]
    rest = _without(head, named)
    return named if not rest else [Entity(head, 0, len(head), "word")]


def _without(text: str, cut: list[Entity]) -> str:
    for one in reversed(cut):
        text = text[: one.start] + text[one.end :]
    return text.strip(_STRIP)


def _is_topic(noun: str, last: str) -> bool:
    """Return whether a noun is asked for, as 人口 is, and not asked about, as 汽車 is."""
    if ATTRIBUTE.search(fold(noun)) or fold(noun) in fold(last) or with_same_end(last, noun):
        return True
    subject = subject_of(last)
    place = topic_place(last)
    if place is not None and fold(last)[place[0]] in '"《〈':
        return True
    is_of_a_place = place is not None and subject is not None and subject.kind == "place"
    # 三务合一 takes the place of 三端五防线, not that of 鄂尔多斯.
    if is_of_a_place and place and _is_coined(noun) and _is_coined(last[slice(*place)]):
        return True
    is_of_a_kind = subject is not None and subject.kind in ("noun", "word")  # 自行車, 汽車
    return place is not None and not is_of_a_kind and not _is_unknown(noun)


def _belongs_to_name(noun: str, last: str) -> bool:
    return bool(ATTRIBUTE.search(fold(noun))) or fold(noun) in fold(last)


def _is_coined(noun: str) -> bool:
    return any(word.tag in ("?", "m") for word in words(noun))


def _is_unknown(noun: str) -> bool:
    return any(is_unknown(word) for word in words(noun))


def narrow(question: str, last: str) -> str | None:
    """Return a whole question that began with 那 and names nothing, asked of the last one's name.

    那人口是多少？ after a question about 包頭 asks for the people there.
    """
    folded = fold(question)
    start, _ = lead_chinese(folded, len(folded), last)
    rest = question[start:]
    if (
        not folded.lstrip().startswith("那")
        or not start
        or not ASKING.search(folded, start)
        or any(one.kind in NAMES for one in joined(rest))
    ):
        return None
    name = slot_for(last, "place") or slot_for(last, "term")
    topic = subject_of(rest)
    if name is None or (topic is not None and topic.kind != "noun"):
        return None
    return f"{name.text}{'的' if topic else ''}{rest}"
