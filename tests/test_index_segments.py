"""An addition links what stays: nothing large is read or written, and nothing answers otherwise."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from index import (
    Index,
    IndexDamagedError,
    add_documents,
    build_index,
    list_generations,
    open_index,
    prune,
    remove_documents,
    rollback,
    terms,
    update_documents,
    verify,
)
from index.segments import staying
from qa import ask

SECRET = "甲乙丙丁祕密之言"


@pytest.fixture(autouse=True)
def _model(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINZHENG_MODEL", str(tiny))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Twelve documents of two passages, and room for more."""
    (tmp_path / "docs").mkdir()
    for number in range(12):
        text = f"第{number}份文件講網絡水利。\n\n甲文件{number}。講水利！"
        write(tmp_path / "docs", f"m{number:02}", text)
    return tmp_path / "docs"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder / f"{name}.txt"


def files(folder: Path) -> dict[str, int]:
    """The inode of every file of a generation but its locks."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_ino
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def folder_of(index_dir: Path, name: str) -> Path:
    return index_dir / "generations" / name


def test_what_stays_is_linked_and_survives_the_older_generation(docs: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    first = build_index(docs, index_dir=index_dir)
    report = add_documents(write(docs, "a", "乙文件講水利。"), index_dir=index_dir)
    assert [(Path(file.path).stem, file.status) for file in report.files] == [("a", "new")]
    assert (report.documents, report.passages, report.embedded) == (13, 25, 1)
    before, after = (folder_of(index_dir, one.generation) for one in (first, report))
    old, new = files(before), files(after)
    linked = {name for name in old if new.get(name) == old[name]}
    assert {name for name in old if name.startswith("segments/0/")} <= linked
    assert {
        name for name in old if name.startswith("lexical/") and "meta" not in name
    } - linked <= {"lexical/.managed.json"}
    with open_index(index_dir) as index:
        assert index.info.segments == 2
        assert index.get_passages([0])[0].text == "乙文件講水利。", "a.txt comes first"
    own = sum(
        path.stat().st_size
        for path in before.rglob("*")
        if path.is_file()
        and path.suffix != ".lock"
        and path.relative_to(before).as_posix() not in linked
    )
    freed = prune(index_dir, keep=1)
    assert (freed.removed, freed.freed_bytes) == ([first.generation], own)
    assert verify(index_dir) == []
    with open_index(index_dir) as index:
        assert len(index.get_passages(range(25))) == 25


def test_going_back_from_an_addition(docs: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    first = build_index(docs, index_dir=index_dir)
    add_documents(write(docs, "a", "乙文件講水利。"), index_dir=index_dir)
    assert rollback(index_dir) == first.generation
    add_documents(write(docs, "b", "丙文件。"), index_dir=index_dir)
    assert verify(index_dir) == []
    with open_index(index_dir) as index:
        assert [info.title for info in index.documents()][:2] == ["b", "m00"]
    assert all(verify(index_dir, name=one.name) == [] for one in list_generations(index_dir))


def test_nothing_is_read_of_what_is_only_linked(docs: Path, tmp_path: Path) -> None:
    """A byte that went bad is neither noticed nor covered up; what copies it is refused."""
    index_dir = tmp_path / "index"
    first = build_index(docs, index_dir=index_dir)
    path = folder_of(index_dir, first.generation) / "segments/0/sentences/vectors.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(bytes(content))
    report = add_documents(write(docs, "a", "乙。"), index_dir=index_dir)
    (problem,) = verify(index_dir)
    assert problem.path == str(
        folder_of(index_dir, report.generation) / "segments/0/sentences/vectors.npy"
    )
    assert problem.fact == "was altered after it was built"
    with pytest.raises(IndexDamagedError, match=r"sentences/vectors\.npy was altered"):
        remove_documents(docs / "m03.txt", index_dir=index_dir)
    assert build_index(docs, index_dir=index_dir).notes[0].startswith("Everything was read and emb")
    assert verify(index_dir) == []


def test_a_file_system_without_links_has_copies(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    index_dir = tmp_path / "index"
    first = build_index(docs, index_dir=index_dir)
    monkeypatch.setattr(os, "link", refuse)
    report = add_documents(write(docs, "a", "乙文件講水利。"), index_dir=index_dir)
    inodes = [set(files(folder_of(index_dir, r.generation)).values()) for r in (first, report)]
    assert inodes[0].isdisjoint(inodes[1])
    assert verify(index_dir) == []
    path = folder_of(index_dir, report.generation) / "segments/0/vectors.faiss"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IndexDamagedError, match=r"vectors\.faiss was altered"):
        add_documents(write(docs, "b", "丙。"), index_dir=index_dir)


def test_what_is_removed_is_in_no_file_though_segments_stay(docs: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    build_index(docs, index_dir=index_dir)
    added = add_documents(write(docs, "s", f"{SECRET}。第二句。"), index_dir=index_dir)
    report = remove_documents(docs / "s.txt", index_dir=index_dir)
    before, after = (folder_of(index_dir, one.generation) for one in (added, report))
    assert files(after)["segments/0/vectors.faiss"] == files(before)["segments/0/vectors.faiss"]
    needle = SECRET.encode()
    assert [path for path in before.rglob("*.sqlite") if needle in path.read_bytes()]
    assert not [p for p in after.rglob("*") if p.is_file() and needle in p.read_bytes()]
    with open_index(index_dir) as index:
        assert index.info.segments == 1
        assert index.frequency(terms(SECRET)[-1]) == 0
        index.verify()


def test_a_changed_document_rewrites_its_segment_only(docs: Path, tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    build_index(docs, index_dir=index_dir)
    added = add_documents(write(docs, "x", "乙文件講水利。"), index_dir=index_dir)
    write(docs, "x", "乙文件講水利，又講網絡。")
    report = update_documents(docs / "x.txt", index_dir=index_dir)
    before, after = (folder_of(index_dir, one.generation) for one in (added, report))
    assert files(after)["segments/0/vectors.faiss"] == files(before)["segments/0/vectors.faiss"]
    with open_index(index_dir) as index:
        (held,) = (index.document(i.id) for i in index.documents() if i.title == "x")
        assert held.text == "乙文件講水利，又講網絡。"
        recorded = [one for one in index.versions_of_content("") if one.document_id == held.id]
        assert [one.generation for one in recorded] == [added.generation, report.generation]
        index.verify()


def test_passages_of_one_score_come_in_the_order_of_their_documents(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.segments._SHARE", 0)
    names = [f"{n:02}" for n in range(14)]
    random.Random(1).shuffle(names)
    index_dir, at_once = tmp_path / "index", tmp_path / "at-once"
    build_index(docs, index_dir=index_dir)
    for name in names:
        add_documents(write(docs, name, "丁文件講丁。"), index_dir=index_dir)
    build_index(docs, index_dir=at_once)
    with open_index(index_dir) as one, open_index(at_once) as other:
        assert one.info.segments > 2
        for k in (1, 3, 13, 14, 60):
            assert one.search_lexical(terms("丁"), k) == other.search_lexical(terms("丁"), k)
        assert scores(one) == pytest.approx(scores(other), abs=1e-6)
        mine, theirs = (ask("丁文件講什麼？", index=index) for index in (one, other))
        assert [c.quote for c in mine.citations] == [c.quote for c in theirs.citations]
        ids = [[hit.passage.id for hit in answer.hits] for answer in (mine, theirs)]
        assert ids[0] == ids[1]


def scores(index: Index) -> list[float]:
    return [hit.score for hit in index.search_lexical(terms("第3份甲文件講網絡"), len(index))]


def test_segments_stay_few_and_passages_are_copied_seldom() -> None:
    for size in (1, 3, 7):
        segments: list[int] = []
        copied = 0
        for _ in range(5000):
            left = staying(dict(enumerate(segments)), size)
            merged = sum(segments) - sum(segments[n] for n in left)
            copied += merged
            segments = [*(segments[n] for n in left), merged + size]
            assert len(segments) <= 9
        assert sum(segments) == 5000 * size
        # Each passage some times for each time the index grew fivefold: log₅ 5000 = 5.3
        assert copied / sum(segments) < 4 * 5.3


def test_what_is_written_takes_along_what_is_small_beside_it() -> None:
    assert staying({0: 1000, 1: 4, 2: 5}, 1) == [0], "5 is at most 4 × (1 + 4)"
    assert staying({0: 1000, 1: 5}, 1) == [0, 1]
    assert staying({0: 1000, 1: 100}, 0) == [0, 1], "nothing is written"
    assert staying({n: 5**n * 10 for n in range(8)}, 1) == [1, 2, 3, 4, 5, 6, 7], "too many"
    assert staying({}, 5) == []


def test_a_segment_of_codes_means_the_same_as_the_others(docs: Path, tmp_path: Path) -> None:
    letters = np.random.default_rng(1).choice(list("甲乙文件講网络水利"), (600, 20)).tolist()
    write(docs, "long", "\n\n".join("".join(row) + "。" for row in letters))
    index_dir = tmp_path / "index"
    build_index(docs, index_dir=index_dir, token_vectors="pq")
    report = add_documents(write(docs, "a", "乙水乙利乙。"), index_dir=index_dir)
    assert report.token_vectors == "pq"
    folder = folder_of(index_dir, report.generation)
    of_both = [np.load(folder / f"segments/{n}/tokens/centroids.npy") for n in (0, 1)]
    np.testing.assert_array_equal(*of_both)
    assert verify(index_dir) == []
