"""Which documents an id, a path or a glob means."""

from pathlib import Path

import pytest

from index import DocumentError, DocumentInfo
from index.selecting import file_of, select


def info(id_: str, path: str) -> DocumentInfo:
    return DocumentInfo(id_, path, "t", 1, "txt", "utf-8", "0" * 64)


@pytest.fixture
def infos(tmp_path: Path) -> dict[str, DocumentInfo]:
    paths = ["a.txt", "b/c.md", "b/d.txt", "bc/e.txt", "z.zip!/in/f.txt", "[g].txt"]
    return {f"id{n}": info(f"id{n}", str(tmp_path / path)) for n, path in enumerate(paths)}


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("id3", {"id3"}),
        ("{}/a.txt", {"id0"}),
        ("{}/b", {"id1", "id2"}),
        ("{}/b/", {"id1", "id2"}),
        ("{}", {"id0", "id1", "id2", "id3", "id4", "id5"}),
        ("{}/z.zip", {"id4"}),
        ("{}/z.zip!/in/f.txt", {"id4"}),
        ("*.md", {"id1"}),
        ("{}/b/*.txt", {"id2"}),
        ("{}/*/e.txt", {"id3"}),
        ("{}/[g].txt", {"id5"}),
    ],
)
def test_what_is_meant(
    tmp_path: Path, infos: dict[str, DocumentInfo], wanted: str, ids: set[str]
) -> None:
    assert select(infos, [wanted.format(tmp_path)]) == ids


def test_relative_paths_and_several(
    tmp_path: Path, infos: dict[str, DocumentInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert select(infos, ["a.txt", Path("b"), "./bc/*"]) == {"id0", "id1", "id2", "id3"}


def test_what_means_nothing_is_named(infos: dict[str, DocumentInfo]) -> None:
    with pytest.raises(DocumentError, match=r"no document nothing\.txt\. See .* index list"):
        select(infos, ["id0", "nothing.txt"])


def test_the_file_that_holds_a_document() -> None:
    assert file_of("/x/z.zip!/in/f.txt") == "/x/z.zip"
    assert file_of("/x/a.txt") == "/x/a.txt"
