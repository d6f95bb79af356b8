"""Garble: text that was read in a wrong encoding, or from a wrong byte on.

``囊婪ㄓ枰再r償`` was ``的依法予以賠償`` in GBK, read one byte late. It is kept as it
stands, and flagged. What gives it away is that the same bytes, read rightly, are much likelier
Chinese than what stands there: each misreading that is common is undone, and both are weighed by
the frequency of their characters and by the words these make. A rare character in a sound text
becomes no likelier by it.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator

from index.folding import fold, inside_words
from index.loaders.encodings import log_probability, log_share
from index.types import Span

_ODD = -11.0  # log share: one character in 60,000 of Chinese text
_NEAR = 8  # characters from one odd character to the next
_FEWEST = 2  # odd characters
_LONGEST = 200  # characters weighed at once
_TRIED = 4  # odd characters garble may begin with; it may begin behind a sound one
_SHORT = 60  # characters; where garble that is longer ends is told less exactly
_REACH = 5  # characters around odd ones that may belong to them
_GAIN = 16.0  # log odds for the reading undone, more than sound news texts ever have
_SOUND = -9.5  # log share of a character of what comes out
_LOST = -6.5  # log share of a character half of which was lost
# Of the places between Han characters, those inside a word of the dictionary: in text, and in
# characters that chance put together.
_IN_TEXT, _BY_CHANCE = 0.45, 0.03
_INSIDE = math.log(_IN_TEXT / _BY_CHANCE)
_BETWEEN = math.log((1 - _IN_TEXT) / (1 - _BY_CHANCE))
# What lost bytes become, and what they become read once more as GBK; fresh memory read as GBK.
_KNOWN = re.compile("\ufffd+|(?:锟斤拷|锟斤|锟絶|锟絸)+|烫{3,}|屯{4,}|锘锽")

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_PAIR = re.compile(f"[{_HAN}](?=[{_HAN}])")

Undo = Callable[[str], tuple[str, int]]


def garbled(text: str) -> list[Span]:
    """Return the ranges of a text that are garble, in order, none overlapping.

    Found are GBK read from a wrong byte, UTF-8 or Big5 read as GBK, GBK read as Big5, all of them
    read as Latin-1, and U+FFFD. Runs shorter than some five characters cannot be told from rare
    words.
    """
    spans = [Span(*match.span()) for match in _KNOWN.finditer(text)]
    spans.extend(span for cluster in _clusters(text) for span in _weigh(text, cluster))
    return _united(spans)


def _clusters(text: str) -> Iterator[list[int]]:
    """Yield the places of odd characters that stand near one another."""
    odd = [c for c in set(text) if c != "\ufffd" and _is_odd(c)]
    if not odd:
        return
    cluster: list[int] = []
    for match in re.finditer(f"[{re.escape(''.join(odd))}]", text):
        at = match.start()
        if cluster and (at - cluster[-1] >= _NEAR or at - cluster[0] >= _LONGEST):
            if len(cluster) >= _FEWEST:
                yield cluster
            cluster = []
        cluster.append(at)
    if len(cluster) >= _FEWEST:
        yield cluster


def _is_odd(character: str) -> bool:
    """Return whether a character hints at garble; signs are rare in sound texts as well."""
    if character.isprintable() and not character.isalpha():
        return False
    return "\x80" <= character <= "\xff" or log_share(character) < _ODD


def _weigh(text: str, cluster: list[int]) -> Iterator[Span]:
    """Yield the range around some odd characters that undoing makes likeliest, if any."""
    # A character of UTF-8 is one and a half of GBK: of three places to begin, one is right.
    begins = {max(at - less, 0) for at in cluster[:_TRIED] for less in range(3)}
    stops = {at + 1 for at in cluster[-2:]}
    rough = _best(text, (Span(begin, stop) for begin in begins for stop in stops))
    if rough is None or rough[1] <= 0:
        return
    start, end = rough[0].start, rough[0].end
    if end - start <= _SHORT:
        rough = _best(
            text,
            (
                Span(begin, stop)
                for begin in range(max(start - _REACH, 0), start + 1)
                for stop in range(end, min(end + _REACH, len(text)) + 1)
            ),
        )
    if rough is not None and rough[1] > _GAIN:
        yield rough[0]


def _best(text: str, spans: Iterable[Span]) -> tuple[Span, float] | None:
    gains = [(span, _gain(text[span.start : span.end])) for span in spans if span.start < span.end]
    return max(gains, key=lambda told: told[1], default=None)


def _gain(piece: str) -> float:
    """Return by how much the likeliest reading of a piece is likelier than how it stands."""
    most = -math.inf
    for undo in _UNDO:
        try:
            undone, lost = undo(piece)
        except UnicodeError:
            continue
        if undone and log_probability(undone) >= _SOUND * len(undone):
            most = max(most, _likelihood(undone) + lost * _LOST)
    # Hardly anything has a sound reading: most pieces need not be cut into words.
    return most if most == -math.inf else most - _likelihood(piece)


def _likelihood(text: str) -> float:
    """Return the log probability of the characters, and that they stand together in words."""
    inside = inside_words(fold(text))
    pairs = [match.start() + 1 for match in _PAIR.finditer(text)]
    told = sum(_INSIDE if place in inside else _BETWEEN for place in pairs)
    return log_probability(text) + told


def _read(content: bytes, encoding: str) -> tuple[str, int]:
    """Return the text, and how many characters are lost: the last one, or whatever UTF-8 tells."""
    if encoding == "utf-8":
        text = content.decode(encoding, "replace")
        return text.replace("\ufffd", ""), text.count("\ufffd")
    try:
        return content.decode(encoding), 0
    except UnicodeDecodeError:
        return content[:-1].decode(encoding), 1


def _late(piece: str) -> tuple[str, int]:
    """Return a piece as GBK read from the byte behind its first."""
    text, lost = _read(piece.encode("gb18030")[1:], "gb18030")
    return text, lost + 1


def _bytes_of_latin(piece: str) -> bytes:
    """Return the bytes of a text in Windows-1252; those without a character there stand as C1."""
    content = bytearray()
    for character in piece:
        try:
            content += character.encode("windows-1252")
        except UnicodeEncodeError:
            content += character.encode("latin-1")
    return bytes(content)


# What was written, and as what it was read.
_UNDO: tuple[Undo, ...] = (
    _late,
    lambda piece: _read(piece.encode("gb18030"), "utf-8"),
    lambda piece: _read(piece.encode("gb18030"), "big5hkscs"),
    lambda piece: _read(piece.encode("big5hkscs"), "gb18030"),
    lambda piece: _read(_bytes_of_latin(piece), "utf-8"),
    lambda piece: _read(_bytes_of_latin(piece), "gb18030"),
    lambda piece: _read(_bytes_of_latin(piece), "big5hkscs"),
)


def _united(spans: list[Span]) -> list[Span]:
    united: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if united and span.start <= united[-1].end:
            united[-1] = Span(united[-1].start, max(united[-1].end, span.end))
        else:
            united.append(span)
    return united
