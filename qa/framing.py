"""What an answer says around its quotes, in the question's language.

Neutral words of our own and the documents' words between quotation marks; no claim of ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index import fold
from qa.types import Citation, Language


@dataclass(frozen=True)
class _Words:
    one: str
    several: str
    source: str
    not_found: str
    small_talk: str
    searched: str
    page: str
    closest: str
    quotation: tuple[str, str]


_WORDS: Mapping[Language, _Words] = {
    "zh-Hans": _Words(
        one="文档原文：",
        several="文档原文，共 {count} 处：",
        source="——《{title}》",
        not_found="在文档中没有找到答案。",
        small_talk="你好。请就文档的内容提问，我会引用原文回答。",
        searched="检索的问题：",
        page="第 {} 页",
        closest="最接近的段落如下，它们没有回答这个问题：",
        quotation=("“", "”"),
    ),
    "zh-Hant": _Words(
        one="文件原文：",
        several="文件原文，共 {count} 處：",
        source="——《{title}》",
        not_found="在文件中沒有找到答案。",
        small_talk="你好。請就文件的內容提問，我會引用原文回答。",
        searched="檢索的問題：",
        page="第 {} 頁",
        closest="最接近的段落如下，它們沒有回答這個問題：",
        quotation=("「", "」"),
    ),
    "en": _Words(
        one="The documents say:",
        several="The documents say, in {count} places:",
        source="— {title}",
        not_found="The documents hold no answer to this.",
        small_talk="Hello. Ask about what the documents say, and the answer will quote them.",
        searched="Searched for: ",
        page="page {}",
        closest="The closest passages, which do not answer:",
        quotation=("“", "”"),
    ),
}


def answer_text(language: Language, citations: Sequence[Citation]) -> str:
    """Return the quotes in a frame, each with the title of its document."""
    words = _WORDS[language]
    if not citations:
        return words.not_found
    opening, closing = words.quotation
    several = len(citations) > 1
    lines = [lead_in(language, len(citations))]
    for number, citation in enumerate(citations, start=1):
        mark = f"[{number}] " if several else ""
        # A title may hold braces of its own.
        source = words.source.replace("{title}", citation.document.title)
        lines.append(f"{mark}{opening}{citation.quote}{closing} {source}")
    return "\n".join(lines)


PAGE: Mapping[Language, str] = {"zh-Hans": "第 {} 页", "zh-Hant": "第 {} 頁", "en": "page {}"}
"""Where in a document a quote stands."""
SEARCHED: Mapping[Language, str] = {
    "zh-Hans": "已按“{}”检索",
    "zh-Hant": "已按「{}」檢索",
    "en": "Searched for: “{}”",
}
"""What was searched for, where it is not what was asked."""
CLOSEST: Mapping[Language, str] = {
    "zh-Hans": "最接近的段落，不构成答案",
    "zh-Hant": "最接近的段落，不構成答案",
    "en": "Closest passages, which do not answer",
}
"""What stands above passages that are no answer."""


def lead_in(language: Language, count: int) -> str:
    """Return what introduces so many quotes."""
    words = _WORDS[language]
    return words.several.format(count=count) if count > 1 else words.one


def searched_lead(language: Language) -> str:
    """Return what introduces the question that was searched for in place of the one asked."""
    return _WORDS[language].searched


def page_text(language: Language, page: int) -> str:
    """Return the number of a page in words."""
    return _WORDS[language].page.format(page)


def closest_lead(language: Language) -> str:
    """Return what introduces passages that do not answer."""
    return _WORDS[language].closest


def small_talk_text(language: Language) -> str:
    """Return the reply to a greeting."""
    return _WORDS[language].small_talk


_SMALL_TALK = re.compile(
    r"(?:(?:你|您|大家)?好(?:吗|啊|呀)?|嗨|哈[喽啰]|在吗|早(?:上好|安)?|[上中下]午好|晚上?[好安]|"
    r"谢谢?(?:你|您)?|多谢|辛苦了|再见|拜拜|hi|hello|hey|good (?:morning|afternoon|evening|day)|"
    r"thanks?(?: you)?|(?:good)?bye|how are you|[\W_])+"
)


def is_small_talk(question: str) -> bool:
    """Return whether a question only greets, thanks or takes leave."""
    folded = fold(question)
    return bool(_SMALL_TALK.fullmatch(folded)) and any(c.isalnum() for c in folded)
