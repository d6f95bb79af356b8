"""One file: its document, its keys, and what became of every line of it."""

import pytest

from index import DocumentError, Dropped, duplicate_key, fold
from index.keys import vector_key
from index.reading import numbered, read, way_of_reading, with_keys_of_today
from index.store import Entry

MARKDOWN = """# 題目

第一段。

[link]: https://example.org

## 無下文

"""


def read_text(path: str, text: str) -> Entry:
    return read(path, text.encode(), lambda texts: [len(text) for text in texts], 200)


def test_nothing_is_dropped_silently() -> None:
    facts = read_text("/d/a.md", MARKDOWN).facts
    assert facts.kind == "md"
    assert facts.dropped == (
        Dropped("heading with no paragraph below it", 1),
        Dropped("line outside every paragraph", 1),
    )
    assert read_text("/d/a.txt", "題目\n\n第一段。\n").facts.dropped == ()


def test_joined_lines_are_counted() -> None:
    wrapped = (
        "烏海市全程網辦事項量提升了百分之十五，這是一個很\n大的進步，值得各盟市認真學習和借\n鑒。"
    )
    facts = read_text("/d/a.txt", wrapped).facts
    assert (facts.merged, facts.kind, facts.reading) == (2, "txt", way_of_reading())


def test_keys_are_those_of_the_folded_texts() -> None:
    entry = read_text("/d/a.txt", "題目\n\n第一句。第二句！\n\n第二段。")
    for passage, keys in zip(entry.passages, entry.keys, strict=True):
        spans = passage.searchable_sentences
        assert keys.vectors == vector_key(fold(passage.searchable), spans)
        assert [passage.searchable[s.start : s.end] for s in spans] == passage.sentence_texts
        assert keys.duplicate == duplicate_key(passage.text)
    assert with_keys_of_today(entry) == entry
    assert [one.id for one in numbered(entry, 7).passages] == [7, 8]


def test_no_text_is_an_error() -> None:
    with pytest.raises(DocumentError, match=r"a\.txt holds no text"):
        read_text("/d/a.txt", " \n")
