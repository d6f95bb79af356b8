"""Uploaded files: their names, what is refused, and how they take their place."""

import unicodedata
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office_files import raw_docx
from pdf_files import typeset

from index import UploadError, UploadKindError, UploadTooLargeError
from qa.server.file_names import safe_name
from qa.server.settings import ServerSettings
from qa.server.uploads import UploadStore

TEXT = "甲文件講網絡。"
_PIECES = (
    *("../", "..\\", "/", "\\", "C:", ".", " ", "\u3000", "\0", "\n", "\u202e", "\u200b"),
    *("con", "NUL", "aux.", "~", "-", "*", "?", "<b>", "\uff0f", "\u2024", "\ud800", "報告"),
    *("a" * 300, "\u0301", ".pdf", "%2e%2e%2f", "\ue000", "\u0430"),
)
HOSTILE_NAMES = st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=12).map(
    "".join
)


def store_in(folder: Path, **limits: Any) -> UploadStore:
    return UploadStore(ServerSettings(index=str(folder / "index"), data_dir=folder, **limits))


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@given(HOSTILE_NAMES)
def test_any_name_becomes_one_that_stays_in_its_folder_and_shows_what_it_is(hostile: str) -> None:
    name = safe_name(hostile)
    assert name
    assert name.isprintable()
    assert len(name.encode()) <= 200
    assert PurePosixPath(name).name == name
    assert PureWindowsPath(name).name == name
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert unicodedata.normalize("NFC", name) == name
    assert PurePosixPath(unicodedata.normalize("NFKC", name)).name == unicodedata.normalize(
        "NFKC", name
    ), "nor does a file system that folds characters leave the folder"
    assert safe_name(hostile) == name
    assert name.split(".")[0].casefold() not in {"con", "nul", "aux", "prn", "com1"}


@pytest.mark.parametrize("name", ["報告（終稿）.pdf", "a b.txt", "笔记-2024_v1.2.docx", "無副檔名"])
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert safe_name(name) == name
    assert safe_name(f"C:\\Users\\me\\{name}").startswith(PurePosixPath(name).stem)


def test_names_that_look_alike_after_cleaning_stay_apart() -> None:
    names = {
        safe_name(name) for name in ("a.txt", "a\u202e.txt", "a\u200b.txt", "\x00a.txt", "a?.txt")
    }
    assert len(names) == 5
    assert all(name.startswith("a") and name.endswith(".txt") for name in names)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("program.txt", b"\x7fELF\x02\x01" + bytes(100)),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("noise.txt", bytes(range(256)) * 20),
        ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)),
        ("empty.txt", b""),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_content(
    tmp_path: Path, name: str, content: bytes
) -> None:
    store = store_in(tmp_path)
    with pytest.raises(UploadKindError, match=name):
        store.receive([("good.txt", BytesIO(TEXT.encode())), (name, BytesIO(content))])
    assert files_in(tmp_path) == {}, "nothing of the whole upload is left"


def test_what_can_be_read_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    files = [
        ("a.pdf", typeset([("p", TEXT)])),
        ("b", TEXT.encode("big5")),
        ("c.txt", raw_docx(f"<w:p><w:r><w:t>{TEXT}</w:t></w:r></w:p>")),
    ]
    batch = store.receive([(name, BytesIO(content)) for name, content in files])
    assert batch.names == ["a.pdf", "b", "c.txt"]


def test_limits(tmp_path: Path) -> None:
    store = store_in(tmp_path, max_upload_bytes=100, max_upload_files=2, max_upload_total=150)
    ten = TEXT.encode() * 4  # 84 bytes
    with pytest.raises(UploadTooLargeError, match=r"larger than 100 bytes"):
        store.receive([("a.txt", BytesIO(b"a" * 101))])
    with pytest.raises(UploadTooLargeError, match="At most 2 files"):
        store.receive([(f"{n}.txt", BytesIO(b"abc")) for n in range(3)])
    with pytest.raises(UploadTooLargeError, match=r"no room for b\.txt"):
        store.receive([("a.txt", BytesIO(ten)), ("b.txt", BytesIO(ten))])
    with pytest.raises(UploadError, match=r"Two of the files are named a\.txt"):
        store.receive([("a.txt", BytesIO(b"abc")), ("x/a.txt", BytesIO(b"abc"))])
    with pytest.raises(UploadError, match="No file"):
        store.receive([])
    assert files_in(tmp_path) == {}
    batch = store.receive([("a.txt", BytesIO(ten))])
    batch.place()
    batch.settle([str(path) for path in batch.paths])
    assert store.room() == 150 - len(ten)


def test_a_file_takes_its_place_and_gives_it_back(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first = store.receive([("a.txt", BytesIO("第一版。".encode()))])
    assert not first.paths[0].exists()
    first.place()
    first.settle([str(first.paths[0])])
    second = store.receive(
        [("a.txt", BytesIO("第二版。".encode())), ("b.txt", BytesIO("乙。".encode()))]
    )
    second.place()
    assert second.paths[0].read_text("utf-8") == "第二版。"
    second.settle([])
    assert files_in(store.folder) == {"a.txt": "第一版。"}
    third = store.receive([("a.txt", BytesIO("第三版。".encode()))])
    third.settle([])  # it was never placed
    assert files_in(store.folder) == {"a.txt": "第一版。"}
    fourth = store.receive([("a.txt", BytesIO("第四版。".encode()))])
    fourth.place()
    fourth.settle([f"{fourth.paths[0]}!/member.txt"])
    assert files_in(store.folder) == {"a.txt": "第四版。"}


def test_only_uploaded_files_that_nobody_needs_are_removed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    batch = store.receive([(f"{name}.txt", BytesIO(TEXT.encode())) for name in "abc"])
    batch.place()
    a, b, c = map(str, batch.paths)
    batch.settle([a, b, c])
    (tmp_path / "own.txt").write_text(TEXT, "utf-8")
    climbing = f"{store.folder}/../../../own.txt"
    store.remove([a, f"{b}!/x.txt", climbing, str(tmp_path / "own.txt")], still_needed=[f"{b}!/y"])
    assert set(files_in(store.folder)) == {"b.txt", "c.txt"}
    assert (tmp_path / "own.txt").exists()


def test_servers_of_two_indexes_keep_their_files_apart(tmp_path: Path) -> None:
    one = UploadStore(ServerSettings(index=str(tmp_path / "one"), data_dir=tmp_path))
    two = UploadStore(ServerSettings(index=str(tmp_path / "two"), data_dir=tmp_path))
    assert one.folder != two.folder


def test_what_a_killed_server_left_is_cleared(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.receive([("a.txt", BytesIO(TEXT.encode()))])
    assert files_in(tmp_path)
    store.clear_arrivals()
    assert files_in(tmp_path) == {}
