"""How often the encoding of a Chinese text is found out, whole and cut at bytes.

Each text is written in each encoding, whole or its first 500, 1,000, 2,000 bytes, wherever in a
character that is. Right is what gives the text back; names do not matter, as GB18030 holds GBK.
"""

import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import DocumentError, EvaluationError
from index.loaders.decoded import Options
from index.loaders.encodings import decode

CUTS: tuple[int | None, ...] = (100, 500, 1000, 2000, None)
"""Bytes kept; None = all. The first is below what is promised, to show where it ends."""

_SIMPLIFIED = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "gb18030", "gbk")
_TRADITIONAL = ("utf-8", "utf-16-le", "gb18030", "big5", "big5hkscs")
_BIG_ENDIAN_MARK = "utf-16-be with mark"

Convert = Callable[[str], str]


@dataclass(frozen=True)
class Measured:
    """How many of the texts in one script and encoding came back, for each cut."""

    name: str
    texts: int
    right: dict[int | None, int]


def measure(texts: Sequence[str]) -> list[Measured]:
    """Return how often a text comes back, for each script and encoding."""
    rows = []
    for script, encodings in (("s", (*_SIMPLIFIED, _BIG_ENDIAN_MARK)), ("t", _TRADITIONAL)):
        convert = _converter("t2s" if script == "s" else "s2t")
        in_script = [convert(text) for text in texts]
        for encoding in encodings:
            name = f"{'Simplified' if script == 's' else 'Traditional'} {encoding}"
            right = {cut: sum(_is_right(t, encoding, cut) for t in in_script) for cut in CUTS}
            rows.append(Measured(name, len(texts), right))
    return rows


def _converter(conversion: str) -> Convert:
    from opencc import OpenCC

    convert: Convert = OpenCC(conversion).convert
    return convert


def _is_right(text: str, encoding: str, cut: int | None) -> bool:
    if encoding == _BIG_ENDIAN_MARK:
        content = b"\xfe\xff" + text.encode("utf-16-be", "ignore")
    else:
        content = text.encode(encoding, "ignore")
    kept = content[:cut]
    codec = "utf-16" if encoding == _BIG_ENDIAN_MARK else encoding
    # The cut character is what the reader makes of it.
    whole = kept.decode(codec, "ignore")
    return _ours(kept).removeprefix("\ufeff").startswith(whole)


def _ours(content: bytes) -> str:
    try:
        return decode(content, Options()).text
    except DocumentError:
        return ""


def read_texts(path: Path, limit: int) -> list[str]:
    """Return the texts of a file: one text (.txt), or JSON lines with a ``text`` (.jsonl, .xz).

    Raises:
        EvaluationError: it is no such file.
    """
    if path.suffix == ".txt":
        return [path.read_text(encoding="utf-8")]
    try:
        return [text for text, _ in zip(_lines(path), range(limit), strict=False)]
    except (ValueError, KeyError, TypeError, EOFError, lzma.LZMAError) as error:
        raise EvaluationError(
            f"{path} holds no texts ({error}). Give a .txt, or .jsonl or .jsonl.xz whose lines "
            'have a "text".'
        ) from error


def _lines(path: Path) -> Iterator[str]:
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield str(json.loads(line)["text"])


def totals(rows: Sequence[Measured]) -> Counter[int | None]:
    """Return how many came back in all, for each cut."""
    total: Counter[int | None] = Counter()
    for row in rows:
        total.update(row.right)
    return total
