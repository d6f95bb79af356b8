"""What a Chinese question is about, and what it asks of it.

猴麵包樹 | 的 | 別名 | 是什麼: most questions begin with what they are about, and most names are in
no dictionary; so the subject is whatever stands before the first word that makes a sentence.
"""

import re

from index import Word, fold, words
from qa.entities import NAMES, Entity, Kind, entities, joined

ASKING = re.compile(
    "什么|甚么|谁|多少|几(?=[个位名年月日天次种座条项家所岁点号时])|哪|怎|何|吗|是否|是不是|有没有|有无"
    "|多[大长高远久重深宽快]"
)
# A single character of these kinds may stand in any name; these few end a subject.
_ENDS_SUBJECT = frozenset(
    re.findall(
        r"\S+",
        "的 是 有 在 为 被 由 会 能 要 叫 属 生 又 曾 现 于 与 和 对 从 把 将 共 占 以 所",
    )
)
_SENTENCE_TAGS = frozenset(
    {"v", "d", "p", "r", "c", "y", "f", "s", "t", "vd", "ad", "zg", "z", "ul", "uj"}
)
_OPENING = re.compile(
    "(?:那么|那|请问|目前|现在|如今|近年来|当时|为什么|为何|什么时候|何时|[,，\\s])*(?:(?:什么|谁|何谓|哪里)是)?"
)
# 主要 and the like: adverbs that jieba has as something else.
_ADVERBS = frozenset(
    re.findall(
        r"\S+",
        """
        主要 初时 最多 最少 最早 最晚 最初 最后 首先 通常 一般 大约 一直 史称 曾经 现任
        总共 一共 共有
        """,
    )
)
ATTRIBUTE = re.compile(
    "(?:人口|海拔|首都|省会|历史|气候|经济|交通|文化|语言|宗教|货币|地址|位置|用途|作用|功能|特点|特征|优点|缺点|意义|影响"
    "|原因|目的|背景|过程|结果|结局|时间|日期|地点|方法|方式|流程|步骤|条件|要求|标准|成本|预算|收入|产值|生日|年龄|职业|国籍"
    "|父亲|母亲|妻子|丈夫|儿子|女儿|导演|主演|意思|含义|定义|组成|结构|形状|成效|措施|模式|问题|任务|目标)$"
    "|[率量数额费价度积者名号性色长师员官]$"
)
"""Nouns that are asked for rather than asked about."""
_LONGEST_HEAD = 4
"""Characters behind a name that can well be part of it: 西貢|商信銀行, not 烏海|全程網辦事項量."""
_ENDS_UNKNOWN = frozenset("是在于为有的")
ORGANISATION = re.compile(
    "(?:银行|公司|大学|学院|集团|协会|基金会|委员会|医院|学校|中学|小学|机场|中心|车站|博物馆|图书馆|研究所|出版社|[队团局党社厂])$"
)
_LONGEST_SUBJECT = 20
_ENDS_TOPIC = (
    r"(?=(?:又|则|一共|总共|共|大约|约|现在|目前)?(?:是|有|为|达|占|叫|在|位于|由|属于|来自)?"
    r"(?:什么|甚么|谁|多少|几|哪|多[大长高远久重深宽]|何|怎|如何)|[?？]*$)"
)
_NOUN = r"((?!是|有|为|在|由|于|又)[^的了着过,，。?？\s\"]{1,14}?)"
_TOPIC = re.compile(rf"的{_NOUN}{_ENDS_TOPIC}")
_TOPIC_AFTER_NAME = re.compile(rf"{_NOUN}{_ENDS_TOPIC}")


def subject_of(question: str) -> Entity | None:
    """Return what a Chinese question begins with, as a thing named; None where it has no subject.

    A name that it begins with is the subject without what is said to belong to it, which is either
    something asked for or too long to be part of the name: 烏海市 of 烏海市全程網辦事項量.
    """
    begin, found = _prefix(question)
    if not found:
        return None
    end = _end_of_name(found[-1])
    name = next((one for one in joined(question) if one.start == begin and one.kind in NAMES), None)
    if name is not None and name.kind != "word":
        rest = fold(question)[name.end : end]
        is_short = len(rest) <= _LONGEST_HEAD and not ATTRIBUTE.search(rest)
        if not rest or not (is_short or ORGANISATION.search(rest)):
            return name
        return Entity(question[begin:end], begin, end, name.kind)
    kind: Kind = "word" if any(is_unknown(word) for word in found) else "noun"
    return Entity(question[begin:end], begin, end, kind)


def _prefix(question: str) -> tuple[int, list[Word]]:
    """Return where the subject begins, and its words."""
    named = entities(question)
    begin = _begin(question, named)
    inside = {i for one in named if one.kind in NAMES for i in range(one.start, one.end)}
    found: list[Word] = []
    stop = ""
    for word in words(question):
        if word.start < begin:
            continue
        if word.start not in inside and _ends_subject(word, is_first=not found):
            stop = word.text
            break
        found.append(word)
        if word.tag == "?" and word.text[-1] in _ENDS_UNKNOWN:
            break  # 锦地|罗是|一种
    if stop in ("于", "了", "着", "过") and len(found) > 1 and len(found[-1].text) > 1:
        found.pop()  # 叶盛茂|毕业|于: to jieba a noun
    while len(found) > 1 and not is_unknown(found[-1]) and ATTRIBUTE.search(found[-1].text):
        found.pop()  # 牛佬|原名|叫: no 的 between
    length = found[-1].end - begin if found else 0
    if not 1 < length <= _LONGEST_SUBJECT or found[0].start != begin:
        return begin, []
    return begin, found


def _end_of_name(word: Word) -> int:
    """Return where a word ends without a function word that jieba took for a part of it."""
    end = word.end
    while (
        word.tag == "?"
        and end > word.start + 1
        and word.text[end - word.start - 1] in _ENDS_SUBJECT
    ):
        end -= 1
    return end


def _begin(question: str, named: list[Entity]) -> int:
    """Return where a question begins behind 请问, 为什么 and a time."""
    folded = fold(question)
    opening = _OPENING.match(folded)
    begin = opening.end() if opening else 0
    times = [one for one in named if one.kind == "time"]
    comma = folded.find(",", begin)
    if times and times[0].start - begin <= 1 and folded[times[0].end : times[0].end + 1] != "的":
        begin = times[0].end
        if begin <= comma < begin + _LONGEST_SUBJECT and not ASKING.search(folded, begin, comma):
            begin = comma
        again = _OPENING.match(folded, begin)
        begin = again.end() if again else begin
    return begin


def _ends_subject(word: Word, *, is_first: bool) -> bool:
    if ASKING.search(word.text) or not (word.text.isalnum() or word.text in "·-_' "):
        return True
    if len(word.text) == 1:
        return word.text in _ENDS_SUBJECT
    if is_first and word.tag == "v":  # 治理模式, 管理費用: a verb before its noun
        return False
    return word.tag in _SENTENCE_TAGS or word.text in _ADVERBS


def is_unknown(word: Word) -> bool:
    """Return whether a word is probably part of a name: in no dictionary, or rare and alone."""
    return word.tag in ("?", "", "nr", "ns", "nz", "nt", "nrt") or (
        len(word.text) == 1 and word.tag != "m"
    )


def topic_place(question: str) -> tuple[int, int] | None:
    """Return where a Chinese question says what it asks for: behind 的, or behind a name."""
    folded = fold(question)
    names = [one for one in joined(question) if one.kind in NAMES]
    found = [match.span(1) for match in _TOPIC.finditer(folded)]
    for one in names:
        behind = _TOPIC_AFTER_NAME.match(folded, one.end)
        if behind and one.kind != "word":
            found.append(behind.span(1))
    inside = [s for s in found if not any(n.start < s[1] and s[0] < n.end for n in names)]
    ends = re.compile(_ENDS_TOPIC)
    inside += [(n.start, n.end) for n in names if n.kind == "term" and ends.match(folded, n.end)]
    plain = [(a, b) for a, b in inside if a > 0 and not ASKING.search(folded[a:b])]
    return max(plain, default=None)
