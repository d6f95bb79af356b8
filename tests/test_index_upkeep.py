"""Older generations: listed, gone back to, removed when nobody reads them."""

from pathlib import Path

import pytest

from index import (
    IndexDamagedError,
    IndexNotFoundError,
    SettingError,
    build_index,
    list_generations,
    open_index,
    prune,
    rollback,
)
from index.__main__ import main
from index.generation import name_in_use, sealed


def test_generations_are_listed_with_who_has_them(two_generations: Path) -> None:
    newest, older = list_generations(two_generations)
    assert (newest.documents, newest.passages, older.passages) == (1, 2, 1)
    assert (newest.is_in_use, older.is_in_use) == (True, False)
    assert (newest.is_held, older.is_held, newest.problem) == (False, False, "")
    folder = two_generations / "generations" / newest.name
    sizes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert newest.bytes_on_disk == sizes
    assert newest.created is not None
    with open_index(two_generations):
        assert [one.is_held for one in list_generations(two_generations)] == [True, False]
    assert [one.is_held for one in list_generations(two_generations)] == [False, False]
    with pytest.raises(IndexNotFoundError, match="python -m index build"):
        list_generations(two_generations / "nowhere")


def test_going_back_and_forth(two_generations: Path) -> None:
    newest, older = (one.name for one in list_generations(two_generations))
    with open_index(two_generations) as index:
        assert len(index) == 2
        assert rollback(two_generations) == older == name_in_use(two_generations)
        assert index.refresh()
        assert len(index) == 1
    with pytest.raises(IndexNotFoundError, match="oldest there is"):
        rollback(two_generations)
    assert rollback(two_generations, newest) == name_in_use(two_generations) == newest
    with pytest.raises(IndexNotFoundError, match=f"'x' in .*Choose one of {newest}, {older}"):
        rollback(two_generations, "x")


def test_nobody_goes_back_to_a_damaged_one(two_generations: Path) -> None:
    newest, older = sealed(two_generations)
    content = bytearray((older / "segments/0/tokens" / "vectors.npy").read_bytes())
    content[-1] ^= 1  # which opening would not find
    (older / "segments/0/tokens" / "vectors.npy").write_bytes(bytes(content))
    with pytest.raises(IndexDamagedError, match=r"vectors\.npy was altered.*left as it is"):
        rollback(two_generations)
    assert name_in_use(two_generations) == newest.name


def test_without_a_current_the_newest_is_gone_back_to(two_generations: Path) -> None:
    newest = name_in_use(two_generations)
    (two_generations / "CURRENT").unlink()
    with pytest.warns(match="CURRENT is missing.*index rollback.*Until then the generation 000002"):
        open_index(two_generations).close()
    assert rollback(two_generations) == newest


def test_pruning_keeps_what_is_read_and_what_is_in_use(two_generations: Path) -> None:
    newest, older = (one.name for one in list_generations(two_generations))
    size = list_generations(two_generations)[1].bytes_on_disk
    with open_index(two_generations) as index:
        rollback(two_generations, older)
        report = prune(two_generations, keep=1)
        assert (report.removed, report.held, report.freed_bytes) == ([], [newest], 0)
        assert len(index.get_passages([0, 1])) == 2
        rollback(two_generations, newest)
        report = prune(two_generations, keep=1)
    assert (report.removed, report.held, report.freed_bytes) == ([older], [], size)
    assert prune(two_generations, keep=1).removed == []
    with pytest.raises(SettingError, match="at least 1"):
        prune(two_generations, keep=0)


def test_a_view_of_a_generation_keeps_it(two_generations: Path) -> None:
    """Who refreshed holds the old one no longer, unless somebody still asks it."""
    older = list_generations(two_generations)[1].name
    index = open_index(two_generations)
    view = index.snapshot()
    rollback(two_generations)
    assert index.refresh()
    assert [one.is_held for one in list_generations(two_generations)] == [True, True]
    assert len(view.get_passages([0, 1])) == 2
    del view
    assert [one.is_held for one in list_generations(two_generations)] == [False, True]
    assert prune(two_generations, keep=1).removed != [older]
    index.close()


def test_nothing_is_pruned_while_the_one_in_use_is_damaged(two_generations: Path) -> None:
    newest, _ = sealed(two_generations)
    (newest / "segments/0/vectors.faiss").unlink()
    with pytest.raises(IndexDamagedError, match=r"vectors\.faiss is missing"):
        prune(two_generations, keep=1)
    assert len(list_generations(two_generations)) == 2
    assert "is missing" in list_generations(two_generations)[0].problem


def test_by_command(
    two_generations: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--index", str(two_generations)]
    newest, older = (one.name for one in list_generations(two_generations))
    assert main(["info", *where]) == 0
    first, second, *facts = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{newest}  2")
    assert first.endswith("in use")
    assert second.startswith(older)
    assert f"generation     {newest}" in facts
    assert main(["rollback", *where]) == 0
    assert capsys.readouterr().out == f"in use: {older}\n"
    assert main(["rollback", newest, *where, "--wait", "1"]) == 0
    (tmp_path / "new.txt").write_text("丙文件。", encoding="utf-8")
    built = build_index(tmp_path / "new.txt", index_dir=two_generations, model=str(tiny))
    capsys.readouterr()
    with open_index(two_generations):
        assert main(["prune", "--keep", "1", *where]) == 0
    removed, freed = capsys.readouterr().out.splitlines()
    assert removed == f"removed: {newest}"
    assert freed.startswith("freed: 0.1")
    assert [one.name for one in list_generations(two_generations)] == [built.generation]
    assert main(["prune", "--keep", "0", *where]) == 1
    (two_generations / "generations" / built.generation / "manifest.json").write_text("{")
    assert main(["info", *where]) == 1
    out, err = capsys.readouterr()
    assert "manifest.json cannot be read" in out
    assert "manifest.json cannot be read" in err
