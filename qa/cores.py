"""Where the core of a follow-up stands, between the words that join it and those that ask.

In 那包頭呢 it is 包頭, in "and Wuhai?" Wuhai; a whole sentence is no follow-up, and has none.
"""

import re

from index import fold, is_proper_name, words
from qa.entities import joined
from qa.topics import ASKING

MARKS = " \t?？!！。.…,，、~:："
_STRONG = frozenset(re.findall(r"\S+", "那 那么 那末 还有 换成 改成 换做 至于 那如果是 那换成"))
_WEAK = frozenset(
    re.findall(
        r"\S+",
        """
        和 与 跟 及 以及 而 然后 另外 再 再问 关于 如果 如果是 假如 且 或 或者 还 同样
        在 对 对于 从 ok
        """,
    )
)
_LEADS = sorted([*_STRONG, *_WEAK, *MARKS], key=len, reverse=True)
_PREDICATE = re.compile(
    "(?:又|则|会|该|呢|的话|,|，)*(?:怎么样|怎样|怎么办|如何|是多少|有多少|多少|是几)$"
)
# Words that make a sentence: what holds one of them is not only a name or a topic.
_SENTENCE = frozenset(
    re.findall(
        r"\S+",
        """
        了 着 过 是 有 没有 不 没 被 把 会 能 可以 应该 要 很 太 就 都 想 请 说 让 使 给
        来 去
        """,
    )
)
LONGEST = 30
PRONOUN = re.compile(
    "^(?:它们?|他们?|她们?|其|那里|这里|那儿|这儿|当地|那边"
    "|(?:该|此|[这那](?:个|座|家|所|位|部|本|款|项|种))"
    "(?:地|市|县|省|国|城市|国家|地区|公司|企业|人|书|片|模式|项目))的?"
)
_LEAD = re.compile(
    r"(?:(?:and|but|or|so|then|ok|okay|also|now)\b[\s,]*)*"
    r"(?:(?:what|how) about|what of|as for|and|or|but)\s+",
)
_SENTENCE_EN = frozenset(
    re.findall(
        r"\S+",
        """
        is are was were be do does did has have had can could will would should shall may might
        what who whom whose where when why how which not if that because
        """,
    )
)
_SURE = 2


def core_chinese(question: str, last: str) -> tuple[tuple[int, int], str] | None:
    """Return where the names and the topic of a Chinese follow-up stand, and what it asks of them.

    None when it is no follow-up.
    """
    folded = fold(question)
    end = len(folded.rstrip(MARKS))
    has_mark = "?" in folded[end:]
    asks_back = folded[:end].endswith("呢")
    if asks_back:
        end = len(folded[: end - 1].rstrip(MARKS))
    start, strength = lead_chinese(folded, end, last)
    predicate = _PREDICATE.search(folded, start, end) if strength == _SURE else None
    if predicate:
        end = len(folded[: predicate.start()].rstrip(MARKS))
    core = question[start:end]
    if not _is_noun(core):
        return None
    is_time = has_mark and [(one.text, one.kind) for one in joined(core)] == [(core, "time")]
    if asks_back or strength == _SURE or is_time:
        return (start, end), predicate[0].strip("又则呢,，") if predicate else ""
    return None


def lead_chinese(folded: str, end: int, last: str) -> tuple[int, int]:
    """Return where the words that join a follow-up end, and how sure they make it one, 0 to 2."""
    start = strength = 0
    while start < end:
        rest = folded[start:end]
        lead = next((lead for lead in _LEADS if rest.startswith(lead)), "")
        if not lead or len(lead) == len(rest) or _belongs(lead, rest, last):
            break
        strength = max(strength, _SURE if lead in _STRONG else lead in _WEAK)
        start += len(lead)
    return start, strength


def _belongs(lead: str, rest: str, last: str) -> bool:
    """Return whether what looks like a joining word begins a name or pronoun: 那曲, 和田, 那里."""
    if not lead.strip(MARKS):
        return False
    if PRONOUN.match(rest) or rest[: len(lead) + 1] in fold(last):
        return True
    if any(is_proper_name(rest[:length]) for length in range(len(lead) + 1, len(lead) + 5)):
        return True
    # Of one character, only 那 is a word of its own nearly everywhere.
    return len(lead) == 1 and lead != "那" and words(rest)[0].text != lead


def _is_noun(core: str) -> bool:
    """Return whether the core of a question is only names and nouns, and short."""
    folded = fold(core)
    if not 0 < len(folded) <= LONGEST or not any(c.isalnum() for c in folded):
        return False
    unquoted = re.sub(r'"[^"]*"|《[^》]*》', "", folded)
    if ASKING.search(unquoted) or re.search("[,;:!?。]", unquoted):
        return False
    inside = {word.text for word in words(unquoted)}
    return _SENTENCE.isdisjoint(inside)


def core_english(question: str) -> tuple[int, int] | None:
    """Return where the core of an English follow-up stands; None when it is none."""
    folded = fold(question)
    lead = _LEAD.match(folded)
    end = len(folded.rstrip(MARKS))
    if lead is None:
        preposition = re.match(r"(?:in|for|during) (?=\d)", folded)
        is_year = preposition and re.fullmatch(r"\d{4}", folded[preposition.end() : end])
        return (preposition.end(), end) if preposition and is_year else None
    core = folded[lead.end() : end].split()
    if not core or len(core) > 8 or not _SENTENCE_EN.isdisjoint(core):
        return None
    return lead.end(), end
