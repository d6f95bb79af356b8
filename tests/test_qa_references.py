"""Permanent references: found again, moved, changed, or no such thing."""

import hashlib
import json
import shutil
from itertools import count
from pathlib import Path

import pytest

from index import Index, PlaceError, build_index, remove_documents, update_documents
from qa import Citation, ask, resolve
from qa.__main__ import main

TEXT = "館史\n\n本館建於1931年。\n\n王小明是本館的館長，他於1998年到任。\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references")
    (folder / "docs").mkdir()
    (folder / "docs" / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "docs" / "b.txt").write_text("本市有河。", encoding="utf-8")
    build_index(folder / "docs", index_dir=folder / "index")
    return folder


@pytest.fixture
def place(built: Path, tmp_path: Path) -> Path:
    """A folder with documents and their index, free to be changed."""
    copied = tmp_path / "place"
    shutil.copytree(built, copied)
    build_index(copied / "docs", index_dir=copied / "index")  # at its own paths
    return copied


def remove_old_generations(index_dir: Path) -> None:
    current = (index_dir / "CURRENT").read_text(encoding="utf-8").strip()
    for folder in (index_dir / "generations").iterdir():
        if folder.name != current:
            shutil.rmtree(folder)


def quoted(place: Path) -> Citation:
    citation = ask("館長是誰", index=place / "index").citations[0]
    assert "王小明" in citation.quote
    return citation


def test_every_quote_has_one_that_leads_back(report_index: Index) -> None:
    for citation in ask("烏海市全程網辦事項量提升了多少", index=report_index).citations:
        assert citation.reference == (
            f"yinzheng:{citation.document.content_hash}#{citation.start}-{citation.end}"
        )
        found = resolve(citation.reference, index=report_index)
        assert (found.status, found.quote) == ("current", citation.quote)
        assert (found.start, found.end) == (citation.start, citation.end)
        assert found.headings == citation.headings
        assert found.document == citation.document
        assert not found.is_read_otherwise
        digits = citation.document.content_hash
        short = citation.reference.replace(digits, digits[:8])
        assert resolve(f" {short}\n", index=report_index).quote == citation.quote


def test_a_renamed_document_is_found(place: Path) -> None:
    citation = quoted(place)
    (place / "docs" / "a.txt").rename(place / "docs" / "z.txt")
    build_index(place / "docs", index_dir=place / "index")
    found = resolve(citation.reference, index=place / "index")
    assert (found.status, found.quote) == ("current", citation.quote)
    assert found.document.title == "館史"
    assert found.document.path.endswith("z.txt")


def test_a_quote_that_moved_is_found_where_it_is(place: Path) -> None:
    citation = quoted(place)
    text = TEXT.replace("本館建於1931年。", "本館建於1931年，後遷今址。")
    (place / "docs" / "a.txt").write_text(text, encoding="utf-8")
    (place / "docs" / "a.txt").rename(place / "docs" / "c.txt")
    (place / "docs" / "c.txt").rename(place / "docs" / "a.txt")
    update_documents(index_dir=place / "index")
    found = resolve(citation.reference, index=place / "index")
    assert (found.status, found.quote) == ("moved", citation.quote)
    assert (found.start, found.end) == (citation.start + 5, citation.end + 5)
    assert found.document.text[found.start : found.end] == citation.quote
    assert found.version is not None
    assert found.version.content_hash == citation.document.content_hash


def test_a_source_that_changed_is_told_with_the_old_words_while_they_exist(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    citation, where = quoted(place), ["--index", str(place / "index")]
    for name, kept in (("陳文", citation.quote), ("李大同", None)):
        (place / "docs" / "a.txt").write_text(TEXT.replace("王小明", name), encoding="utf-8")
        update_documents(index_dir=place / "index")
        if kept is None:
            remove_old_generations(place / "index")
        found = resolve(citation.reference, index=place / "index")
        assert (found.status, found.quote) == ("changed", kept)
        assert (found.start, found.document.title) == (None, "館史")
        assert main(["show", citation.reference, *where]) == 3
        shown = capsys.readouterr().out
        assert "its current text no longer holds the quote." in shown
        assert (f"It read: 【{citation.quote}】" in shown) == (kept is not None)
        assert ("No generation of the index holds the old text" in shown) == (kept is None)
    assert name in ask("館長是誰", index=place / "index").citations[0].quote


def test_what_was_removed_is_not_shown(place: Path) -> None:
    citation = quoted(place)
    remove_documents(citation.document.id, index_dir=place / "index")
    with pytest.raises(PlaceError, match="names no document of this index"):
        resolve(citation.reference, index=place / "index")


@pytest.mark.parametrize(
    ("reference", "fact"),
    [
        ("", "is no reference. A reference reads yinzheng:"),
        ("yinzheng:12345#0-1", "is no reference"),
        ("yinzheng:XYZ45678#0-1", "is no reference"),
        ("yinzheng:{}#5-5", "holds nothing"),
        ("yinzheng:{}#5-2", "holds nothing"),
        ("yinzheng:{}#0-999999", "which has 37 characters"),
        (f"yinzheng:{'0' * 64}#0-1", "names no document of this index"),
    ],
)
def test_what_leads_nowhere_says_why(
    built: Path, reference: str, fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reference.format(quoted(built).document.content_hash)
    with pytest.raises(PlaceError, match=fact):
        resolve(text, index=built / "index")
    assert main(["show", text, "--index", str(built / "index")]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("qa: ")
    assert shown.out == ""


def two_that_begin_alike() -> tuple[str, str, str]:
    """Two texts whose SHA-256 have the same first 8 digits, and these."""
    seen: dict[str, str] = {}
    for n in count():
        text = f"第{n}號文件。"
        digits = hashlib.sha256(text.encode()).hexdigest()[:8]
        if digits in seen:
            return seen[digits], text, digits
        seen[digits] = text
    raise AssertionError


def test_too_few_digits_are_told(tmp_path: Path) -> None:
    *texts, digits = two_that_begin_alike()
    for n, text in enumerate(texts):
        (tmp_path / f"{n}.txt").write_text(text, encoding="utf-8")
    build_index(tmp_path / "0.txt", index_dir=tmp_path / "index")
    assert resolve(f"yinzheng:{digits}#0-3", index=tmp_path / "index").quote == texts[0][:3]
    build_index([tmp_path / "0.txt", tmp_path / "1.txt"], index_dir=tmp_path / "index")
    with pytest.raises(PlaceError, match=r"could mean 2 documents\. Give more digits"):
        resolve(f"yinzheng:{digits}#0-3", index=tmp_path / "index")
    more = hashlib.sha256(texts[1].encode()).hexdigest()[:20]
    assert resolve(f"yinzheng:{more}#0-3", index=tmp_path / "index").quote == texts[1][:3]


def test_shown_in_context(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    citation, where = quoted(built), ["--index", str(built / "index")]
    assert main(["show", citation.reference, *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"館史, characters {citation.start}-{citation.end}"
    assert lines[1] == str(built / "docs" / "a.txt")
    assert "\n".join(lines[2:]).startswith("館史\n\n本館建於1931年。\n\n【王小明是本館的館長")
    assert main(["show", citation.reference, *where, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["status"], facts["quote"]) == ("current", citation.quote)
    assert facts["version"]["path"] == str(built / "docs" / "a.txt")
    assert main([citation.quote, *where]) in (0, 3)
    assert citation.reference in capsys.readouterr().out
