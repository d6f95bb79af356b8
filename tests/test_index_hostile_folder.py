"""A folder received from somebody else: refused or read, never run, followed or believed."""

import json
import os
import shutil
import sqlite3
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tantivy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tampering import resign, rewrite

from index import Index, IndexDamagedError, ModelError, open_index
from index.generation import sealed
from index.lexical import _schema
from index.manifest import read_manifest
from index.part_vectors import PartVectorStore
from index.vectors import VectorIndex


@pytest.fixture
def folder(two_generations: Path) -> Path:
    """The one generation of an index: there is nothing to fall back on."""
    newest, older = sealed(two_generations)
    older.rename(two_generations / "away")
    return newest


def opened(folder: Path) -> Index:
    return open_index(folder.parent.parent)


@pytest.mark.parametrize(
    "name", ["segments/0/passages.sqlite", "segments/0/tokens/vectors.npy", "manifest.json"]
)
def test_links_are_refused_even_to_the_same_bytes(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "real")
    (folder / name).symlink_to(tmp_path / "real")
    with pytest.raises(IndexDamagedError, match=r"symbolic link"):
        opened(folder)


def test_a_linked_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "segments/0/tokens").rename(tmp_path / "tokens")
    (folder / "segments/0/tokens").symlink_to(tmp_path / "tokens", target_is_directory=True)
    with pytest.raises(IndexDamagedError, match="tokens is a symbolic link"):
        opened(folder)
    (folder / "segments/0/tokens").unlink()
    (tmp_path / "tokens").rename(folder / "segments/0/tokens")
    folder.rename(tmp_path / "generation")
    folder.symlink_to(tmp_path / "generation", target_is_directory=True)
    with pytest.raises(IndexDamagedError, match="symbolic link"):
        opened(folder)


@pytest.mark.parametrize("name", ["manifest.json", "lexical/.tantivy-meta.lock", "extra"])
def test_a_pipe_neither_blocks_nor_is_read(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(IndexDamagedError, match=r"no.* regular file|not there"):
        opened(folder)


@pytest.mark.parametrize(
    "name",
    [
        *("../../../etc/passwd", "/etc/passwd", "tokens/../../x", "..", "./vectors.faiss", "a/b/c"),
        *("segments/0/a/b/c", "segments/x/a/b", "segments/0/../a", "segments/00000/a/b"),
        *("tokens\\vectors.npy", "a\0b", "", "C:x", "x" * 300, "名.npy"),
    ],
)
def test_a_manifest_names_only_files_inside(folder: Path, name: str) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    rewrite(folder / "manifest.json", files={**files, name: {"bytes": 0, "sha256": "0" * 64}})
    with pytest.raises(IndexDamagedError, match="is not a name inside of a generation"):
        opened(folder)


@pytest.mark.parametrize(
    "change",
    [
        *({"passages": -1}, {"passages": 10**400}, {"passages": True}, {"passages": "2"}),
        *({"dimension": 0}, {"dimension": 1 << 40}, {"dimension": None}, {"files": []}),
        *({"files": {"a": {"bytes": -1, "sha256": "0" * 64}}}, {"files": {"a": 5}}),
        *({"created": "yesterday"}, {"created": 5}, {"token_vectors": "pickle"}, {"model": 5}),
        *({"segments": 5}, {"segments": [5]}, {"segments": [{"documents": 1}]}),
        {"segments": [{"documents": 1, "passages": -2}]},
        {"segments": [{"documents": 0, "passages": 0}] * 1001},
        *({"sources": 5}, {"sources": [5]}, {"format": "4"}, {"format": None}),
    ],
    ids=str,
)
def test_impossible_values_in_a_manifest(folder: Path, change: dict[str, object]) -> None:
    rewrite(folder / "manifest.json", **change)
    with pytest.raises(Exception, match=r"cannot be read|index format") as caught:
        opened(folder)
    assert type(caught.value).__module__ == "index.errors"


def test_a_manifest_without_end(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(IndexDamagedError, match="cannot be read"):
        opened(folder)
    os.truncate(folder / "manifest.json", 17 << 20)  # a hole, which takes no room
    with pytest.raises(IndexDamagedError, match="more than 16,777,216 bytes"):
        opened(folder)


def test_facts_of_a_later_version_are_kept(folder: Path) -> None:
    rewrite(folder / "manifest.json", added_later={"a": [1, 2.5]})
    opened(folder).verify()
    assert read_manifest(folder).facts == {"added_later": {"a": [1, 2.5]}}


def header(dimension: int, vectors: int, numbers: int, kind: bytes = b"IxFI") -> bytes:
    return struct.pack("<4siqqqBiQ", kind, dimension, vectors, 1 << 20, 1 << 20, 1, 0, numbers)


@pytest.mark.parametrize(
    "start",
    [
        header(384, 10**12, 384 * 10**12),
        header(384, 10**12, 32),
        header(1 << 30, 1 << 33, 1 << 63),
        header(-16, -2, 32),
        header(0, 0, 0),
        header(16, 2, 32, b"IxF2"),
        header(16, 2, 32, b"IwFl"),
        b"IxFI",
        b"",
    ],
)
def test_a_header_that_claims_too_much_allocates_nothing(folder: Path, start: bytes) -> None:
    path = folder / "segments/0/vectors.faiss"
    path.write_bytes(start + path.read_bytes()[45:])
    resign(folder)
    tracemalloc.start()
    with pytest.raises(IndexDamagedError, match=r"vectors\.faiss (cannot|claims|has)"):
        opened(folder)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def claim(path: Path, shape: tuple[int, ...], kind: str, *, fortran: bool = False) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": kind, "fortran_order": fortran, "shape": shape}
        )
        file.write(bytes(64))


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("vectors", (10**12, 16), "|i1"),
        ("vectors", (1 << 62, 16), "|i1"),
        ("vectors", (-4, -16), "|i1"),
        ("bounds", (10**12,), "<i8"),
        ("bounds", (8,), ">i8"),
        ("scales", (10**12,), "<f2"),
        ("spans", (10**12, 2), "<u2"),
        ("spans", (), "<u2"),
    ],
)
def test_arrays_that_claim_too_much(
    folder: Path, name: str, shape: tuple[int, ...], kind: str
) -> None:
    claim(folder / "segments/0/tokens" / f"{name}.npy", shape, kind)
    resign(folder)
    with pytest.raises(IndexDamagedError, match=f"{name}.npy"):
        opened(folder)


@pytest.mark.parametrize("text", ["__import__('os')", "(" * 400, "{'descr': '|i1', 'shape': (", ""])
def test_a_header_is_no_program(folder: Path, text: str) -> None:
    start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    (folder / "segments/0/tokens" / "vectors.npy").write_bytes(start)
    with pytest.raises(IndexDamagedError, match="header is not one"):
        PartVectorStore(folder / "segments/0/tokens")


def test_arrays_in_another_order_or_of_objects(folder: Path) -> None:
    claim(folder / "segments/0/tokens" / "vectors.npy", (4, 16), "|i1", fortran=True)
    with pytest.raises(IndexDamagedError, match="header is not one"):
        PartVectorStore(folder / "segments/0/tokens")
    claim(folder / "segments/0/tokens" / "vectors.npy", (8,), "|O")
    with pytest.raises(IndexDamagedError, match="header is not one"):
        PartVectorStore(folder / "segments/0/tokens")


def with_statement(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "segments/0/passages.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    resign(folder)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER t AFTER INSERT ON passages BEGIN DELETE FROM documents; END"],
        ["CREATE VIEW v AS SELECT 1"],
        ["CREATE TABLE extra (a)"],
        ["CREATE INDEX i ON documents (abs(title))"],
        ["ALTER TABLE passages ADD COLUMN b"],
        ["ALTER TABLE documents RENAME TO d", "CREATE VIEW documents AS SELECT * FROM d"],
    ],
)
def test_a_schema_of_ones_own_is_refused(folder: Path, statements: list[str]) -> None:
    with_statement(folder, *statements)
    with pytest.raises(IndexDamagedError, match=r"passages\.sqlite.*another schema"):
        opened(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE passages SET text = x'ff'",
        "UPDATE passages SET text = CAST(x'ff' AS TEXT)",
        "UPDATE passages SET text = 5.5, start = 'a'",
        "UPDATE passages SET headings = '{'",
        "UPDATE passages SET headings = '[1]'",
        "UPDATE passages SET headings = '" + "[" * 100_000 + "'",
        "UPDATE passages SET sentences = '[[1]]'",
        "UPDATE passages SET sentences = '[[1, \"a\"]]'",
        "UPDATE passages SET sentences = 'null'",
        "UPDATE passages SET page = 'x'",
    ],
    ids=lambda statement: statement[:60],
)
def test_columns_of_other_types_are_damage_not_a_crash(folder: Path, statement: str) -> None:
    with_statement(folder, statement)
    with opened(folder) as index, pytest.raises(IndexDamagedError, match=r"passages\.sqlite"):
        index.get_passages([0, 1])


def test_documents_of_other_types_are_damage_too(folder: Path) -> None:
    with_statement(folder, "UPDATE documents SET offsets = '[[0, 0.5]]'")
    with opened(folder) as index:
        ((document_id, *_),) = index.document_list()
        with pytest.raises(IndexDamagedError, match="offsets that are no numbers"):
            index.document(document_id)


def test_a_journal_beside_the_store_is_not_replayed(folder: Path) -> None:
    (folder / "segments/0/passages.sqlite-journal").write_bytes(
        b"\xd9\xd5\x05\xf9 \xa1c\xd7" + bytes(504)
    )
    (folder / "segments/0/passages.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(508))
    before = (folder / "segments/0/passages.sqlite").read_bytes()
    with opened(folder) as index:
        assert len(index.get_passages([0, 1])) == 2
    assert (folder / "segments/0/passages.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta["segments"][0].update(segment_id="../../../../../../../../etc/passwd/x"),
        lambda meta: meta["segments"][0].update(deletes={"num_deleted_docs": 1, "opstamp": 1}),
        lambda meta: meta["segments"].clear(),
        lambda meta: meta["segments"].append(dict(meta["segments"][0])),
        lambda meta: meta["schema"].pop(),
        lambda meta: meta.update(segments=5),
        lambda meta: meta.pop("segments"),
    ],
)
def test_a_list_of_segments_is_looked_at_first(
    folder: Path, change: Callable[[dict[str, object]], object]
) -> None:
    meta = json.loads((folder / "lexical" / "meta.json").read_text())
    change(meta)
    (folder / "lexical" / "meta.json").write_text(json.dumps(meta))
    resign(folder)
    with pytest.raises(IndexDamagedError, match="lexical"):
        opened(folder)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 10**9), bits=st.integers(1, 255), cut=st.booleans())
def test_damaged_bytes_that_are_vouched_for_never_end_in_a_crash(
    folder: Path, place: int, bits: int, cut: bool
) -> None:
    """The stranger signs the manifest too; whatever opens is read without another error."""
    names = [p for p in sorted(folder.rglob("*")) if p.suffix not in {".lock", ".json", ""}]
    path = names[place % len(names)]
    whole, signed = path.read_bytes(), (folder / "manifest.json").read_bytes()
    at = place // len(names) % len(whole)
    path.unlink()  # what is mapped must not change
    path.write_bytes(
        whole[:at] if cut else whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :]
    )
    resign(folder)
    try:
        read_everything(folder)
    finally:
        path.unlink()
        path.write_bytes(whole)
        (folder / "manifest.json").write_bytes(signed)


def read_everything(folder: Path) -> None:
    try:
        with opened(folder) as index, np.errstate(all="ignore"):
            index.get_passages(range(len(index)))
            for passage_id in range(len(index)):
                index.token_vectors(passage_id)
                index.sentence_vectors(passage_id)
            index.search_dense(np.ones(16, np.float32), 2)
            for hit in index.search_lexical(["甲", "文", "水利"], 2):
                index.dense_scores(np.ones(16, np.float32), [hit.passage_id])
            for document_id, *_ in index.document_list():
                index.document(document_id)
    except IndexDamagedError:
        return


def test_ids_that_lead_outside_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")
    (folder / "lexical").mkdir()
    writer = tantivy.Index(_schema(), path=str(folder / "lexical")).writer(num_threads=1)
    for passage_id in (0, 10**12):
        document = tantivy.Document()
        document.add_unsigned("id", passage_id)
        document.add_text("terms", "水利")
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    resign(folder)
    with opened(folder) as index, pytest.raises(IndexDamagedError, match="there cannot be"):
        index.search_lexical(["水利"], 2)
    with opened(folder) as index, pytest.raises(IndexError):
        index.dense_scores(np.ones(16, np.float32), [10**12])


def test_a_model_that_comes_along_is_loaded_only_when_asked_for(
    folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_dir = folder.parent.parent
    inside = shutil.copytree(tiny, index_dir / "model")
    monkeypatch.chdir(index_dir)
    for named in (str(inside), "model", "../" + index_dir.name + "/model"):
        rewrite(folder / "manifest.json", model=named)
        with (
            opened(folder) as index,
            pytest.raises(ModelError, match=r"of its own.*YINZHENG_MODEL"),
        ):
            _ = index.embedder
    rewrite(folder / "manifest.json", model=str(inside))
    monkeypatch.setenv("YINZHENG_MODEL", str(inside))
    with opened(folder) as index:
        assert index.embedder.dimension == 16


def test_vectors_that_are_read_are_those_of_the_header(folder: Path) -> None:
    """The layout in the header is the one FAISS writes."""
    path = folder / "segments/0/vectors.faiss"
    rows = np.frombuffer(path.read_bytes()[45:], "<f4").reshape(2, 16)
    np.testing.assert_array_equal(np.concatenate(list(VectorIndex(path).blocks())), rows)
    assert path.read_bytes()[:45] == header(16, 2, 32)
