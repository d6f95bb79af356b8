"""Documents wait on the disk: what is put in comes out, and little of it is in memory meanwhile."""

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import tiny_model

from index import IndexFolderError, Passage, build_index, open_index
from index.chosen import Chosen
from index.folding import fold
from index.reading import numbered, read
from index.rows import Rows, Texts, Told, folded, sentences_of
from index.spool import Spool, Waiting
from index.store import Entry, Store, write_store


def count(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def entry_of(path: str, text: str) -> Entry:
    return read(path, text.encode(), count, 500)


ENTRIES = [
    entry_of("/d/a.txt", "題目\n\n第一句。第二句！\n\n第二段，有「引號」。"),
    entry_of("/d/b.md", "# 甲\n\n## 乙\n\n一段話，𠮷字在內。\n"),
    entry_of("/d/c.txt", "只有一段。"),
]


def as_read(entry: Entry) -> Entry:
    return numbered(entry, 0)


def test_what_is_put_in_comes_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert not spool
    for entry in ENTRIES:
        spool.put(entry)
    assert len(spool) == 3
    for entry in reversed(ENTRIES):
        id_ = entry.document.id
        assert id_ in spool
        assert as_read(spool.entry(id_)) == as_read(entry)
        assert spool[id_] == Waiting(
            entry.document.path, id_, entry.document.content_hash, len(entry.passages)
        )
    assert [one.id for one in spool] == [entry.document.id for entry in ENTRIES]


def test_what_is_put_in_again_takes_the_place(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for entry in ENTRIES:
        spool.put(entry)
    other = entry_of("/d/a.txt", "另一個內容。\n\n又一段。\n\n還有一段。")
    spool.put(other)
    assert len(spool) == 3
    assert as_read(spool.entry(other.document.id)) == as_read(other)
    assert as_read(spool.entry(ENTRIES[1].document.id)) == as_read(ENTRIES[1])
    spool.drop(other.document.id)
    spool.drop("unknown")
    assert other.document.id not in spool
    with pytest.raises(KeyError):
        spool.entry(other.document.id)
    spool.put(other)
    assert as_read(spool.entry(other.document.id)) == as_read(other)


def test_the_file_is_removed_and_what_is_known_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.close()
    spool.put(ENTRIES[0])
    assert (tmp_path / "spool").is_file()
    spool.close()
    spool.close()
    assert list(tmp_path.iterdir()) == []
    assert spool[ENTRIES[0].document.id].path == "/d/a.txt"


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "none" / "spool")
    with pytest.raises(IndexFolderError, match="Make room on the disk"):
        spool.put(ENTRIES[0])
    assert not spool


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    first, entries = 0, []
    for entry in ENTRIES:
        entries.append(numbered(entry, first))
        first += len(entry.passages)
    write_store(tmp_path / "store", entries, [])
    return Rows(Store(tmp_path / "store"))


def test_passages_are_read_by_row(rows: Rows) -> None:
    passages = [
        replace(passage, id=row)
        for row, passage in enumerate(passage for entry in ENTRIES for passage in entry.passages)
    ]
    assert len(rows) == len(passages) == 4
    assert list(rows) == passages == [rows[row] for row in range(4)]
    assert list(rows.some([3, 0])) == [passages[3], passages[0]]
    sizes = rows.sizes()
    assert sizes.searchable.tolist() == [len(one.searchable) for one in passages]
    assert sizes.text.tolist() == [len(one.text) for one in passages]
    assert sizes.sentences.tolist() == [len(one.sentences) for one in passages]
    for row in (-1, 4):
        with pytest.raises(IndexError):
            rows[row]


def test_what_is_told_of_rows_is_told_in_any_order(rows: Rows) -> None:
    wanted = [2, 0, 3]
    told = Told(rows, wanted, folded)
    expected = [fold(rows[row].searchable) for row in wanted]
    assert list(told) == expected == [told[at] for at in range(len(told))]
    assert told[1:] == expected[1:]
    texts = Texts(rows)
    assert list(texts) == [0, 1, 2, 3]
    assert texts[2] == (fold(rows[2].searchable), sentences_of(rows[2]))


@given(st.lists(st.integers()), st.data())
def test_chosen_items_are_those_at_the_positions(items: list[int], data: st.DataObject) -> None:
    at = data.draw(st.lists(st.integers(0, max(0, len(items) - 1)), max_size=9)) if items else []
    chosen = Chosen(items, at)
    assert list(chosen) == [items[one] for one in at]
    assert len(chosen) == len(at)


def test_passages_are_not_all_in_memory_while_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(tmp_path / "tiny")
    monkeypatch.setattr("index.rows._KEPT", 8)
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(40):
        text = "\n\n".join(f"第{number}篇，第{part}段的內容。" for part in range(20))
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")

    def alive() -> int:
        gc.collect()
        return sum(type(one) is Passage for one in gc.get_objects())

    before, seen = alive(), []

    def told(stage: str, done: int, _total: int) -> None:
        if (stage, done) in (("read", 40), ("embed", 400), ("embed", 800), ("write", 1)):
            seen.append((stage, alive() - before))

    report = build_index(folder, index_dir=tmp_path / "index", model=str(model), progress=told)
    assert report.passages == 800
    assert [stage for stage, _ in seen] == ["read", "embed", "embed", "write"]
    assert max(count for _, count in seen) < 300
    with open_index(tmp_path / "index") as opened:
        assert len(opened) == 800
    assert not list((tmp_path / "index").rglob(".*.sqlite"))
    assert not list((tmp_path / "index").rglob(".*.npy"))
