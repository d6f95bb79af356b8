"""An open index stays with its generation, takes a new one when told, and survives damage."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from index import (
    Index,
    IndexDamagedError,
    IndexFallbackWarning,
    IndexFolderError,
    IndexNotFoundError,
    Without,
    build_index,
    open_index,
    rollback,
)
from index.__main__ import main
from index.generation import sealed


def texts(index: Index) -> list[str]:
    return [passage.text for passage in index.get_passages(range(len(index)))]


def test_refreshing_takes_the_new_generation(two_generations: Path) -> None:
    with open_index(two_generations) as index:
        before = index.snapshot()
        assert not index.refresh()
        assert index.snapshot() is before
        rollback(two_generations)
        assert texts(index) == ["乙文件講水利。", "乙文件講網絡。"]
        assert index.refresh()
        assert not index.refresh()
        assert texts(index) == ["甲文件講網絡。"]
        assert texts(before) == ["乙文件講水利。", "乙文件講網絡。"]
        assert not before.refresh()
        assert before.generation != index.generation == index.snapshot().generation
        assert index.embedder.encode_queries(["水利"]).shape == (1, 16)


def test_no_view_mixes_generations(two_generations: Path) -> None:
    with open_index(two_generations) as index:
        ((document_id, *_),) = index.document_list()
        hiding = Without(index, [])
        of_old = index.document(document_id)
        rollback(two_generations)
        index.refresh()
        assert index.document(document_id).text == "甲文件講網絡。" != of_old.text
        assert [p.text for p in index.passages_of(document_id)] == ["甲文件講網絡。"]
        assert hiding.document(document_id) == of_old
        assert len(hiding) == len(texts(hiding)) == len(hiding.passages_of(document_id)) == 2
        assert not hiding.refresh()
        assert len(Without(index, [document_id])) == 0


def test_questions_under_way_finish_on_the_generation_they_began_with(
    two_generations: Path,
) -> None:
    index = open_index(two_generations)
    wanted = {2: ["乙文件講水利。", "乙文件講網絡。"], 1: ["甲文件講網絡。"]}
    stop, failures, asked = threading.Event(), [], [0, 0]

    def ask(number: int) -> None:
        while not stop.is_set():
            view = index.snapshot()
            found = [len(view), texts(view), view.frequency("乙"), view.generation]
            again = [len(view), texts(view), view.frequency("乙"), view.generation]
            if found != again or found[1] != wanted[len(view)]:
                failures.append((found, again))
            asked[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    names = [folder.name for folder in sealed(two_generations)]
    for turn in range(30):
        rollback(two_generations, names[turn % 2])
        index.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    index.close()
    assert failures == []
    assert min(asked) > 0


def test_a_call_inside_survives_a_refresh(two_generations: Path) -> None:
    """Even on the index itself, where two calls may speak of two generations."""
    index = open_index(two_generations)
    inside = index._opened.store.get_passages
    rollback(two_generations)
    assert index.refresh()
    assert [passage.text for passage in inside([0])] == ["乙文件講水利。"]
    index.close()


def test_many_threads_refresh_at_once(two_generations: Path) -> None:
    index = open_index(two_generations)
    rollback(two_generations)
    changed: list[bool] = []
    threads = [threading.Thread(target=lambda: changed.append(index.refresh())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changed) == [*[False] * 7, True]
    index.close()


def test_a_damaged_generation_is_answered_for_by_the_newest_good_one(
    two_generations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = sealed(two_generations)
    (newest / "segments/0/vectors.faiss").write_bytes(
        b"x" * (newest / "segments/0/vectors.faiss").stat().st_size
    )
    with pytest.warns(
        IndexFallbackWarning, match=rf"vectors\.faiss.*generation {older.name}, built"
    ):
        index = open_index(two_generations)
    with index:
        assert index.generation == older.name
        assert "vectors.faiss" in index.warning == index.snapshot().warning
        assert not index.refresh()
        assert texts(index) == ["甲文件講網絡。"]
    assert main(["info", "--index", str(two_generations)]) == 0
    assert capsys.readouterr().err.startswith(
        f"index: {newest}/segments/0/vectors.faiss cannot be read"
    )
    (older / "segments/0/passages.sqlite").unlink()
    with pytest.raises(IndexDamagedError, match=rf"{newest.name}/segments/0/vectors\.faiss"):
        open_index(two_generations)


def test_a_reader_stays_with_what_it_has_when_the_new_one_is_damaged(
    two_generations: Path, tiny: Path, tmp_path: Path
) -> None:
    with open_index(two_generations) as index:
        old = index.generation
        (tmp_path / "new.txt").write_text("丙文件。", encoding="utf-8")
        report = build_index(tmp_path / "new.txt", index_dir=two_generations, model=str(tiny))
        (
            two_generations / "generations" / report.generation / "segments/0/passages.sqlite"
        ).unlink()
        with pytest.warns(IndexFallbackWarning, match=f"generation {old}"):
            assert not index.refresh()
        assert index.generation == old
        assert "passages.sqlite is missing" in index.warning
        assert not index.refresh(), "and without another warning"
        report = build_index(tmp_path / "new.txt", index_dir=two_generations, model=str(tiny))
        assert index.refresh()
        assert (index.generation, index.warning) == (report.generation, "")
        assert texts(index) == ["丙文件。"]


def test_a_reader_says_that_the_index_is_gone(two_generations: Path, tmp_path: Path) -> None:
    with open_index(two_generations) as index:
        two_generations.rename(tmp_path / "elsewhere")
        with pytest.raises(IndexNotFoundError, match="There is no index"):
            index.refresh()
        assert len(texts(index)) == 2, "what is open can still be read"


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="a disk for reading only needs root"
)
def test_a_disk_for_reading_only(
    two_generations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = sorted(path.name for path in two_generations.rglob("*"))
    mounted = ["mount", "--bind", str(two_generations), str(two_generations)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(two_generations)], check=True)
        with open_index(two_generations) as index:
            assert texts(index) == ["乙文件講水利。", "乙文件講網絡。"]
            assert index.frequency("水利") == 1
            index.verify()
        with pytest.raises(IndexFolderError, match="cannot be locked"):
            rollback(two_generations)
    finally:
        subprocess.run(["umount", "-l", str(two_generations)], check=True)
    assert sorted(path.name for path in two_generations.rglob("*")) == before
    assert not list((tmp_path / "cache" / "yinzheng").iterdir())


def test_a_generation_pruned_while_it_was_being_opened(
    two_generations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CURRENT was read, then another writer swapped and removed what it named."""
    from index import generation

    newest, older = sealed(two_generations)
    read_current = generation.read_current
    reads = []

    def read_then_swap(index_dir: Path) -> bytes:
        content = read_current(index_dir)
        reads.append(content)
        if len(reads) == 1:
            generation.use(index_dir, older)
            newest.rename(newest.with_name(f".{newest.name}.removed"))
        return content

    monkeypatch.setattr(generation, "read_current", read_then_swap)
    with open_index(two_generations) as index:
        assert (index.generation, index.warning) == (older.name, "")
