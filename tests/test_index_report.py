"""The report of a build: nothing is left out."""

import json
from pathlib import Path

import pytest
from tiny_models import tiny_model

from index import build_index, list_documents, report_as_json
from index.__main__ import main


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    texts = {
        "a.md": "# 題目\n\n甲文件講水利。\n\n乙。\n\n## 無下文\n",
        "b.txt": "甲文件，講水利！\n\n講。\n\n講。",
        "c.txt": "　\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "bad.txt").write_bytes(b"\x01\x02" * 9)
    return folder


def test_every_file_and_the_totals(docs: Path, tmp_path: Path, tiny: str) -> None:
    report = build_index(docs, index_dir=tmp_path / "index", model=tiny)
    told = report_as_json(report)
    files = told["files"]
    assert isinstance(files, list)
    rows = [
        [Path(file["path"]).name, *(file[key] for key in ("status", "kind", "encoding"))]
        + [file[key] for key in ("paragraphs_kept", "duplicates")]
        for file in files
    ]
    assert rows == [
        ["a.md", "new", "md", "utf-8", 2, 1],
        ["b.txt", "new", "txt", "utf-8", 3, 3],
        ["bad.txt", "failed", None, None, 0, 0],
        ["c.txt", "failed", None, None, 0, 0],
    ]
    assert [file["reason"].split(":")[0] for file in files[2:]] == [
        "bad.txt",
        "c.txt holds no text. Check the file, or leave it out.",
    ]
    assert files[0]["dropped"] == {"heading with no paragraph below it": 1}
    totals = told["totals"]
    assert isinstance(totals, dict)
    assert totals["files"] == {"failed": 2, "new": 2}
    assert (totals["paragraphs_kept"], totals["duplicates"]) == (5, 4)
    assert totals["dropped"] == {"heading with no paragraph below it": 1}


def test_what_was_read_before_is_reported_again(docs: Path, tmp_path: Path, tiny: str) -> None:
    first = build_index(docs, index_dir=tmp_path / "index", model=tiny)
    again = build_index(docs, index_dir=tmp_path / "index", model=tiny)
    assert [file.facts for file in again.files] == [file.facts for file in first.files]
    assert [file.duplicates for file in again.files] == [1, 3, 0, 0]


def test_the_life_of_an_index_by_command(
    docs: Path, tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--index", str(tmp_path / "index")]
    path = tmp_path / "report.json"
    build = ["build", str(docs), "--model", tiny, *where, "--report", str(path)]
    assert main(build) == 3, "some files failed"
    shown = capsys.readouterr()
    assert "a.md" in shown.out
    assert "failed: 2, new: 2" in shown.out
    assert "dropped: heading with no paragraph below it: 1; duplicates: 4" in shown.out
    assert shown.err.count("Not indexed: ") == 2
    assert json.loads(path.read_text(encoding="utf-8"))["totals"]["documents"] == 2
    (docs / "bad.txt").unlink()
    (docs / "c.txt").unlink()
    assert main(build) == 0
    assert "(nothing had changed)" in capsys.readouterr().out

    (docs / "d.txt").write_text("丁文件。", encoding="utf-8")
    assert main(["add", str(docs / "d.txt"), *where]) == 0
    assert "\nnew: 1\n" in capsys.readouterr().out
    (docs / "d.txt").unlink()
    assert main(["update", *where]) == 0
    assert "unchanged: 2, vanished: 1" in capsys.readouterr().out
    assert main(["update", "--prune-missing", *where]) == 0
    assert "removed: 1, unchanged: 2" in capsys.readouterr().out
    assert main(["remove", "*.md", *where]) == 0
    assert "removed: 1, unchanged: 1" in capsys.readouterr().out
    assert main(["list", *where]) == 0
    (info,) = list_documents(tmp_path / "index")
    assert capsys.readouterr().out.splitlines() == [
        f"{info.id}       3  {docs / 'b.txt'}  b",
        "1 documents, 3 passages",
    ]
    assert main(["list", "b.txt", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)[0]["content_hash"] == info.content_hash
    assert main(["remove", "nothing.txt", *where]) == 1
    assert "index: The index holds no document nothing.txt." in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told_before_the_work(
    docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, index_dir = str(tmp_path / "none" / "report.json"), tmp_path / "index"
    assert main(["build", str(docs), "--index", str(index_dir), "--report", report]) == 2
    assert "is in no folder" in capsys.readouterr().err
    assert not index_dir.exists()


def test_names_that_would_break_a_line_are_written_out(
    docs: Path, tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (docs / "[red]x\n\u202ey.txt").write_text("講。", encoding="utf-8")
    where = ["--index", str(tmp_path / "index")]
    main(["build", str(docs), "--model", tiny, *where])
    built = capsys.readouterr()
    assert "\u202e" not in built.out
    assert "[red]" in built.out
    main(["list", *where])
    assert "/[red]x\\n\\u202ey.txt  [red]x" in capsys.readouterr().out
