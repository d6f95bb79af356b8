"""Files → decoded text and blocks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import DocumentError
from index.loaders import find_files, load
from index.loaders.decoded import Decoded

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


def test_markdown_blocks() -> None:
    assert blocks_of(load(Path("a.md"), MARKDOWN.encode())) == [
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
    decoded = load(Path("a.md"), text.encode())
    at = 0
    for block in decoded.blocks or ():
        assert at <= block.start < block.end <= len(text)
        at = block.end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_encodings_round_trip(encoding: str) -> None:
    text = "鄂爾多斯 Ordos 𠀀\r\n三端"
    assert load(Path("a.txt"), text.encode(encoding)).text == text


def test_undecodable_bytes_are_reported_with_their_position() -> None:
    with pytest.raises(DocumentError, match=r"a\.txt: byte 6 is not UTF-8 \(0xBC\)"):
        load(Path("a.txt"), "三端".encode() + "嘉".encode("gbk")[:1].replace(b"\xbc", b"\xbc"))


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DocumentError, match=r"'\.xyz'.*\.txt, \.md"):
        load(Path("a.xyz"), b"")


def test_find_files_takes_known_kinds_and_what_is_named(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md", "c.bin", ".hidden.txt", "sub/d.TXT", ".git/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    found = find_files([tmp_path, tmp_path / "c.bin", tmp_path / "b.txt"])
    assert [p.relative_to(tmp_path.resolve()).as_posix() for p in found] == [
        "a.md",
        "b.txt",
        "sub/d.TXT",
        "c.bin",
    ]
    with pytest.raises(DocumentError, match="does not exist"):
        find_files([tmp_path / "missing"])
