"""Whatever is wrong with a generation is found and named, all of it."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tampering import resign, rewrite

from index import IndexDamagedError, Problem, open_index, verify
from index.__main__ import main
from index.generation import sealed
from index.lexical import write_lexical
from index.vectors import write_vectors


@pytest.fixture
def newest(two_generations: Path) -> Path:
    return sealed(two_generations)[0]


def found(newest: Path) -> dict[str, list[str]]:
    """Return what is wrong with the generation in use, by file."""
    facts: dict[str, list[str]] = {}
    for problem in verify(newest.parent.parent):
        name = Path(problem.path).relative_to(newest).as_posix()
        facts.setdefault(name, []).append(problem.fact)
    return facts


def files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".lock"]


def replace(path: Path, content: bytes) -> None:
    """Put a file in another's place: written over, it would change under who has just opened it."""
    path.unlink()
    path.write_bytes(content)


def test_nothing_is_wrong_with_what_was_built(newest: Path) -> None:
    assert found(newest) == {}
    with open_index(newest.parent.parent) as index:  # tantivy leaves a lock file
        index.verify()
    assert found(newest) == {}


def test_a_flipped_bit_is_found_in_every_file(newest: Path) -> None:
    for path in files(newest):
        whole = path.read_bytes()
        at = len(whole) * 2 // 3
        replace(path, whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        assert path.relative_to(newest).as_posix() in found(newest), path
        replace(path, whole)
    assert found(newest) == {}


def test_a_file_cut_short_or_missing_is_found_when_opening_too(newest: Path) -> None:
    sealed(newest.parent.parent)[1].rename(newest.parent / "away")  # nothing to fall back on
    for path in files(newest):
        whole = path.read_bytes()
        replace(path, whole[:-2])  # of the manifest: more than its last line end
        assert path.relative_to(newest).as_posix() in found(newest)
        with pytest.raises(IndexDamagedError, match=path.name):
            open_index(newest.parent.parent)
        path.unlink()
        if path.name != "manifest.json":
            assert "is missing" in found(newest)[path.relative_to(newest).as_posix()]
            with pytest.raises(IndexDamagedError, match=f"{path.name} is missing"):
                open_index(newest.parent.parent)
        path.write_bytes(whole)


def test_all_is_named_not_only_the_first(newest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (newest / "segments/0/tokens" / "vectors.npy").write_bytes(b"")
    (newest / "segments/0/passages.sqlite").unlink()
    (newest / "lexical" / "notes.txt").write_text("?")
    (newest / "extra").mkdir()
    (newest / "extra" / "file").write_text("?")
    facts = found(newest)
    assert facts["segments/0/passages.sqlite"][0] == "is missing"
    assert facts["lexical/notes.txt"] == facts["extra/file"] == ["does not belong there"]
    assert facts["segments/0/tokens/vectors.npy"][0].startswith("has 0 bytes, not ")
    assert main(["verify", "--index", str(newest.parent.parent)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 5
    assert f"{newest / 'extra' / 'file'} does not belong there" in lines


def change_dimension(newest: Path) -> str:
    write_vectors(newest / "segments/0/vectors.faiss", np.eye(2, 8, dtype=np.float32))
    return "segments/0/vectors.faiss has vectors of 8 dimensions, the manifest says 16"


def change_count(newest: Path) -> str:
    write_vectors(newest / "segments/0/vectors.faiss", np.eye(3, 16, dtype=np.float32))
    return "segments/0/vectors.faiss has 3 passages, the manifest says 2"


def lengthen(newest: Path) -> str:
    write_vectors(newest / "segments/0/vectors.faiss", np.eye(2, 16, dtype=np.float32) * 1.01)
    return "segments/0/vectors.faiss has a vector 0 that is not finite or not of length 1"


def not_a_number(newest: Path) -> str:
    write_vectors(newest / "segments/0/vectors.faiss", np.full((2, 16), np.nan, np.float32))
    return "segments/0/vectors.faiss has a vector 1 that is not finite or not of length 1"


def shorten_tokens(newest: Path) -> str:
    scales = np.load(newest / "segments/0/tokens" / "scales.npy")
    np.save(newest / "segments/0/tokens" / "scales.npy", scales * np.float16(0.5))
    return "segments/0/tokens has vectors of passage 0 that are not finite or not of length 1"


def infinite_sentences(newest: Path) -> str:
    scales = np.load(newest / "segments/0/sentences" / "scales.npy")
    np.save(newest / "segments/0/sentences" / "scales.npy", np.full_like(scales, np.inf))
    return "segments/0/sentences has vectors of passage 1 that are not finite or not of length 1"


def move_tokens(newest: Path) -> str:
    spans = np.load(newest / "segments/0/tokens" / "spans.npy")
    spans[-1, 1] = 999
    np.save(newest / "segments/0/tokens" / "spans.npy", spans)
    return "segments/0/tokens has tokens outside of passage 1"


def move_sentences(newest: Path) -> str:
    spans = np.load(newest / "segments/0/sentences" / "spans.npy")
    np.save(newest / "segments/0/sentences" / "spans.npy", spans + spans.dtype.type(1))
    return "segments/0/sentences has other sentences of passage 0 than passages.sqlite"


def forget_a_passage(newest: Path) -> str:
    shutil.rmtree(newest / "lexical")
    write_lexical(newest / "lexical", [["甲"]])
    return "lexical has 1 passages, the manifest says 2"


def change_store(statement: str) -> Callable[[Path], None]:
    def change(newest: Path) -> None:
        with (
            closing(sqlite3.connect(newest / "segments/0/passages.sqlite")) as connection,
            connection,
        ):
            connection.execute(statement)

    return change


def move_passage(newest: Path) -> str:
    change_store('UPDATE passages SET start = start - 1, "end" = "end" - 1 WHERE id = 1')(newest)
    return "segments/0/passages.sqlite has a passage 1 that is not a slice of its document"


def renumber(newest: Path) -> str:
    change_store("UPDATE passages SET id = 7 WHERE id = 1")(newest)
    return "segments/0/passages.sqlite has no passage 1"


def drop_sentences(newest: Path) -> str:
    change_store("UPDATE passages SET sentences = '[[0, 99]]' WHERE id = 1")(newest)
    return "segments/0/passages.sqlite has a sentence outside of its passage 1"


def add_document(newest: Path) -> str:
    change_store(
        "INSERT INTO documents SELECT 'd', 'p', 't', 'x', 'h', 'utf-8', '[]', facts FROM documents"
    )(newest)
    return "segments/0/passages.sqlite has 2 documents, the manifest says 1"


@pytest.mark.parametrize(
    "damage",
    [
        *(change_dimension, change_count, lengthen, not_a_number, shorten_tokens),
        *(infinite_sentences, move_tokens, move_sentences, forget_a_passage),
        *(move_passage, renumber, drop_sentences, add_document),
    ],
)
def test_what_a_manifest_covers_up_is_found_inside(
    newest: Path, damage: Callable[[Path], str]
) -> None:
    expected = damage(newest)
    resign(newest)
    facts = {
        f"{name} {fact}"
        for name, several in found(newest).items()
        for fact in several
        if fact != "does not belong there"  # another segment of tantivy's
    }
    assert expected in facts


def test_many_of_a_kind_are_counted(newest: Path) -> None:
    write_vectors(newest / "segments/0/vectors.faiss", np.zeros((60, 16), np.float32) + 1)
    from index.vectors import VectorIndex
    from index.verification import _named, _vector_facts

    facts = list(_named(newest, _vector_facts(VectorIndex(newest / "segments/0/vectors.faiss"))))
    assert len(facts) == 21
    assert facts[-1] == Problem(str(newest), "has 40 more of these")


def test_a_manifest_that_lies_about_itself_is_found(newest: Path) -> None:
    text = (newest / "manifest.json").read_text()
    (newest / "manifest.json").write_text(text.replace('"max_tokens": ', '"max_tokens": 1'))
    assert found(newest)["manifest.json"] == [
        "cannot be read (it was altered after it was written)"
    ]
    (newest / "manifest.json").write_text(text)
    rewrite(newest / "manifest.json", added_later=2)
    assert found(newest) == {}


def test_another_generation_by_name(
    two_generations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = sealed(two_generations)
    (older / "segments/0/vectors.faiss").write_bytes(b"x")
    assert verify(two_generations) == []
    assert verify(two_generations, name=older.name)
    assert main(["verify", older.name, "--index", str(two_generations)]) == 1
    assert main(["verify", newest.name, "--index", str(two_generations)]) == 0
    assert main(["verify", "nobody", "--index", str(two_generations)]) == 1
    assert f"Choose one of {newest.name}, {older.name}" in capsys.readouterr().err
