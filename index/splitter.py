"""Clean text → passages: one paragraph each, under its headings, with its sentences.

A paragraph longer than the model reads is cut between sentences; a sentence that is longer still,
between clauses; numbers are never cut.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from index.loaders.decoded import Block
from index.types import Span, searchable

CountTokens = Callable[[Sequence[str]], list[int]]
Fits = Callable[[Sequence[Span]], bool]

_COUNTED_TOGETHER = 512
"""Paragraphs whose tokens are counted in one go, by all cores."""

# ---- sentences -------------------------------------------------------------------------------

_ENDS = "。！？!?；;…"
_CLOSERS = "」』”’）)】》〉］]"
_SENTENCE_END = re.compile(
    rf"""
    (?P<title>《[^《》\n]{{1,80}}》)            # a title may hold any mark: 《救救孩子！》
    | [{_ENDS}]+ [{re.escape(_CLOSERS)}]* (?P<ascii>["'])?  # the marks, and what closes behind them
    | (?<=[^\W\d]) \. (?=\s|$)                # a full stop behind a letter, before a space
    | (?<=[\d%）)]) \. (?=\s+\S|$)             # … or behind a number that is over
    """,
    re.VERBOSE,
)
_HAS_WORD = re.compile(r"\w")


def sentences(text: str, start: int, end: int) -> list[Span]:
    """Return the sentences of ``text[start:end]``, in order, without the space around them.

    Every character that is not white space belongs to exactly one sentence.
    """
    spans: list[Span] = []
    at = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.group("title"):
            continue
        stop = match.end()
        quote = match.group("ascii")
        if quote and text.count(quote, at, stop) % 2:  # it opens the next sentence
            stop -= 1
        _add_sentence(spans, text, at, stop)
        at = stop
    _add_sentence(spans, text, at, end)
    return spans


def _add_sentence(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    span = Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
    if span.start >= span.end:
        return
    if spans and not _HAS_WORD.search(piece):  # marks alone belong to what they close
        spans[-1] = Span(spans[-1].start, span.end)
    else:
        spans.append(span)


# ---- blocks of plain text ----------------------------------------------------------------------

_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_HEADING_LENGTH = 40
_GROUP = 3
_UNFINISHED = "。！？!?；;…，,、：:．.～~—-"
_NUMBERED = (
    (re.compile(r"第[〇零一二三四五六七八九十百\d]{1,5}[编編篇部卷]"), 2),
    (re.compile(r"第[〇零一二三四五六七八九十百\d]{1,5}章"), 3),
    (re.compile(r"第[〇零一二三四五六七八九十百\d]{1,5}[节節]"), 4),
    (re.compile(r"[一二三四五六七八九十]{1,3}、"), 5),
    (re.compile(r"[（(][一二三四五六七八九十]{1,3}[）)]"), 6),
    (re.compile(r"\d{1,2}(?:\.\d{1,2}){0,3}[.、．\s]"), 7),
)
_PLAIN_LEVEL = 9


def find_blocks(text: str) -> tuple[Block, ...]:
    """Return the headings and paragraphs of a plain text: its lines, short ones read as headings.

    A heading is a short line without closing punctuation with a paragraph somewhere below it. Up to
    three stand together; more are a list, and lists are text.
    """
    lines = [_stripped(text, match.span()) for match in _LINE.finditer(text)]
    lines = [line for line in lines if line.start < line.end]
    blocks: list[Block] = []
    group: list[Span] = []
    for line in lines:
        if _looks_like_heading(text[line.start : line.end]):
            group.append(line)
            continue
        blocks.extend(_as_headings(text, group, at_top=not blocks))
        blocks.append(Block(line.start, line.end))
        group = []
    # Headings with nothing below would be lost to search.
    blocks.extend(Block(line.start, line.end) for line in group)
    return tuple(blocks)


def _stripped(text: str, span: tuple[int, int]) -> Span:
    piece = text[span[0] : span[1]]
    return Span(span[0] + len(piece) - len(piece.lstrip()), span[0] + len(piece.rstrip()))


def _looks_like_heading(line: str) -> bool:
    return (
        len(line) <= _HEADING_LENGTH
        and line[-1] not in _UNFINISHED
        and not line.rstrip(_CLOSERS).endswith(tuple(_ENDS))
        and "\t" not in line
        and bool(_HAS_WORD.search(line))
    )


def _as_headings(text: str, group: list[Span], *, at_top: bool) -> Iterator[Block]:
    levels = [_level(text[line.start : line.end]) for line in group]
    if at_top and levels and levels[0] == _PLAIN_LEVEL:
        levels[0] = 0
    unnumbered = sum(level in (0, _PLAIN_LEVEL) for level in levels)
    is_list = unnumbered > _GROUP + at_top
    for line, level in zip(group, levels, strict=True):
        yield Block(line.start, line.end, None if is_list else level)


def _level(line: str) -> int:
    return next((level for pattern, level in _NUMBERED if pattern.match(line)), _PLAIN_LEVEL)


# ---- passages ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """A passage before it has a number: its place, headings, sentences and page."""

    start: int
    end: int
    headings: tuple[str, ...]
    sentences: tuple[Span, ...]
    page: int | None


def split(
    text: str, blocks: Sequence[Block], *, count_tokens: CountTokens, max_tokens: int
) -> list[Section]:
    """Return the passages of a document, in order.

    Args:
        text: the clean text.
        blocks: its headings and paragraphs.
        count_tokens: tokens of each text as the model counts them, prompt included.
        max_tokens: the most a passage with its headings may cost.
    """
    sections: list[Section] = []
    paragraphs = _paragraphs(text, blocks)
    while some := list(islice(paragraphs, _COUNTED_TOGETHER)):
        counts = count_tokens([searchable(one.headings, text[one.start : one.end]) for one in some])
        for one, count in zip(some, counts, strict=True):
            if count <= max_tokens:
                sections.append(one)
            else:
                sections.extend(_parts(text, one, count_tokens, max_tokens))
    return sections


def _paragraphs(text: str, blocks: Sequence[Block]) -> Iterator[Section]:
    """Yield every paragraph as a whole, under its headings."""
    stack: list[tuple[int, str]] = []
    below_heading = False
    for block in blocks:
        if block.level is not None:
            _push(stack, block.level, text[block.start : block.end], below_heading)
            below_heading = True
            continue
        below_heading = False
        spans = tuple(sentences(text, block.start, block.end))
        if spans:
            headings = tuple(heading for _, heading in stack)
            yield Section(spans[0].start, spans[-1].end, headings, spans, block.page)


def _push(stack: list[tuple[int, str]], level: int, heading: str, below_heading: bool) -> None:
    """Put a heading on the stack; it replaces what it does not stand under.

    Two headings of one level with nothing between them stand together.
    """
    while stack and (stack[-1][0] > level or (stack[-1][0] == level and not below_heading)):
        stack.pop()
    stack.append((level, " ".join(heading.split())))


def _parts(
    text: str, paragraph: Section, count_tokens: CountTokens, max_tokens: int
) -> Iterator[Section]:
    """Yield runs of whole sentences that fit the limit, each as long as it can be."""

    def fits(run: Sequence[Span]) -> bool:
        whole = searchable(paragraph.headings, text[run[0].start : run[-1].end])
        return count_tokens([whole])[0] <= max_tokens

    pieces = [piece for span in paragraph.sentences for piece in _pieces(text, span, fits)]
    at = 0
    while at < len(pieces):
        size = _largest(len(pieces) - at, partial(_run_fits, fits, pieces, at))
        part = tuple(pieces[at : at + size])
        yield replace(paragraph, start=part[0].start, end=part[-1].end, sentences=part)
        at += size


def _run_fits(fits: Fits, pieces: Sequence[Span], at: int, size: int) -> bool:
    return fits(pieces[at : at + size])


def _text_fits(fits: Fits, start: int, length: int) -> bool:
    return fits([Span(start, start + length)])


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest n ≤ most that fits, at least 1; less than what fits also fits."""
    # Doubling first: halving from the far end would read a long text again for each of its parts.
    low = 1
    while low < most and fits(min(2 * low, most)):
        low = min(2 * low, most)
    high = min(2 * low, most)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


_CLAUSE_END = re.compile(r"[，、：:,](?!\d)|\s+")
_UNCUT = re.compile(r"[\w.,:/%％．]")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]")


def _pieces(text: str, span: Span, fits: Fits) -> Iterator[Span]:
    """Yield a sentence whole, or in the largest pieces that fit: clauses, else between words."""
    start = span.start
    while start < span.end:
        length = _largest(span.end - start, partial(_text_fits, fits, start))
        whole = start + length == span.end
        stop = span.end if whole else _cut(text, start, start + length)
        yield Span(start, start + len(text[start:stop].rstrip()))
        start = stop
        while start < span.end and text[start].isspace():
            start += 1


def _cut(text: str, start: int, limit: int) -> int:
    """Return the best place to end a piece: behind a clause, else between words, else the limit."""
    clauses = [match.end() for match in _CLAUSE_END.finditer(text, start, limit)]
    stop = next((end for end in reversed(clauses) if text[start:end].strip()), None)
    if stop is not None and stop - start >= (limit - start) // 2:
        return stop
    for at in range(limit, start + 1, -1):
        before, after = text[at - 1], text[at : at + 1]
        if _HAN.match(before) or not (_UNCUT.match(before) and _UNCUT.match(after)):
            return at
    return limit
