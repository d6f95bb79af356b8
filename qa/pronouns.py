"""A question whose subject is a pronoun: 它的人口是多少？, What is its area?"""

import re
from collections.abc import Sequence

from index import fold, words
from qa.entities import Entity, Kind, entities
from qa.language import language_of
from qa.topics import ASKING, subject_of

_THING: tuple[Kind, ...] = ("term", "organisation", "place", "name", "word", "noun", "person")
_PERSON: tuple[Kind, ...] = ("person", "name", "word")
_PLACE: tuple[Kind, ...] = ("place", "organisation")
_PEOPLE: tuple[Kind, ...] = ("person", "organisation", "name", "word", "noun")
_WORK: tuple[Kind, ...] = ("term", "name")
_ANY: tuple[Kind, ...] = ("person", "term", "organisation", "place", "name", "word", "noun")

_HAN_PRONOUNS: dict[str, tuple[Kind, ...]] = {
    "它": _THING,
    "它们": _THING,
    "他": _PERSON,
    "她": _PERSON,
    "他们": _PEOPLE,
    "她们": _PEOPLE,
    "其": _ANY,
    "那里": _PLACE,
    "那儿": _PLACE,
    "那边": _PLACE,
    "这里": _PLACE,
    "这儿": _PLACE,
    "当地": _PLACE,
    "此地": _PLACE,
    "该地": _PLACE,
    "该地区": _PLACE,
}
_HAN_PRONOUN = re.compile("|".join(sorted(_HAN_PRONOUNS, key=len, reverse=True)))
_NOT_ITS = frozenset(
    re.findall(
        r"\S+", "其中 其他 其它 其实 其次 其余 其后 其间 当地人 其一 其二 他人 他国 他乡 他日"
    )
)
_KIND_WORDS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("自治区|地区|城市|国家|市|县|省|州|区|盟|旗|国|镇|乡|村|岛|山|河|湖|城", _PLACE),
    (
        "公司|企业|集团|机构|组织|部门|大学|学院|学校|医院|委员会|协会|球队|乐队|政党|党",
        ("organisation", "name"),
    ),
    ("人|人物|作家|作者|演员|歌手|导演|球员|科学家|总统|将军|皇帝", _PERSON),
    ("书|片|影片|电影|剧|电视剧|小说|歌|歌曲|专辑|作品|游戏|文件|法|杂志", _WORK),
)
_POINTED = re.compile(
    "(?:该|此|这(?:个|座|家|所|位|部|本|款|项|种)|那(?:个|座|家|所|位|部|本|款|项|种))"
    "(?P<noun>"
    + "|".join(pattern for pattern, _ in _KIND_WORDS)
    + "|模式|项目|方案|制度|品牌|平台|工程)"
)
_BEFORE = re.compile(
    "(?:那么?|请问|为什么|为何|什么时候|何时|在|从|对|关于|于|请|而|并且|然后|现在|目前|如今|当时|[\\s,，])*"
)
_SHORT = 4  # Han characters before a pronoun that cannot well hold what it stands for

_ENGLISH: dict[str, tuple[Kind, ...]] = {
    "it": _THING,
    "its": _THING,
    "they": (*_PEOPLE, "place"),
    "their": (*_PEOPLE, "place"),
    "them": _PEOPLE,
    "he": _PERSON,
    "his": _PERSON,
    "him": _PERSON,
    "she": _PERSON,
    "her": _PERSON,
    "there": _PLACE,
}
_POSSESSIVE = frozenset({"its", "their", "his", "her"})
_AUXILIARY = "is|are|was|were|does|do|did|has|have|had|can|could|will|would|should"
_EN_SUBJECT = re.compile(
    r"(?:and |but |so |then )*(?:(?:what|when|where|why|who|how|which|whom|since when)"
    r"(?: (?:many|much|big|large|old|long|far|high|tall|often|year|kind of|type of)){0,2}"
    r"(?: (?:people|\w+s))?"
    rf"(?: else)? )?(?:(?:{_AUXILIARY})(?:n't)? )?(?P<pronoun>its|it|they|their|he|his|she|her)\b"
)
_EN_OBJECT = re.compile(
    r"^.{0,60}\b(?:of|in|about|from|for|with|to|by|near|at|invented|founded|made|built|wrote"
    r"|runs?|leads?|live|lives|lived|work|works|located|happened|is|was|are) "
    r"(?P<pronoun>it|them|him|her|there)$"
)
_EN_POSSESSIVE = re.compile(r"\b(?:is|are|was|were|about) (?P<pronoun>its|their|his|her) \w+")
_EN_POINTED = re.compile(
    r"\b(?P<pronoun>(?:the|this|that) (?P<noun>city|town|county|province|country|region|company|"
    r"organisation|organization|university|school|person|man|woman|author|book|film|movie|song))\b"
)
_EN_NOUNS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(["city", "town", "county", "province", "country", "region"], _PLACE),
    **dict.fromkeys(
        ["company", "organisation", "organization", "university", "school"],
        ("organisation", "name"),
    ),
    **dict.fromkeys(["person", "man", "woman", "author"], _PERSON),
    **dict.fromkeys(["book", "film", "movie", "song"], _WORK),
}
_EXPLETIVE = re.compile(
    r"\bit (?:take|takes|took|rain|rains|mean|means|called|said|possible|important|necessary|"
    r"true|known|considered|that)\b|\b(?:is|was|are|were) there\b|\bthere (?:is|are|was|were)\b"
)


def resolve_pronoun(question: str, recent: Sequence[str]) -> str | None:
    """Return the question with a name for its pronoun; None when it has none to be resolved.

    A pronoun is only touched where the question itself cannot hold what it stands for.

    Args:
        question: as it was asked.
        recent: complete questions before it, the last one first.
    """
    for find in (_found_chinese, _found_pointed, _found_english):
        found = find(question)
        if found is None:
            continue
        start, end, kinds = found
        name = _antecedent(recent, kinds)
        if name is not None:
            return question[:start] + _written(question, start, end, name) + question[end:]
    return None


def _antecedent(recent: Sequence[str], kinds: tuple[Kind, ...]) -> Entity | None:
    """Return the last thing named of the kinds a pronoun can stand for.

    A term that belongs to the subject comes first (包頭的“包你滿意”), then the subject itself.
    """
    for question in recent:
        named = entities(question)
        subject = subject_of(question) if language_of(question) != "en" else None
        near = 0 if subject is None else subject.end + 1
        first = [one for one in named if one.kind == "term" and one.start <= near]
        for one in [*first, *([subject] if subject else [])]:
            if one.kind in kinds:
                return one
        for kind in kinds:
            for one in named:
                if one.kind == kind != "word":
                    return one
    return None


def _written(question: str, start: int, end: int, name: Entity) -> str:
    """Return what takes the pronoun's place, with what makes it a possessive."""
    pronoun = fold(question[start:end])
    if pronoun in _POSSESSIVE:
        return f"{name.text}'s"
    if pronoun == "there":
        return f"in {name.text}"
    if pronoun == "其" and question[end : end + 1] != "的":
        return f"{name.text}的"
    return name.text


def _found_chinese(question: str) -> tuple[int, int, tuple[Kind, ...]] | None:
    folded = fold(question)
    match = _HAN_PRONOUN.search(folded)
    if match is None or not _stands_alone(question, match):
        return None
    return *match.span(), _HAN_PRONOUNS[match[0]]


def _found_pointed(question: str) -> tuple[int, int, tuple[Kind, ...]] | None:
    folded = fold(question)
    match = _POINTED.search(folded)
    if match is None or not _is_free(question, match.start(), match.end()):
        return None
    if all(word.end != match.end() for word in words(question)):
        return None  # 该法令, not 该法
    for pattern, kinds in _KIND_WORDS:
        if re.fullmatch(pattern, match["noun"]):
            return *match.span(), kinds
    return *match.span(), _WORK


def _stands_alone(question: str, match: re.Match[str]) -> bool:
    """Return whether a pronoun is a word of its own, and nothing before it is what it means."""
    folded = fold(question)
    if any(folded.startswith(word, match.start()) for word in _NOT_ITS):
        return False
    word = next(w for w in words(question) if w.start <= match.start() < w.end)
    # 土耳其, 尤其, 吉他; but 其人 and 那里有 are often cut together
    if word.start != match.start():
        return False
    if match[0] == "其" and _rest_before(folded, match.start()):
        return False  # 什么构造其作用: what it stands for is before it
    return _is_free(question, *match.span())


def _is_free(question: str, start: int, end: int) -> bool:
    """Return whether a pronoun begins the question, or little that names nothing is before it."""
    folded = fold(question)
    before = _rest_before(folded, start)
    if not before:
        return True
    plain = ASKING.sub("", before)
    return len(plain) <= _SHORT and len(folded) - end <= _SHORT and not entities(question)


def _rest_before(folded: str, start: int) -> str:
    """Return what is before a pronoun but for words that name nothing."""
    match = _BEFORE.match(folded, 0, start)
    return folded[match.end() if match else 0 : start]


def _found_english(question: str) -> tuple[int, int, tuple[Kind, ...]] | None:
    folded = fold(question).rstrip(" ?.!")
    if _EXPLETIVE.search(folded) or len(folded.split()) > 14:
        return None
    subject = _EN_SUBJECT.match(folded)
    if subject:
        return *subject.span("pronoun"), _ENGLISH[subject["pronoun"]]
    if entities(question):
        return None
    pointed = _EN_POINTED.search(folded)
    if pointed:
        return *pointed.span("pronoun"), _EN_NOUNS[pointed["noun"]]
    found = _EN_OBJECT.match(folded) or _EN_POSSESSIVE.search(folded)
    return (*found.span("pronoun"), _ENGLISH[found["pronoun"]]) if found else None
