"""Bytes → text: which encoding they are in, and which of them are in none.

A guess is checked against the language. Each candidate reads the bytes; what a reading is worth is
the probability of its characters in Chinese text, a wrong one is made of rare characters and
errors. Candidates are few and all read the same bytes, so the sums can be compared as they are.
"""

import codecs
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from index.errors import DocumentError, SettingError
from index.folding import fold, han_shares
from index.loaders.decoded import Options, check_length

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# GB18030 holds GBK and GB 2312; Big5-HKSCS holds Big5. Windows-1252 is there so that a Western text
# is not read as rare Han characters.
_CANDIDATES = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be", "windows-1252")
_SAMPLE = 32 * 1024  # bytes
_TELLING = re.compile(rb"[\x00\x80-\xff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_FEW_ERRORS = 0.05  # of the characters beyond ASCII
_MOST_UNDECODABLE = 0.1  # of the characters; 0.3 of random bytes are, read as GB18030
_MOST_CONTROLS = 0.05
_LEAST_LIKELY = -12  # of a character: Chinese text has -6.5, a wrong reading -15
_POSITIONS = 5  # told of each file
_SHORT = 200  # characters that are not worth counting


@dataclass(frozen=True)
class Text:
    """Bytes as text.

    Attributes:
        text: undecodable bytes are U+FFFD in it.
        encoding: the one they were read in.
        notes: where the undecodable bytes stand.
    """

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode(content: bytes, options: Options, *, declared: str | None = None) -> Text:
    """Return the text of some bytes.

    Args:
        content: the bytes.
        options: may force an encoding; that one is used whatever it gives.
        declared: the encoding the bytes name themselves, believed if they can be read in it.

    Raises:
        DocumentError: they are no text in any known encoding, or too long a text.
        SettingError: the forced encoding is unknown.
    """
    if options.encoding is not None:
        encoding = _known(options.encoding)
    else:
        encoding = _marked(content) or _believed(content, declared) or detect(content)
    check_length(len(content) // 4, options.limits.max_characters)  # 4 bytes a character at most
    text, errors = _read(content, encoding)
    text = _SURROGATE.sub(_REPLACEMENT, text)  # which some encodings that can be forced let pass
    check_length(len(text), options.limits.max_characters)
    _check_is_text(text, encoding, errors)
    return Text(text, encoding, _notes(encoding, errors))


def detect(content: bytes) -> str:
    """Return the encoding in which bytes without a byte-order mark are the likeliest Chinese text.

    A character that is cut off at their end does not count against it.

    Raises:
        DocumentError: as what they are they are no likely text.
    """
    if b"\x00" not in content and _is_utf8(content):
        return "utf-8"
    telling = _TELLING.search(content)
    start = telling.start() if telling else 0
    readings = {}
    for encoding in _CANDIDATES:
        # A character of UTF-16 begins at an even place, one of the others where ASCII ends.
        begin = start & ~1 if encoding.startswith("utf-16") else start
        readings[encoding], _ = _read(content[begin : begin + _SAMPLE], encoding, is_cut=True)
    scores = {encoding: log_probability(text) for encoding, text in readings.items()}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] < _LEAST_LIKELY * len(readings[best]):
        raise DocumentError(
            "it is no text, or in no encoding that can be told from its bytes. "
            "Name the encoding if you know it, or leave it out."
        )
    return best


def log_probability(text: str) -> float:
    """Return the natural logarithm of how probable a text's characters are in Chinese text."""
    if len(text) <= _SHORT:
        return sum(map(_LOG_SHARES.__getitem__, text))
    return sum(count * log_share(character) for character, count in Counter(text).items())


class _LogShares(dict[str, float]):
    """Works each character out when it is first seen."""

    def __missing__(self, character: str) -> float:
        self[character] = share = math.log(_share(character))
        return share


_LOG_SHARES = _LogShares()


def log_share(character: str) -> float:
    """Return the natural logarithm of a character's share of Chinese text."""
    return _LOG_SHARES[character]


# Shares of all characters. Orders of magnitude are enough: what separates readings is that the
# right one is made of characters a thousand times as frequent.
_HAN_ALL, _HAN_UNKNOWN = 0.75, 3e-8
_MARKS = frozenset("，。、；：？！“”‘’（）《》「」『』〈〉【】…—·％　")
_SHARES = (
    (re.compile("[\t\n\r]"), 2e-2),
    (re.compile("\xa0"), 1e-3),
    (re.compile("[ -~]"), 2e-3),
    (re.compile("[\x00-\x1f\x7f]"), 1e-9),
    (re.compile("[\x80-\x9f\ue000-\uf8ff\U000f0000-\U0010ffff]"), 1e-10),
    (re.compile("[\u00c0-\u00ff]"), 1e-3),
    (re.compile("[\u00a0-\u00bf\u0100-\u024f\u2010-\u2027\u02c7-\u02cb]"), 1e-5),
    (re.compile("[\uff01-\uff5e]"), 2e-4),
    (re.compile("[\ufe50-\ufe6b]"), 2e-5),
    (re.compile("[\u2460-\u2473\u25a0-\u25ff\u2160-\u217b\u2190-\u2193\u00d7\u3000-\u303f]"), 1e-4),
    (re.compile("[\u3041-\u30ff\u0391-\u03c9\u0410-\u044f\u3105-\u3129]"), 1e-6),
    (re.compile("[\u2000-\u2fff\ufe00-\ufe6f]"), 1e-7),
    (re.compile(_REPLACEMENT), 1e-9),
)
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_OTHER = 1e-8


def _share(character: str) -> float:
    if _HAN.match(character):
        return max(_HAN_ALL * han_shares().get(fold(character), 0.0), _HAN_UNKNOWN)
    if character in _MARKS:
        return 4e-3
    return next((share for pattern, share in _SHARES if pattern.match(character)), _OTHER)


# ---- reading -------------------------------------------------------------------------------------


@dataclass
class _Errors:
    """Undecodable bytes."""

    count: int = 0
    first: list[tuple[int, int]] = field(default_factory=list)  # position and value

    def add(self, error: UnicodeDecodeError) -> None:
        self.count += 1
        if len(self.first) < _POSITIONS:
            self.first.append((error.start, error.object[error.start]))


_noted: ContextVar[_Errors] = ContextVar("noted")


def _note(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _noted.get().add(error)
    return _REPLACEMENT, error.end


codecs.register_error("yinzheng.note", _note)


@contextmanager
def _noting() -> Iterator[_Errors]:
    errors = _Errors()
    token = _noted.set(errors)
    try:
        yield errors
    finally:
        _noted.reset(token)


def _read(content: bytes, encoding: str, *, is_cut: bool = False) -> tuple[str, _Errors]:
    """Return the text with U+FFFD where bytes are undecodable, and where that was."""
    with _noting() as errors:
        decoder = codecs.getincrementaldecoder(encoding)("yinzheng.note")
        return decoder.decode(content, final=not is_cut), errors


def _is_utf8(content: bytes) -> bool:
    """Return whether bytes are UTF-8, but for a few; text in another encoding hardly ever is."""
    text, errors = _read(content, "utf-8", is_cut=True)
    if not errors.count:
        return True
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return errors.count <= _FEW_ERRORS * beyond_ascii


def _marked(content: bytes) -> str | None:
    return next((e for mark, e in _BYTE_ORDER_MARKS if content.startswith(mark)), None)


# Pages say gb2312 and mean what browsers take it for.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "iso8859-1": "cp1252"}


def _believed(content: bytes, declared: str | None) -> str | None:
    """Return the declared encoding when all bytes can be read in it."""
    if declared is None or b"\x00" in content:
        return None
    try:
        encoding = _known(declared)
    except SettingError:
        return None
    return None if _read(content, encoding)[1].count else encoding


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        b"x".decode(name, "replace")  # refuses codecs that are not of text
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError) as error:
        raise SettingError(
            f"There is no text encoding {encoding!r}. "
            "Give one such as utf-8, gb18030, big5hkscs or utf-16."
        ) from error
    return _WIDER.get(name, name)


# ---- what is no text -------------------------------------------------------------------------

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def _check_is_text(text: str, encoding: str, errors: _Errors) -> None:
    if errors.count > _MOST_UNDECODABLE * len(text):
        raise DocumentError(
            f"most of it cannot be read as text: as {encoding}, the likeliest encoding, "
            f"{errors.count:,} pieces are undecodable, the first at byte {errors.first[0][0]:,} "
            f"(0x{errors.first[0][1]:02X}). Name the encoding if you know it, or leave it out."
        )
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    if controls > _MOST_CONTROLS * len(text):
        raise DocumentError(
            f"it is no text: {controls:,} of its {len(text):,} characters are control characters. "
            "Leave it out."
        )


def _notes(encoding: str, errors: _Errors) -> tuple[str, ...]:
    if not errors.count:
        return ()
    places = ", ".join(f"{at:,} (0x{value:02X})" for at, value in errors.first)
    more = ", …" if errors.count > len(errors.first) else ""
    pieces = "1 piece" if errors.count == 1 else f"{errors.count:,} pieces"
    told = f"{pieces}, at byte {places}{more}"
    return (f"Undecodable as {encoding}, and U+FFFD in the text: {told}.",)
