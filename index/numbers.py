"""Folded text → its numbers as Arabic digits, so that 3.65万, 三万六千五百 and 36500 are one term.

What is read: Arabic numbers with thousands separators, decimals, 百千万亿 behind them; Chinese
numerals, also those of cheques (壹拾万); digits one by one (二〇二二年, three or more); decimals
(十一点二); 百分之, 千分之, other fractions; years of the Republic (民国111年), which also count as
2022.

What is left alone, because it is not one number or not a number at all: a lone numeral without 第
before it or a measure word behind it (三峡, 一般, 统一); a unit without a count (万一, 千万,
百姓); neighbours that stand for "about" or a list (三四百, 几十万, 二十多万, 一二线); a time of day
(八点三十分); 兆, which is 10¹² in Taiwan and 10⁶ elsewhere. A sign before a number is not read.

cn2an converts numerals that were already found: it raises on one that is badly formed, and its
``transform`` rewrites every 一 (一般 → 1般). Finding them is the work here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = {han: value for value, han in enumerate("零一二三四五六七八九")} | {"两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_UNITS = _SMALL | _LARGE
_LEXEME = re.compile(
    "(?P<arabic>[0-9]+(?:[,.][0-9]+)*)"
    "|(?P<han>[零一二三四五六七八九两十百千万亿])"
    "|(?<=[零一二三四五六七八九十百千万两])点"
    "(?P<decimals>[零0一二三四五六七八九]+)(?![零一二三四五六七八九十百千0-9滴线]|分(?!之)|刻)"
)
_ONE_BY_ONE = re.compile("(?=0*[零一二三四五六七八九])[零0一二三四五六七八九]{3,}")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_CHEQUE = re.compile("[壹贰叁肆伍陆柒捌玖][零壹贰叁肆伍陆柒捌玖拾佰仟万亿]+")
_AS_WRITTEN = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
# A lone numeral counts before these. 一 does not: 一个, 一次 and 一年 mostly say "a".
_MEASURE = re.compile(
    "[年月日号岁个人名位件项次种类家条届期章节卷级层楼米元天周倍吨亩]|公[里斤顷]|小时|分钟"
)
_RATIO = re.compile(r"(?<![0-9/.])([1-9][0-9]{0,2})/([1-9][0-9]{0,2})(?![0-9/.])")
_OF_HUNDRED = {"100": "%", "1000": "‰"}
_LONGEST = (
    16  # lexemes of a number, digits of an Arabic one: more is a code, or a table run together
)
_YEAR_NOUGHT = 1911  # 民国1年 is 1912


@dataclass(frozen=True)
class _Run:
    """Numerals that stand side by side.

    Attributes:
        lexemes: an Arabic number, one Han numeral, or ``点`` with its decimals each.
        start: first character.
        end: one past the last character.
    """

    lexemes: list[str]
    start: int
    end: int


def number_terms(folded: str) -> list[str]:
    """Return the numbers of a folded text in digits: ``36500``, ``11.2%``, ``2/3``.

    Left out are those written so already, which are words of the text anyway. Terms hold no white
    space. Linear in the length of the text; raises nothing.
    """
    text = _CHEQUE.sub(_everyday, folded)
    found = [f"{match[1]}/{match[2]}" for match in _RATIO.finditer(text)]
    denominator: _Run | None = None
    for run in _runs(text):
        over = denominator
        denominator = run if text.startswith("分之", run.end) else None
        if over and over.end + 2 == run.start:
            found.extend(_fraction(over, run))
        elif not denominator:
            found.extend(_terms_of(text, run))
    return found


def _everyday(match: re.Match[str]) -> str:
    """``壹拾万`` → ``一十万``; without a unit of its own (陆万) it may be a name or a word."""
    written = match.group()
    return written.translate(_AS_WRITTEN) if re.search("[拾佰仟]", written) else written


def _runs(text: str) -> Iterator[_Run]:
    lexemes: list[str] = []
    start = end = 0
    for match in _LEXEME.finditer(text):
        if match.start() != end and lexemes:
            yield _Run(lexemes, start, end)
            lexemes = []
        start = start if lexemes else match.start()
        lexemes.append(match.group())
        end = match.end()
    if lexemes:
        yield _Run(lexemes, start, end)


def _terms_of(text: str, run: _Run) -> Iterator[str]:
    before, after = text[max(run.start - 2, 0) : run.start], text[run.end : run.end + 2]
    value = _value(run.lexemes)
    if value is None or _is_vague(run, before, after):
        return
    if before == "民国" and after.startswith("年") and 0 < int(value) < 1000:
        yield str(int(value) + _YEAR_NOUGHT)
    written, number = text[run.start : run.end], _canonical(value)
    if after.startswith(("%", "‰")):
        yield number + after[0]
    elif number != written and _is_counted(run, before, after) and not _is_code(written):
        yield number


def _is_vague(run: _Run, before: str, after: str) -> bool:
    """几十万, 二十几, 二十多万: about so many."""
    return (
        (before.endswith(("几", "数")) and run.lexemes[0] in _UNITS)
        or after.startswith("几")
        or (after.startswith(("多", "余", "来")) and after[1:] in _UNITS)
    )


def _is_counted(run: _Run, before: str, after: str) -> bool:
    """Return whether a numeral means its number; a lone one may be part of a word."""
    if len(run.lexemes) > 1 or run.lexemes[0][0].isascii() or before.endswith("第"):
        return True
    if run.lexemes[0] == "一":
        return after.startswith("月")
    return bool(_MEASURE.match(after))


def _is_code(written: str) -> bool:
    """007 and 0755 are names; 05 of 05月 is a number."""
    return written.startswith("0") and written.isdecimal() and not re.fullmatch("0[1-9]", written)


def _fraction(denominator: _Run, numerator: _Run) -> Iterator[str]:
    """百分之三 → 3%, 三分之二 → 2/3."""
    below, above = (_alone(run) for run in (denominator, numerator))
    if below is not None and above is not None:
        part, whole = _canonical(above), _canonical(below)
        mark = _OF_HUNDRED.get(whole)
        yield f"{part}{mark}" if mark else f"{part}/{whole}"


def _alone(run: _Run) -> Decimal | None:
    """The value of a run; beside 分之 a unit without a count is one: 百分之百."""
    if len(run.lexemes) == 1 and run.lexemes[0] in _UNITS:
        return Decimal(_UNITS[run.lexemes[0]])
    return _value(run.lexemes)


def _canonical(value: Decimal) -> str:
    """Write a number in plain digits, without the noughts that say nothing: 3.50 → 3.5."""
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


# ---- lexemes → value -----------------------------------------------------------------------------


def _value(lexemes: list[str]) -> Decimal | None:
    """Return the number that a run of lexemes writes; None when it is not one number."""
    if len(lexemes) > _LONGEST:
        return None
    whole = [lexeme for lexeme in lexemes if lexeme[0] != "点"]
    places = [lexeme[1:] for lexeme in lexemes if lexeme[0] == "点"]
    if not places:
        return _digit_by_digit(whole) or _sum(whole)
    at = lexemes.index("点" + places[0])
    integer = _value(lexemes[:at])
    if len(places) > 1 or integer is None or len(places[0]) > _LONGEST:
        return None
    number = Decimal(f"{integer:f}.{_in_digits(places[0])}")
    return _times_large(number, lexemes[at + 1 :])


def _times_large(number: Decimal, units: list[str]) -> Decimal | None:
    """一点二万亿: only 万, 亿 and 万亿 follow a decimal written in Chinese."""
    if units not in ([], ["万"], ["亿"], ["万", "亿"]):
        return None
    for unit in units:
        number *= _LARGE[unit]
    return number


def _in_digits(han: str) -> str:
    return "".join(str(_DIGITS.get(character, character)) for character in han)


def _digit_by_digit(lexemes: list[str]) -> Decimal | None:
    """二0二二 → 2022, from three digits on: two are a guess (五六个) or a list (一二线)."""
    written = "".join(lexemes)  # 〇 is folded to 0
    return Decimal(_in_digits(written)) if _ONE_BY_ONE.fullmatch(written) else None


def _sum(lexemes: list[str]) -> Decimal | None:
    """Return Σ count × unit, units falling: 一亿二千万, 3万5千, 三万五 (= 35,000)."""
    if lexemes == ["一", "十"]:  # 唯一十分 …: the number is written 十
        return None
    reading = _Reading()
    for place, lexeme in enumerate(lexemes):
        if not reading.take(lexeme, is_first=place == 0, is_last=place == len(lexemes) - 1):
            return None
    return reading.total


class _Reading:
    """What has been read of a number, from its largest unit down."""

    def __init__(self) -> None:
        self._done = Decimal(0)  # of 亿 and 万 that are over
        self._section = Decimal(0)  # below 万
        self._count: Decimal | None = None
        self._limit = Decimal("Infinity")  # a count or unit that follows is smaller than this
        self._had: list[int] = []  # which of 万 and 亿 were read
        self._after_nought = False

    @property
    def total(self) -> Decimal:
        return self._done + self._section + (self._count or 0)

    def take(self, lexeme: str, *, is_first: bool, is_last: bool) -> bool:
        """Read one lexeme; False when no number goes on so."""
        if lexeme in ("零", "0"):  # 〇 is folded to 0
            fits = not is_first and not is_last and self._count is None
            self._after_nought = True
            return fits
        if lexeme in _SMALL:
            return self._take_small(Decimal(_SMALL[lexeme]))
        if lexeme in _LARGE:
            return self._take_large(_LARGE[lexeme])
        return self._take_count(lexeme, is_first=is_first, is_last=is_last)

    def _take_count(self, lexeme: str, *, is_first: bool, is_last: bool) -> bool:
        is_han = lexeme in _DIGITS
        count = Decimal(_DIGITS[lexeme]) if is_han else _arabic(lexeme)
        if count is None or self._count is not None or count >= self._limit:
            return False
        if is_han and is_last and not is_first and not self._after_nought:
            count *= self._worth_of_last(lexeme)
        self._count = count
        return True

    def _worth_of_last(self, lexeme: str) -> Decimal:
        """三万五 is 35,000; but in 三万一共 and 二十两 the last is no part of the number."""
        if lexeme == "两" or (lexeme == "一" and self._limit >= 100):
            return Decimal(0)
        return self._limit / 10 if self._limit >= 100 else Decimal(1)

    def _take_small(self, unit: Decimal) -> bool:
        if self._count is None and unit == 10 and not self._section:
            self._count = Decimal(1)  # 十五; but 百, 千 and 万 are counted
        if self._count is None or unit >= self._limit:
            return False
        self._section += self._count * unit
        self._count, self._limit, self._after_nought = None, unit, False
        return True

    def _take_large(self, unit: int) -> bool:
        section = self._section + (self._count or 0)
        if unit == _LARGE["亿"]:  # 万 before 亿 counts it: 一万二千亿
            section, self._done = section + self._done, Decimal(0)
        if not section or unit in (self._had if unit == _LARGE["亿"] else self._had[-1:]):
            return False
        self._done += section * unit
        self._section, self._count, self._after_nought = Decimal(0), None, False
        self._limit = Decimal(unit)
        self._had.append(unit)
        return True


def _arabic(lexeme: str) -> Decimal | None:
    """Return the value of an Arabic number; None for a date, a version, a list."""
    plain = lexeme.replace(",", "")
    if len(plain) > _LONGEST or not (_PLAIN.fullmatch(lexeme) or _GROUPED.fullmatch(lexeme)):
        return None
    return Decimal(plain)
