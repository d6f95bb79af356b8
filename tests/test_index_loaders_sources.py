"""Paths → sources: folders, globs, archives, standard input, and whatever lies in a folder."""

import io
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hostile_files
import pytest
from office_files import raw_docx, workbook, zipped

from index import DocumentError, FailedFile
from index.loaders import Limits, Source, find_sources, load


def found(*paths: Path | str, **options: object) -> list[Source | FailedFile]:
    return list(find_sources(paths, **options))  # type: ignore[arg-type]


def names(sources: list[Source | FailedFile], folder: Path) -> list[str]:
    return [source.path.removeprefix(f"{folder.resolve()}/") for source in sources]


def reasons(sources: list[Source | FailedFile]) -> list[str]:
    return [one.reason for one in sources if isinstance(one, FailedFile)]


def write(folder: Path, *paths: str) -> Path:
    for name in paths:
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"{name} 的內容。", encoding="utf-8")
    return folder


def test_folders_give_known_kinds_and_what_is_named(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a.md", "c.bin", ".hidden.txt", "sub/d.TXT", ".git/e.txt", "f.csv")
    (tmp_path / "paper").write_bytes(b"%PDF-1.4 no more")
    skipped: list[str] = []
    sources = found(tmp_path, tmp_path / "c.bin", tmp_path / "b.txt", on_skip=skipped.append)
    assert names(sources, tmp_path) == ["a.md", "b.txt", "f.csv", "paper", "sub/d.TXT", "c.bin"]
    assert sorted(Path(path).name for path in skipped) == [".git", ".hidden.txt", "c.bin"]
    assert all(isinstance(one, Source) and one.read() for one in sources)


def test_a_missing_path_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    for missing in (tmp_path / "missing", tmp_path / "*.pdf", "nul\0name", "x" * 300):
        with pytest.raises(DocumentError, match=r"does not exist|is no path"):
            find_sources([tmp_path, missing])


def test_globs(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.md", "s/c.txt", "[x].txt")
    assert names(found(tmp_path / "*.txt"), tmp_path) == ["[x].txt", "a.txt"]
    assert names(found(str(tmp_path / "**" / "*.txt")), tmp_path) == ["[x].txt", "a.txt", "s/c.txt"]
    assert names(found(tmp_path / "[x].txt"), tmp_path) == ["[x].txt"]


def test_archives_are_folders(tmp_path: Path) -> None:
    inner = zipped({"深.txt": "深處的內容。", "x.bin": b"x"})
    members: dict[str, bytes | str] = {
        "一/b.txt": "第二份。",
        "a.docx": raw_docx("<w:p><w:r><w:t>甲</w:t></w:r></w:p>"),
        "in.zip": inner,
        "__MACOSX/a.txt": "",
        "t.zip": workbook([["表內"]]),
    }
    (tmp_path / "a.zip").write_bytes(zipped(members))
    skipped: list[str] = []
    sources = found(tmp_path, on_skip=skipped.append)
    texts = [load(s.path, s.read()).text for s in sources if isinstance(s, Source)]
    assert dict(zip(names(sources, tmp_path), texts, strict=True)) == {
        "a.zip!/a.docx": "甲",
        "a.zip!/in.zip!/深.txt": "深處的內容。",
        "a.zip!/t.zip": "表1\n表內",
        "a.zip!/一/b.txt": "第二份。",
    }
    assert [path.rpartition("!/")[2] for path in skipped] == ["__MACOSX/a.txt", "x.bin"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_chinese_names_of_members_written_without_saying_how(tmp_path: Path, encoding: str) -> None:
    name = "重要文件/关于治理的报告.txt"
    content = bytearray(zipped({"x" * len(name.encode(encoding)): "內容。"}))
    for _ in range(2):
        at = content.index(b"x" * len(name.encode(encoding)))
        content[at : at + len(name.encode(encoding))] = name.encode(encoding)
    (tmp_path / "a.zip").write_bytes(content)
    assert names(found(tmp_path / "a.zip"), tmp_path) == [f"a.zip!/{name}"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def sources(content: bytes, **options: object) -> list[Source | FailedFile]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return found("-", **options)

    (source,) = sources("內容。".encode("gbk"))
    assert isinstance(source, Source)
    assert (source.path, load("-", source.read()).text) == ("-", "內容。")
    (member,) = sources(zipped({"a.txt": "內容。"}))
    assert member.path == "-!/a.txt"
    (failed,) = sources(b"x" * 11, limits=Limits(max_file_size=10))
    assert "more than 10 bytes" in reasons([failed])[0]


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "secret.txt", "sub/deep.txt")
    folder = write(tmp_path / "docs", "a.txt", "sub/b.txt")
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "folder").symlink_to(outside)
    (folder / "same.txt").symlink_to("a.txt")
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "self.txt").symlink_to("self.txt")
    sources = found(folder)
    assert [s.path for s in sources if isinstance(s, Source)] == [
        str(folder.resolve() / name) for name in ("a.txt", "sub/b.txt")
    ]
    assert len(reasons(sources)) == 3
    assert sum("leads out of" in reason for reason in reasons(sources)) == 2
    followed = [s.path for s in found(folder, follow_links=True) if isinstance(s, Source)]
    assert sorted(Path(path).name for path in followed) == [
        "a.txt",
        "b.txt",
        "deep.txt",
        "secret.txt",
    ]


def test_fifos_sockets_and_devices_are_never_opened(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "fifo.txt")
    os.mkfifo(tmp_path / "other")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(tmp_path)  # names of sockets are short
        listening.bind("socket.txt")
        os.chdir(here)
        sources = found(tmp_path, tmp_path / "other", "/dev/zero")
    assert len(sources) == 5
    assert sum("no regular file" in reason for reason in reasons(sources)) == 4


def test_odd_names_give_one_line_each(tmp_path: Path) -> None:
    odd = ["a\nb.txt", "x\u202egpj.txt", "n" * 251 + ".txt", os.fsdecode(b"\xb2\xe2.txt")]
    write(tmp_path, *[name for name in odd if name.isascii() or "\u202e" in name])
    (tmp_path / odd[3]).write_bytes(b"\x00\x00")
    sources = found(tmp_path)
    assert sorted(Path(s.path).name for s in sources) == sorted(odd)
    for source in sources:
        assert isinstance(source, Source)
        with pytest.raises(DocumentError) as error:
            load(source.path, b"\x00\x00\x00\x00")
        assert str(error.value).isprintable()


def test_a_file_that_vanishes_or_grows_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    first, second = found(tmp_path, limits=Limits(max_file_size=30))
    assert isinstance(first, Source)
    assert isinstance(second, Source)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DocumentError, match=r"a\.txt is not there any more"):
        first.read()
    (tmp_path / "b.txt").write_bytes(b"x" * 31)
    with pytest.raises(DocumentError, match=r"31 bytes; the limit is 30 bytes \(max_file_size\)"):
        second.read()


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    """Another process appends all the time, so that no reading finds the file at rest."""
    (tmp_path / "log.txt").write_bytes(b"x" * 30_000_000)
    code = "import sys\nwith open(sys.argv[1], 'ab', 0) as f:\n    while True: f.write(b'x' * 10)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log.txt")]) as process:
        size = (tmp_path / "log.txt").stat().st_size
        while (tmp_path / "log.txt").stat().st_size == size:
            assert process.poll() is None
        (source,) = found(tmp_path)
        assert isinstance(source, Source)
        try:
            with pytest.raises(DocumentError, match="changed while it was read"):
                source.read()
        finally:
            process.kill()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything, so somebody else has to look."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_unreadable_files_and_folders_are_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), "a.txt", "b.txt", "closed/c.txt")
        folder.chmod(0o755)
        (folder / "a.txt").chmod(0)
        (folder / "closed").chmod(0)
        with as_nobody():
            sources = found(folder)
        (folder / "closed").chmod(0o755)
    assert [(type(s).__name__, Path(s.path).name) for s in sources] == [
        ("FailedFile", "a.txt"),
        ("Source", "b.txt"),
        ("FailedFile", "closed"),
    ]
    assert all("Permission denied" in reason for reason in reasons(sources))


# ---- hostile archives --------------------------------------------------------------------------


def test_archives_in_archives_end(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(hostile_files.nested(5))
    sources = found(tmp_path)
    assert sum(isinstance(one, Source) for one in sources) == 3
    assert reasons(sources)[0].endswith(
        "an archive 4 deep; the limit is 3 (max_nesting). Unpack it by hand."
    )


def test_members_share_a_budget(tmp_path: Path) -> None:
    inner = zipped({"a.txt": "x" * 600})
    (tmp_path / "a.zip").write_bytes(zipped({"1.zip": inner, "2.zip": inner, "b.txt": "文。"}))
    limits = Limits(max_unpacked=1400)
    sources = found(tmp_path, limits=limits)
    assert len(sources) == 3
    assert "max_unpacked" in reasons(sources)[0]


def test_names_and_links_in_archives_cannot_leave_them(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(hostile_files.leaving())
    (tmp_path / "b.zip").write_bytes(hostile_files.with_link())
    sources = found(tmp_path)
    assert [Path(s.path).name for s in sources if isinstance(s, Source)] == ["in.txt", "in.txt"]
    assert sum("leads out of its archive" in reason for reason in reasons(sources)) == 3
    assert sum("is a link" in reason for reason in reasons(sources)) == 1


def test_a_member_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(hostile_files.lying())
    (source,) = found(tmp_path)
    assert isinstance(source, Source)
    with pytest.raises(DocumentError, match="missing or damaged"):
        source.read()
