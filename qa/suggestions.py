"""Questions to ask next, made of what the documents say, and each tried before it is offered.

Every question offered was asked and answered with a quote from the passage it was made of. That
costs: one question takes as long as asking it (``ask``), so few are tried and the result is kept
for each generation of the index.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from index import Index, Passage, YinzhengError, fold, in_script, script_of
from qa.answers import ask
from qa.seeds import Seed, SeedKind, seeds_of
from qa.types import Answer, Language

_logger = logging.getLogger("yinzheng")
_T = TypeVar("_T")
_MOST_DOCUMENTS = 12
_MOST_PASSAGES = 12
"""Of a document so many passages are looked at, spread over it."""
_TRIED_FOR_ONE = 3
"""How many questions are tried for each that is wanted."""
_TRIED_AFTER_ANSWER = 4
_NEIGHBOURS = 3
_KEPT = 64
_LONGEST = 60

# The documents' own words stand in the places in braces, in the reader's script.
_TEMPLATES: Mapping[Language, Mapping[SeedKind, str]] = {
    "zh-Hans": {
        "change": "{subject}{what}{verb}了多少？",
        "who": "谁担任{post}？",
        "term": "{subject}的{term}{noun}是什么？",
        "when": "{subject}是什么时候{verb}的？",
        "where": "{subject}位于哪里？",
        "count": "{subject}{what}多少{unit}？",
        "identity": "{subject}是谁？",
        "definition": "{subject}是什么？",
        "heading": "关于“{heading}”，文档说了什么？",
    },
    "zh-Hant": {
        "change": "{subject}{what}{verb}了多少？",
        "who": "誰擔任{post}？",
        "term": "{subject}的{term}{noun}是什麼？",
        "when": "{subject}是什麼時候{verb}的？",
        "where": "{subject}位於哪裡？",
        "count": "{subject}{what}多少{unit}？",
        "identity": "{subject}是誰？",
        "definition": "{subject}是什麼？",
        "heading": "關於「{heading}」，文件說了什麼？",
    },
    "en": {
        "change": "How much did {subject}{what} change?",
        "who": "Who is the {post}?",
        "term": "What is {subject}'s {term}{noun}?",
        "when": "When was {subject}{verb}?",
        "where": "Where is {subject}?",
        "identity": "Who is {subject}?",
        "definition": "What is {subject}?",
        "heading": "What do the documents say about “{heading}”?",
    },
}
# What asks for one clear thing comes first.
_ORDER: tuple[SeedKind, ...] = (
    *("change", "term", "who", "when", "where", "count", "identity", "definition", "heading"),
)


def example_questions(
    index: Index, *, language: Language, count: int = 4, wait: bool = True
) -> list[str]:
    """Return questions that the documents answer, to begin with.

    The first call for a generation and a language reads up to 144 passages and asks at most
    ``3 * count`` questions; later ones cost nothing. There may be fewer than wanted, or none.

    Args:
        index: what is asked.
        language: the reader's.
        count: how many at most.
        wait: False = return at once what has been made so far, at first nothing, and go on making
            the rest beside; for a page that must not wait.
    """
    key = (str(index.index_dir), index.generation, language, count)
    with _lock:
        made = _made.get(key)
        if made is not None:
            return list(made)
        if not wait:
            _begin(key, index, language, count)
            return []
    found = _make_examples(index, language, count)
    _keep(key, found)
    return list(found)


_Key = tuple[str, str, str, int]
_made: "OrderedDict[_Key, list[str]]" = OrderedDict()
_begun: set[_Key] = set()
_lock = threading.Lock()
_one_at_a_time = threading.Lock()


def _begin(key: _Key, index: Index, language: Language, count: int) -> None:
    if key in _begun:
        return
    _begun.add(key)
    snapshot = index.snapshot()

    def make() -> None:
        try:
            with _one_at_a_time:  # readers' questions have the processor first
                _keep(key, _make_examples(snapshot, language, count))
        except YinzhengError as error:  # the next visitor's call tries again
            _logger.warning("No example questions could be made: %s", error)
        finally:
            _begun.discard(key)

    # A daemon: nobody waits for suggestions when the process ends.
    threading.Thread(target=make, name="example-questions", daemon=True).start()


def _keep(key: _Key, questions: list[str]) -> None:
    with _lock:
        _made[key] = questions
        while len(_made) > _KEPT:
            _made.popitem(last=False)


def _make_examples(index: Index, language: Language, count: int) -> list[str]:
    by_passage = [_in_order(seeds_of(passage)) for passage in _sample(index)]
    seeds = _round_robin([seeds for seeds in by_passage if seeds])
    return _answered(seeds, index, language, count, tried=_TRIED_FOR_ONE * count)


def follow_ups(
    answer: Answer, index: Index, *, count: int = 3, language: Language | None = None
) -> list[str]:
    """Return questions to go on with after an answer, from the passages around its quotes.

    At most four questions are asked to find them, so it takes up to four times as long as the
    answer did: show the answer first.

    Args:
        answer: where to go on from; after "not found", from the closest passages.
        index: what was asked.
        count: how many at most.
        language: the reader's; None = the question's.
    """
    if answer.is_small_talk:
        return []
    known = {fold(answer.question), fold(answer.searched)}
    quoted = [(one.document.id, one.start, one.end) for one in answer.citations]
    seeds = (
        seed
        for seed in _round_robin([_in_order(seeds_of(one)) for one in _around(answer, index)])
        if not any(
            seed.passage.document_id == id_ and start <= seed.span.start < end
            for id_, start, end in quoted
        )
        or seed.kind == "change"
    )
    return _answered(
        seeds, index, language or answer.language, count, tried=_TRIED_AFTER_ANSWER, known=known
    )


def _around(answer: Answer, index: Index) -> list[Passage]:
    """Return the passages of an answer, and those beside them under the same headings."""
    if not answer.citations:
        return [hit.passage for hit in answer.hits[:_NEIGHBOURS]]
    cited = answer.citations[0].passage
    beside = [
        one
        for one in index.passages_of(cited.document_id)
        if one.headings == cited.headings and 0 < abs(one.id - cited.id) <= _NEIGHBOURS
    ]
    beside.sort(key=lambda one: (abs(one.id - cited.id), one.id))
    # Where each document is one passage, the next best ones are as near.
    return [cited, *(beside or [hit.passage for hit in answer.hits[1:_NEIGHBOURS]])]


def _sample(index: Index) -> list[Passage]:
    """Return passages spread over the documents, and over each of these, one of each in turn."""
    documents = _spread(index.document_list(), _MOST_DOCUMENTS)
    return _round_robin([_spread(index.passages_of(one[0]), _MOST_PASSAGES) for one in documents])


def _spread(values: Sequence[_T], most: int) -> list[_T]:
    if len(values) <= most:
        return list(values)
    return [values[at * len(values) // most] for at in range(most)]


def _in_order(seeds: Iterable[Seed]) -> list[Seed]:
    return sorted(seeds, key=lambda seed: _ORDER.index(seed.kind))


def _round_robin(lists: Sequence[Sequence[_T]]) -> list[_T]:
    longest = max(map(len, lists), default=0)
    return [of_one[at] for at in range(longest) for of_one in lists if at < len(of_one)]


def _answered(
    seeds: Iterable[Seed],
    index: Index,
    language: Language,
    count: int,
    *,
    tried: int,
    known: Iterable[str] = (),
) -> list[str]:
    """Return the questions that get a quote from the passage they were made of."""
    found: list[str] = []
    for seed, question in islice(_questions(seeds, language, known), tried):
        if len(found) == count:
            break
        if _is_answered(seed, question, index):
            found.append(question)
    return found


def _questions(
    seeds: Iterable[Seed], language: Language, known: Iterable[str]
) -> Iterator[tuple[Seed, str]]:
    seen = set(known)
    for seed in seeds:
        if seed.kind not in _TEMPLATES[language]:
            continue  # Chinese measure words make no English question
        question = _question(seed, language)
        if len(question) <= _LONGEST and fold(question) not in seen:
            seen.add(fold(question))
            yield seed, question


def _question(seed: Seed, language: Language) -> str:
    words = {name: _in_script(text, language) for name, text in seed.words}
    return _TEMPLATES[language][seed.kind].format(
        subject=_in_script(seed.subject, language), **words
    )


def _in_script(text: str, language: Language) -> str:
    if language == "en" or script_of(text) in (None, language):
        return text
    return in_script(text, language)


def _is_answered(seed: Seed, question: str, index: Index) -> bool:
    answer = ask(question, index=index, top_k=1)
    return answer.status == "answered" and answer.citations[0].passage.id == seed.passage.id
