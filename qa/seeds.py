"""What a passage says that can be asked for: numbers, terms, dates, places, people, definitions.

Found by patterns in its sentences; whether the index really answers the question made of it is for
the caller to try.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from index import Passage, Span, fold, words
from qa.entities import Entity, Kind, joined
from qa.topics import ORGANISATION, subject_of

SeedKind = Literal[
    "change", "who", "term", "when", "where", "count", "identity", "definition", "heading"
]
_HAN = "[\u3400-\u4dbf\u4e00-\u9fff]"
_CLAUSE = re.compile(r"[^,，;；。！？!?\n:：、]+")
_CHANGE = re.compile(
    rf"^(?P<what>(?:(?!较){_HAN}){{2,14}}?)(?:同比|环比|较\S{{1,6}})?"
    r"(?P<verb>提升|提高|增长|增加|上升|下降|减少|降低|缩短|压缩)(?:了|至|到)?\d[\d.,]*(?:%|个百分点|万|亿|倍)"
)
_COUNT = re.compile(
    rf"^(?P<what>{_HAN}{{2,10}}?)(?:了|约|达|共|近)?\d[\d.,]*[余多]?[万亿]?"
    "(?P<unit>[项件人次名家篇条座所部场处米])"
)
_TERM = re.compile(
    rf'(?P<term>[“"「『][^”"」』]{{2,14}}[”"」』])(?P<noun>{_HAN}{{0,4}}?'
    "(?:模式|制度|机制|体系|品牌|名片|项目|平台|计划|行动|工程|改革|政策|活动|精神|战略|理论|方法|系统|原则))"
)
_WHO = re.compile(
    rf"{_HAN}{{2,4}}(?:担任|出任|就任|当选为|获任)(?P<post>(?!的|了|过){_HAN}{{4,24}})$"
)
_WHEN = re.compile(
    r"^(?:于|在)?\d{4}年.{0,8}?(?P<verb>成立|建立|创办|建成|出生|通车|发布|创立|落成|颁布|上映)|"
    r"(?P<verb2>成立|建立|创办|建成|出生|通车|发布|创立|落成|颁布|上映)于\d{4}年"
)
_WHERE = re.compile(r"^(?:坐落|位)[于在]")
_DEFINITION = re.compile(r"^(?:是|指)(?:一|由|指|位|中|目|当|世|美|我|位|[^否不]{2})")
_POINTING = "他她它其这這此该該像如而但即若"
_PERSON = re.compile("(?:人物|人|(?<!国)家|员|手|师|者|王|帝|将|将军|教授|总统|导演|主教)$")
_SAYS_WHAT = re.compile("[(（]|是|[位坐][于落]|于?[0-9]{4}年")
_SURE: frozenset[Kind] = frozenset({"place", "person", "organisation", "name"})
_LONGEST_HEADING = 20


@dataclass(frozen=True)
class Seed:
    """Something a passage says that can be asked for.

    Attributes:
        kind: what kind of question asks for it.
        passage: where it is said.
        span: the sentence, in offsets of the document.
        subject: what it is said of, as the document writes it; may be empty.
        words: what else the question needs, by name.
    """

    kind: SeedKind
    passage: Passage
    span: Span
    subject: str
    words: tuple[tuple[str, str], ...] = ()


def seeds_of(passage: Passage) -> Iterator[Seed]:
    """Yield what a passage says that can be asked for, in the order it is said."""
    about = ""
    for span, text in zip(passage.sentences, passage.sentence_texts, strict=True):
        subject = _named_subject(text)
        own = "" if subject is None else subject.text
        about = about or own
        yield from _of_clauses(passage, span, text, own or about)
        if subject is not None:
            yield from _of_subject(passage, span, text, subject)
    heading = passage.headings[-1] if len(passage.headings) > 1 else ""
    if 4 <= len(heading) <= _LONGEST_HEADING and passage.sentences:
        yield Seed("heading", passage, passage.sentences[0], "", (("heading", heading),))


def _named_subject(text: str) -> Entity | None:
    """Return what a sentence begins with, if it is surely a name.

    A word in no dictionary may be anything; before 是 and 位於 it is what the sentence is about.
    """
    subject = subject_of(text)
    if subject is None or len(subject.text) < 2 or subject.text[0] in _POINTING:
        return None
    if subject.kind == "word":
        is_clean = fold(subject.text)[-1] not in "也都就还亦"
        return subject if is_clean and _SAYS_WHAT.match(fold(text), subject.end) else None
    begins = (one for one in joined(text) if one.start == subject.start)
    name = next((one for one in begins if one.kind in _SURE), None)
    # 成功 is a town's name, too.
    is_common = name is not None and name.kind == "name" and not words(name.text)[0].is_rare
    if name is None or is_common:
        return None
    return subject if ORGANISATION.search(fold(subject.text)) else name


def _of_clauses(passage: Passage, span: Span, text: str, subject: str) -> Iterator[Seed]:
    folded = fold(text)
    for clause in _CLAUSE.finditer(folded):
        start = clause.start()
        own = clause[0].removeprefix(fold(subject)) if subject else clause[0]
        start += len(clause[0]) - len(own)
        for kind, pattern in _PATTERNS:
            if not subject and kind != "who":
                continue
            match = pattern.search(own)
            if match is not None:
                words = tuple((k, _slice(text, start, match.span(k))) for k in match.groupdict())
                yield Seed(kind, passage, span, subject, words)


_PATTERNS: tuple[tuple[SeedKind, re.Pattern[str]], ...] = (
    ("change", _CHANGE),
    ("count", _COUNT),
    ("term", _TERM),
    ("who", _WHO),
)


def _of_subject(passage: Passage, span: Span, text: str, subject: Entity) -> Iterator[Seed]:
    """Yield what a sentence says of its subject: what, when, where it is."""
    behind = fold(text)[subject.end :].lstrip("(（")
    if _WHERE.match(behind):
        yield Seed("where", passage, span, subject.text)
    elif when := _WHEN.match(behind):
        verb = when["verb"] or when["verb2"]
        at = subject.end + fold(text)[subject.end :].index(verb)
        words = (("verb", text[at : at + len(verb)]),)
        yield Seed("when", passage, span, subject.text, words)
    elif _DEFINITION.match(behind):
        clause = _CLAUSE.match(behind)
        is_person = clause is not None and _PERSON.search(clause[0])
        yield Seed("identity" if is_person else "definition", passage, span, subject.text)


def _slice(text: str, start: int, span: tuple[int, int]) -> str:
    return text[start + span[0] : start + span[1]]
