"""A question that leaves out what the last one said: 那包頭呢？, and Wuhai?, why?"""

import re
from dataclasses import dataclass

from index import fold, words
from qa.entities import Entity, joined
from qa.language import language_of
from qa.substitution import ASKING, put_name, put_topic, slot_for

_MARKS = " \t?？!！。.…,，、~:："
_STRONG = frozenset({"那", "那么", "还有", "换成", "改成", "换做", "至于", "那末", "那如果是"})
_WEAK = frozenset(
    "和 与 跟 及 以及 而 然后 另外 再 再问 关于 如果 如果是 假如 且 或 或者 还 同样 在 对 对于 于 从 ok 是".split()
)
_PREDICATE = re.compile("(?:又|则|会|该|呢|的话|,|，)*(?:怎么样|怎样|怎么办|如何|是多少|有多少|多少|是几)$")
# Words that make a sentence: what holds one of them is not only a name or a topic.
_SENTENCE = frozenset(
    "了 着 过 是 有 没有 不 没 被 把 会 能 可以 应该 要 很 太 就 都 想 请 说 让 使 给 来 去".split()
)
_STRIP = "的在对从于和与、,， "
_LONGEST = 30
_PRONOUN = re.compile(
    "^(?:它们?|他们?|她们?|其|那里|这里|那儿|这儿|当地|那边"
    "|(?:该|此|[这那](?:个|座|家|所|位|部|本|款|项|种)?)(?:地|市|县|省|国|城市|国家|地区|公司|企业|人|书|片|模式|项目))的?"
)
_MORE = re.compile(
    "(?:那|那么)?(?:还有|然后|接着|接下来|继续|更多|其他的?|别的|其它的?)(?:呢|吗|别的吗|其他的?吗|其它的?吗"
    "|其他的?呢|别的呢|哪些|什么|更多)?"
    r"|(?:and )?(?:what|anything|something|who|where) else|more|go on|continue|and then|and"
)
_WHY = re.compile(
    "(?:那|那么)?(?:是|又是)?(?P<zh>为什么|为何|何时|什么时候|哪年|哪一年|在哪里|在哪儿|哪里|谁|多少|怎么做到的|如何做到的"
    "|为什么会这样|什么原因|原因)(?:呢)?"
    r"|(?:and |but |so )?(?P<en>why(?: is that| not)?|when|where|who|how|how so|how much|how many|since when|"
    r"by whom|by how much)"
)
_LEAD = re.compile(
    r"(?:(?:and|but|or|so|then|ok|okay|also|now)\b[\s,]*)*"
    r"(?:(?:what|how) about|what of|as for|and|or|but)\s+",
)
_SENTENCE_EN = frozenset(
    "is are was were be do does did has have had can could will would should shall may might what who "
    "whom whose where when why how which not if that because".split()
)
_BESIDE = re.compile(
    r"\b(?:in|for|of|at|on|by|with|from|during|to|the|its|their|his|her|that|this|a|an|and|s|year|"
    r"there|it|them|then)\b|['’]s\b|[^\w\s%-]",
    re.ASCII,
)


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
    folded = fold(question).strip(_MARKS)
    if not folded or len(folded) > 2 * _LONGEST:
        return None
    if _MORE.fullmatch(folded):
        return last
    if match := _WHY.fullmatch(folded):
        return _asked_also(last, match)
    left = _left_of(question)
    return None if left is None else _put(last, left)


def _asked_also(last: str, match: re.Match[str]) -> str:
    """Return the last question with another one behind it: …提升了多少，为什么？"""
    stem = last.rstrip(_MARKS)
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


def _left_of(question: str) -> _Left | None:
    is_english = language_of(question) == "en"
    span = _core_english(question) if is_english else _core_chinese(question)
    if span is None:
        return None
    start, end = span
    names = _names_within(question, start, end)
    topic = question[start:end]
    for name in reversed(names):
        topic = topic[: name.start - start] + "\0" + topic[name.end - start :]
    topic = _topic_of(topic, is_english=is_english)
    behind = question[end:].strip(_MARKS + "呢又则")
    return _Left(tuple(names), topic, "" if is_english else behind)


def _names_within(question: str, start: int, end: int) -> list[Entity]:
    """Return the names of a follow-up's core; an unknown word inside a longer noun is none."""
    folded = fold(question)
    inside = [one for one in joined(question) if start <= one.start and one.end <= end]
    return [
        one
        for one in inside
        if one.kind != "word"
        or (
            folded[start : one.start].strip(_STRIP) == ""
            and (one.end == end or folded[one.end] in "的 ")
        )
    ]


def _topic_of(text: str, *, is_english: bool) -> str:
    """Return what a follow-up asks for, without the words around it."""
    if is_english:
        return " ".join(_BESIDE.sub(" ", text.replace("\0", " ")).split())
    folded = fold(text)
    match = _PRONOUN.match(folded)
    text = text[match.end() :] if match else text
    return text.replace("\0", "").strip(_STRIP)


def _core_chinese(question: str) -> tuple[int, int] | None:
    """Return where the names and the topic of a Chinese follow-up stand, if it is one."""
    folded = fold(question)
    end = len(folded.rstrip(_MARKS))
    has_mark = any(mark in folded[end:] for mark in "?")
    asks_back = folded[:end].endswith("呢")
    if asks_back:
        end = len(folded[: end - 1].rstrip(_MARKS))
    start, strength = _lead_chinese(question, end)
    predicate = _PREDICATE.search(folded, start, end)
    if predicate and strength == 2:
        end = len(folded[: predicate.start()].rstrip(_MARKS))
    if not _is_noun(question, start, end):
        return None
    is_time = [(one.start, one.end, one.kind) for one in joined(question)] == [(start, end, "time")]
    if asks_back or strength == 2 or (is_time and has_mark):
        return start, end
    return None


def _lead_chinese(question: str, end: int) -> tuple[int, int]:
    """Return where the words that join a follow-up end, and how sure they make it one, 0 to 2."""
    start = strength = 0
    for word in words(question):
        if word.start >= end:
            break
        if word.text in _STRONG:
            strength = 2
        elif word.text in _WEAK:
            strength = max(strength, 1)
        elif word.text.strip(_MARKS):
            break
        start = word.end
    return start, strength


def _is_noun(question: str, start: int, end: int) -> bool:
    """Return whether a part of a question is only names and nouns, and short."""
    folded = fold(question)[start:end]
    if not 0 < len(folded) <= _LONGEST or not any(c.isalnum() for c in folded):
        return False
    unquoted = re.sub(r'"[^"]*"|《[^》]*》', "", folded)
    if ASKING.search(unquoted) or re.search("[,;:!?。]", unquoted):
        return False
    inside = [word.text for word in words(question) if start <= word.start and word.end <= end]
    quoted = folded[:1] in '"《'
    return quoted or _SENTENCE.isdisjoint(inside)


def _core_english(question: str) -> tuple[int, int] | None:
    folded = fold(question)
    lead = _LEAD.match(folded)
    end = len(folded.rstrip(_MARKS))
    if lead is None:
        preposition = re.match(r"(?:in|for|during) (?=\d)", folded)
        is_year = preposition and re.fullmatch(r"\d{4}", folded[preposition.end() : end])
        return (preposition.end(), end) if preposition and is_year else None
    core = folded[lead.end() : end].split()
    if not core or len(core) > 8 or not _SENTENCE_EN.isdisjoint(core):
        return None
    return lead.end(), end


def narrow(question: str, last: str) -> str | None:
    """Return a whole question that began with 那 and names nothing, asked of the last one's name.

    那人口是多少？ after a question about 包頭 asks for the people there.
    """
    folded = fold(question)
    start, strength = _lead_chinese(question, len(folded))
    asks = ASKING.search(folded, start)
    if strength < 2 or asks is None or joined(question[start:]):
        return None
    name = slot_for(last, "place") or slot_for(last, "term")
    if name is None:
        return None
    is_topic = re.match(r"[^的,，]{1,10}?(?:是|有|多[大长高远久]|在哪|为|怎|如何|几)", folded[start:])
    joint = "的" if is_topic and asks.start() > start else ""
    return f"{name.text}{joint}{question[start:]}"
