"""What a server asks of an index: what to look after, what a file is, and a rebuild of all."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from pdf_files import typeset

from index import (
    DocumentError,
    build_index,
    file_of,
    list_documents,
    open_index,
    recognise,
    update_documents,
    verify,
)


@pytest.fixture
def folder(tmp_path: Path, tiny: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("甲文件講網絡。\n\n乙文件講水利。", encoding="utf-8")
    (tmp_path / "docs" / "b.md").write_text("# 乙\n\n乙文件讲水利！\n\n乙。", encoding="utf-8")
    build_index(tmp_path / "docs", index_dir=tmp_path / "index", model=str(tiny))
    return tmp_path


def test_details_say_what_is_to_be_looked_after(folder: Path) -> None:
    with open_index(folder / "index") as index:
        a, b = index.document_details()
        assert [a.info, b.info] == index.documents()
    assert (a.duplicates, b.duplicates) == (1, 1), "the same words in the other script"
    assert (a.facts.kind, b.facts.kind) == ("txt", "md")
    for one in (a, b):
        age = datetime.now(timezone.utc) - datetime.fromisoformat(one.indexed)
        assert 0 <= age.total_seconds() < 60


def test_a_fresh_update_embeds_everything_and_keeps_what_has_no_file(folder: Path) -> None:
    before = list_documents(folder / "index")
    assert not update_documents(index_dir=folder / "index").is_new
    (folder / "docs" / "b.md").unlink()
    told: list[tuple[str, int, int]] = []
    report = update_documents(
        index_dir=folder / "index", fresh=True, progress=lambda *one: told.append(one)
    )
    assert report.is_new
    assert report.reused == 0
    assert report.embedded > 0
    assert {Path(file.path).name: file.status for file in report.files} == {
        "a.txt": "unchanged",
        "b.md": "vanished",
    }
    assert list_documents(folder / "index") == before
    assert verify(folder / "index") == []
    stages = [stage for stage, done, _ in told if done == 0]
    assert stages == ["embed"], "it begins at none"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", typeset([("p", "甲。")]), "pdf"),
        ("a.txt", typeset([("p", "甲。")]), "pdf"),
        ("a.md", "# 甲".encode(), "md"),
        ("a", "乙文件講水利".encode("big5"), "txt"),
    ],
)
def test_a_file_is_recognised_by_what_it_holds(name: str, content: bytes, kind: str) -> None:
    assert recognise(name, content) == kind


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 9])
def test_what_no_loader_reads_is_not_recognised(content: bytes) -> None:
    with pytest.raises(DocumentError):
        recognise("a.txt", content)


def test_a_member_lies_in_its_archive() -> None:
    assert file_of("/x/a.zip!/inner/b.docx") == "/x/a.zip"
    assert file_of("/x/a.txt") == "/x/a.txt"
