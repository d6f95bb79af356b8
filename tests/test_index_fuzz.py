"""Whatever the bytes: read, cleaned, cut and folded, every offset is true, or one error says why.

``YINZHENG_FUZZ=120000 python -m pytest tests/test_index_fuzz.py`` tries that many cases; without
it a slice is tried.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_files import book, raw_docx, workbook, zipped
from pdf_files import typeset

from index import DocumentError, fold, terms
from index.garble import garbled
from index.keys import duplicate_key, find_words
from index.loaders import LOADERS, Limits
from index.reading import read
from index.store import Entry

CASES = int(os.environ.get("YINZHENG_FUZZ", "1200"))
KINDS = sorted(LOADERS)
LIMITS = Limits(max_file_size=1 << 20, max_unpacked=1 << 22, max_xml=1 << 20, max_characters=50_000)
MANY = settings(
    max_examples=CASES // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What the layers look at, so that random texts are full of near misses.
PIECES = st.one_of(
    st.sampled_from(
        [
            *(
                "內(nèi)蒙古",
                "調研(diàoyán)",
                "ㄓㄨㄥ",
                "3.65萬件",
                "１２％",
                "二〇二二年",
                "\u3000",
                "\r\n",
            ),
            *(
                "\n\n",
                "# 甲\n",
                "一、乙",
                "（二）",
                "。”",
                "……",
                "\ufeff",
                "\u202e",
                "\x00",
                "\xad",
            ),
            *(
                "𠮷",
                "e\u0301",
                "ﬁ",
                "㈱",
                "\ud800",
                "鄂爾多斯",
                "鄂尔多斯",
                "a,b\tc",
                "<p>",
                "|---|",
            ),
        ]
    ),
    st.text(max_size=12),
    st.text(alphabet="甲乙丙丁內网，。；： \n1.a", max_size=30),
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


def count_tokens(texts: Sequence[str]) -> list[int]:
    """One token a character: what a model counts is of no matter here."""
    return [len(text) for text in texts]


def check(entry: Entry) -> None:
    text = entry.document.text
    assert len(fold(text)) == len(text)
    source = [entry.document.offsets.to_source(at) for at in range(len(text))]
    assert all(a < b for a, b in pairwise(source))
    for passage in entry.passages:
        assert text[passage.start : passage.end] == passage.text != ""
        assert passage.text == passage.text.strip()
        spans = passage.sentences
        assert (spans[0].start, spans[-1].end) == (passage.start, passage.end)
        assert all(span.start < span.end for span in spans)
        assert all(a.end <= b.start for a, b in pairwise(spans))
        assert duplicate_key(fold(passage.text)) == duplicate_key(passage.text)
        found = find_words(passage.sentence_texts[0], passage.text)
        assert found is not None
        assert 0 <= found.start < found.end <= len(passage.text)
        assert all(terms(passage.searchable))
    inside = [(passage.start, passage.end) for passage in entry.passages]
    assert all(a[1] <= b[0] for a, b in pairwise(sorted(inside)))
    marked = garbled(text)
    assert all(a.end < b.start for a, b in pairwise(marked))
    assert entry.facts.garbled == len(marked)


def read_or_refuse(name: str, content: bytes) -> None:
    try:
        entry = read(name, content, count_tokens, 80, limits=LIMITS)
    except DocumentError as error:
        reason = str(error)
    else:
        check(entry)
        return
    assert reason
    assert "\n" not in reason


@MANY
@given(st.binary(max_size=400), st.sampled_from(KINDS))
def test_any_bytes_under_any_name(content: bytes, kind: str) -> None:
    read_or_refuse(f"a.{kind}", content)


@MANY
@given(TEXTS, st.sampled_from(["utf-8", "gb18030", "utf-16", "big5hkscs"]), st.sampled_from(KINDS))
def test_any_text_in_any_encoding(text: str, encoding: str, kind: str) -> None:
    read_or_refuse(f"a.{kind}", text.encode(encoding, "ignore"))


@cache
def valid(kind: str) -> bytes:
    """Return a sound file of a kind that is not plain text."""
    makers: dict[str, Callable[[], bytes]] = {
        "pdf": partial(typeset, [("h", "水利工作"), ("p", "青山水庫建於1958年。" * 9)]),
        "docx": partial(raw_docx, "<w:p><w:r><w:t>青山水庫建於1958年。</w:t></w:r></w:p>"),
        "xlsx": partial(workbook, [["地區", "產量"], ["烏海", 5], ["包頭", 7.5]]),
        "epub": partial(book, {"a.xhtml": "<h1>甲</h1><p>青山水庫。</p>"}),
        "html": "<h1>甲</h1><table><tr><td>乙</td></tr></table><p>丙。</p>".encode,
        "eml": partial(
            "Subject: 甲\nContent-Type: text/html; charset=gbk\n\n<p>乙".encode, encoding="gbk"
        ),
        "zip": partial(zipped, {"a.txt": "甲。", "b/c.md": "# 乙\n\n丙。"}),
    }
    return makers[kind]()


DAMAGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 6)),
    min_size=1,
    max_size=5,
)


@MANY
@given(st.sampled_from(["pdf", "docx", "xlsx", "epub", "html", "eml", "zip"]), DAMAGES)
def test_sound_files_damaged(kind: str, damages: list[tuple[float, bytes, int]]) -> None:
    content = bytearray(valid(kind))
    for place, put, removed in damages:
        at = int(place * len(content))
        content[at : at + removed] = put
    read_or_refuse(f"a.{kind}", bytes(content))
