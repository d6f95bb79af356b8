"""Files → decoded text and blocks: what holds for every format, and Markdown."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import DocumentError, SettingError
from index.loaders import LOADERS, Limits, load
from index.loaders.decoded import Decoded, Options
from index.loaders.kinds import SUFFIXES

MARKDOWN = """# 標題 #

第一段有
換行。

- 項目一
- **項目二**

> 引文
> 二行

副題
----

| 甲 | 乙 |
|----|----|
| 1  | 2  |

```
code
```
"""


def blocks_of(decoded: Decoded) -> list[tuple[str, int | None]]:
    return [(decoded.text[b.start : b.end], b.level) for b in decoded.blocks or ()]


def check_blocks(decoded: Decoded) -> None:
    """Assert that blocks are in order, apart from one another, and inside the text."""
    at = 0
    for block in decoded.blocks or ():
        assert at <= block.start < block.end <= len(decoded.text)
        at = block.end


def test_markdown_blocks() -> None:
    assert blocks_of(load("a.md", MARKDOWN.encode())) == [
        ("標題", 0),
        ("第一段有\n換行。", None),
        ("項目一", None),
        ("**項目二**", None),
        ("引文\n> 二行", None),
        ("副題", 1),
        ("| 甲 | 乙 |", None),
        ("| 1  | 2  |", None),
        ("```\ncode\n```", None),
    ]


@given(st.text(alphabet="#-*>| \n\r\t`=1.甲乙[]()<&\\\u2028\x0b"))
def test_markdown_blocks_are_in_order_and_inside(text: str) -> None:
    check_blocks(load("a.md", f"甲{text}".encode()))


# What a file of each kind begins with, so that arbitrary bytes get past its door.
BEGINNINGS = [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"<html>", b"From: a\nTo: b\nMIME-Version: 1\n\n"]


@settings(deadline=None)  # the first case loads the dictionary
@given(
    suffix=st.sampled_from([*SUFFIXES, "", ".bin"]),
    beginning=st.sampled_from(BEGINNINGS),
    content=st.binary(max_size=300),
)
def test_any_bytes_give_text_or_a_document_error(
    suffix: str, beginning: bytes, content: bytes
) -> None:
    decoded = error = None
    try:
        decoded = load(f"a{suffix}", beginning + content)
    except DocumentError as raised:
        error = str(raised)
    if error is not None:
        assert error.startswith(f"a{suffix}")
        assert error.isprintable()
    if decoded is not None:
        assert decoded.text.strip()
        assert decoded.kind in LOADERS
        check_blocks(decoded)


@pytest.mark.parametrize("kind", LOADERS)
@settings(deadline=None)
@given(content=st.binary(max_size=200) | st.text(alphabet="<>/ab甲\n,;\t:=\"'&#x", max_size=200))
def test_each_loader_takes_any_bytes(kind: str, content: bytes | str) -> None:
    raw = content.encode() if isinstance(content, str) else content
    with suppress(DocumentError):
        check_blocks(LOADERS[kind](raw, Options()))


@pytest.mark.parametrize(
    ("name", "content", "kind", "note"),
    [
        ("a.txt", b"<!DOCTYPE html><p>\xe7\x94\xb2", "html", "named .txt but holds html"),
        ("a.pdf", "不是。".encode(), "txt", "named .pdf but holds txt"),
        ("讀我", "內容。".encode(), "txt", "no suffix"),
        ("a.log", "內容。".encode(), "txt", "'.log'"),
    ],
)
def test_content_decides_before_the_suffix(name: str, content: bytes, kind: str, note: str) -> None:
    decoded = load(name, content)
    assert decoded.kind == kind
    assert note in decoded.notes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b" \n\t\xe3\x80\x80", "holds no text"),
        (b"\x00" * 100, "no text"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"{\\rtf1 x}", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Office format"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
    ],
)
def test_what_is_no_text_is_refused_with_the_next_step(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=rf"^a\.txt.*{reason}.*\.$"):
        load("a.txt", content)


def test_limits() -> None:
    with pytest.raises(DocumentError, match=r"11 bytes; the limit is 10 bytes \(max_file_size\)"):
        load("a.txt", b"x" * 11, limits=Limits(max_file_size=10))
    with pytest.raises(DocumentError, match=r"more than 5 characters \(max_characters\)"):
        load("a.html", b"<html>123456", limits=Limits(max_characters=5))
    with pytest.raises(SettingError, match="max_pages is 0"):
        Limits(max_pages=0)
