"""A generation appears whole or not at all, and nothing else is touched."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from index import IndexDamagedError, IndexFolderError, build_index, open_index
from index import generation as generations
from index.generation import building, name_in_use, seal, swap
from index.locks import Lease
from index.manifest import read_manifest

FACTS: dict[str, Any] = {
    "model": "m",
    "model_revision": "1",
    "dimension": 4,
    "max_tokens": 8,
    "token_vectors": "int8",
    "documents": 1,
    "passages": 1,
}


def build(index_dir: Path, content: str = "x") -> Path:
    with building(index_dir) as folder:
        (folder / "passages.sqlite").write_text(content)
        seal(folder, **FACTS)
        swap(index_dir, folder)
    return folder


def stop_while_building(index_dir: Path, *, swapped: bool) -> None:
    with building(index_dir) as folder:
        seal(folder, **FACTS)
        if swapped:
            swap(index_dir, folder)
        raise KeyboardInterrupt


def names(index_dir: Path) -> list[str]:
    return sorted(path.name for path in (index_dir / "generations").iterdir())


def test_names_grow_whatever_the_clock_says(tmp_path: Path) -> None:
    # One from the future, as a clock that was set back leaves it
    future = tmp_path / "generations" / "000041-29990101T000000Z-aaaaaa"
    future.mkdir(parents=True)
    (future / "manifest.json").write_text("{}")
    first, second = build(tmp_path), build(tmp_path)
    assert [first.name[:6], second.name[:6]] == ["000042", "000043"]
    assert names(tmp_path) == [first.name, second.name]


def test_an_older_naming_counts_as_older(tmp_path: Path) -> None:
    old = tmp_path / "generations" / "29990101T000000Z-aaaaaa"
    old.mkdir(parents=True)
    (old / "manifest.json").write_text("{}")
    assert build(tmp_path).name.startswith("000001-")


def test_everything_is_on_the_disk_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[tuple[int, int], int] = {}
    fsync, replace = os.fsync, Path.replace
    checked = []

    def spy_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced[status.st_dev, status.st_ino] = status.st_mtime_ns
        fsync(descriptor)

    def spy_replace(self: Path, target: Path) -> Path:
        renamed = replace(self, target)
        if target.name == "CURRENT":
            (folder,) = (tmp_path / "index" / "generations").iterdir()
            for path in (folder, *folder.rglob("*")):
                status = path.stat()
                assert synced.get((status.st_dev, status.st_ino)) == status.st_mtime_ns, path
                checked.append(path)
            for above in (folder.parent, tmp_path / "index", tmp_path):
                status = above.stat()
                assert (status.st_dev, status.st_ino) in synced, above
        return renamed

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    with building(tmp_path / "index") as folder:
        (folder / "lexical").mkdir()
        (folder / "lexical" / "meta.json").write_text("{}")
        (folder / "passages.sqlite").write_text("x")
        seal(folder, **FACTS)
        swap(tmp_path / "index", folder)
    assert {path.name for path in checked} >= {"manifest.json", "meta.json", "passages.sqlite"}


def test_a_build_stopped_behind_the_swap_keeps_what_it_built(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stop_while_building(tmp_path, swapped=True)
    name = name_in_use(tmp_path)
    assert names(tmp_path) == [name]
    assert (tmp_path / "generations" / str(name) / "manifest.json").is_file()


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    kept = build(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stop_while_building(tmp_path, swapped=False)
    assert names(tmp_path) == [kept.name]


def test_only_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    kept = build(tmp_path)
    beside = tmp_path / "generations"
    for name in ("000002-20260101T000000Z-abcdef", f".{kept.name}.removed", "my notes", ".mine"):
        (beside / name / "tokens").mkdir(parents=True)
    (tmp_path / ".CURRENT.77.new").write_text("half a na")
    (kept / ".manifest.json.77.new").write_text("half a")
    last = build(tmp_path)
    assert names(tmp_path) == sorted([".mine", "my notes", kept.name, last.name])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "CURRENT", "generations"]
    assert [path.name for path in kept.iterdir() if path.name.startswith(".")] == []


def test_a_link_where_a_file_is_to_be_written_is_not_followed(tmp_path: Path) -> None:
    first, second = build(tmp_path / "index"), build(tmp_path / "index")
    (tmp_path / "mine").write_text("mine")
    for name in (f".CURRENT.{os.getpid()}.new", ".owner"):
        (tmp_path / "index" / name).symlink_to(tmp_path / "mine")
    generations.use(tmp_path / "index", first)
    assert name_in_use(tmp_path / "index") == first.name != second.name
    build(tmp_path / "index")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_generation_in_use_without_its_manifest_is_kept(tmp_path: Path) -> None:
    lost = build(tmp_path)
    (lost / "manifest.json").unlink()
    new = build(tmp_path)
    assert names(tmp_path) == [lost.name, new.name]
    assert (lost / "passages.sqlite").is_file()


def test_numbers_that_leave_no_greater_one(tmp_path: Path) -> None:
    (tmp_path / "generations" / "999999999999-20260101T000000Z-abcdef").mkdir(parents=True)
    (tmp_path / "CURRENT").write_text("999999999999-20260101T000000Z-abcdef\n")
    with pytest.raises(IndexFolderError, match="another folder"):
        build(tmp_path)


def test_the_one_before_is_kept_and_not_only_the_newest(tmp_path: Path) -> None:
    first, second = build(tmp_path), build(tmp_path)
    generations.use(tmp_path, first)
    third = build(tmp_path)
    assert names(tmp_path) == [first.name, third.name], "the second was given up"
    assert second.name not in names(tmp_path)


def test_a_removal_cut_short_leaves_no_half_that_looks_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = build(tmp_path), build(tmp_path)

    def stop(_folder: Path, **_: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path)
    assert first not in generations.sealed(tmp_path)
    assert second in generations.sealed(tmp_path)
    assert f".{first.name}.removed" in names(tmp_path)
    build(tmp_path)
    assert f".{first.name}.removed" not in names(tmp_path)


def test_a_generation_that_is_read_stays(tmp_path: Path) -> None:
    first = build(tmp_path)
    lease = Lease(first / "manifest.json")
    build(tmp_path)
    build(tmp_path)
    assert first.name in names(tmp_path)
    lease.release()
    build(tmp_path)
    assert first.name not in names(tmp_path)


@pytest.mark.parametrize(
    "content", ["../../etc", "/etc", "", "\0", "x" * 300, "000001-20260101T000000Z-abcdef/../x"]
)
def test_current_cannot_name_anything_but_a_generation(two_generations: Path, content: str) -> None:
    (two_generations / "CURRENT").write_text(content)
    assert name_in_use(two_generations) is None
    with pytest.warns(match=r"(not there|cannot be read).*Until then the generation 000002-"):
        open_index(two_generations).close()


def test_what_is_reused_is_checked_byte_by_byte(two_generations: Path) -> None:
    (newest, _) = generations.sealed(two_generations)
    manifest = read_manifest(newest)
    generations.check_files(newest, manifest)
    content = bytearray((newest / "segments/0/passages.sqlite").read_bytes())
    content[-1] ^= 1
    (newest / "segments/0/passages.sqlite").write_bytes(bytes(content))
    with pytest.raises(IndexDamagedError, match=r"passages\.sqlite was altered"):
        generations.check_files(newest, manifest)
    (newest / "segments/0/passages.sqlite").write_bytes(b"")
    with pytest.raises(IndexDamagedError, match=r"passages\.sqlite has 0 bytes"):
        generations.check_files(newest, manifest)


def test_folders_of_links_are_refused(two_generations: Path, tiny: Path, tmp_path: Path) -> None:
    real = two_generations / "generations"
    real.rename(tmp_path / "elsewhere")
    real.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IndexDamagedError, match="symbolic link"):
        open_index(two_generations)
    (tmp_path / "a.txt").write_text("甲。", encoding="utf-8")
    with pytest.raises(IndexFolderError, match="symbolic link"):
        build_index(tmp_path / "a.txt", index_dir=two_generations, model=str(tiny))
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2


def test_an_older_format_is_refused_with_the_command(two_generations: Path) -> None:
    (newest, older) = generations.sealed(two_generations)
    manifest = newest / "manifest.json"
    source = Path(read_manifest(newest).sources[0])
    manifest.write_text(re.sub('"format": 6', '"format": 3', manifest.read_text()))
    with pytest.raises(Exception, match="has index format 3, written by an older") as caught:
        open_index(two_generations)
    # A manifest of another format is not read: the paths are those of the documents.
    command = f"python -m index build {source / 'one.txt'} --index {two_generations}"
    assert str(caught.value).endswith(f"Build it again: {command}")
    assert generations.rebuild_command(two_generations, older).split()[4] == str(source)
