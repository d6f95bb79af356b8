"""docs/index.md is enough to read an index: this reader imports nothing of ours."""

import hashlib
import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from index import Index, build_index, open_index, terms

DOCS = Path(__file__).parent.parent / "docs" / "index.md"
Array = npt.NDArray[Any]


class Reader:
    """Another reader, written from the page."""

    def __init__(self, index_dir: Path) -> None:
        name = (index_dir / "CURRENT").read_bytes().decode("ascii").removesuffix("\n")
        self.folder = index_dir / "generations" / name
        self.segment = self.folder / "segments" / "0"
        self.manifest = json.loads((self.folder / "manifest.json").read_bytes())
        others = {key: value for key, value in self.manifest.items() if key != "sha256"}
        canonical = json.dumps(others, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(canonical.encode()).hexdigest() == self.manifest["sha256"]
        assert self.manifest["format"] == 6
        for file, facts in self.manifest["files"].items():
            content = (self.folder / file).read_bytes()
            assert len(content) == facts["bytes"]
            assert hashlib.sha256(content).hexdigest() == facts["sha256"]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        uri = f"{(self.segment / 'passages.sqlite').as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def vectors(self) -> Array:
        content = (self.segment / "vectors.faiss").read_bytes()
        kind, dimension, passages = struct.unpack("<4siq", content[:16])
        assert kind == b"IxFI"
        assert len(content) == 45 + 4 * passages * dimension
        return np.frombuffer(content[45:], "<f4").reshape(passages, dimension)

    def array(self, name: str) -> Array:
        content = (self.segment / f"{name}.npy").read_bytes()
        assert content[:8] == b"\x93NUMPY\x01\x00"
        begins = 10 + int.from_bytes(content[8:10], "little")
        text = content[10:begins].decode("ascii")
        kind = text.split("'descr': '")[1].split("'")[0]
        shape = [int(n) for n in text.split("(")[1].split(")")[0].split(",") if n.strip()]
        return np.frombuffer(content[begins:], kind).reshape(shape)

    def parts(self, view: str, passage_id: int) -> tuple[Array, Array]:
        first, last = self.array(f"{view}/bounds")[passage_id : passage_id + 2]
        spans = self.array(f"{view}/spans")[first:last]
        if view == "tokens" and self.manifest["token_vectors"] == "pq":
            codes, centroids = (
                self.array("tokens/codes")[first:last],
                self.array("tokens/centroids"),
            )
            vectors = np.stack(
                [
                    np.concatenate([c[n] for c, n in zip(centroids, row, strict=True)])
                    for row in codes
                ]
            )
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), spans
        levels = self.array(f"{view}/vectors")[first:last].astype(np.float32)
        return levels * self.array(f"{view}/scales")[first:last, None].astype(np.float32), spans


@pytest.fixture(params=["int8", "pq"])
def index_dir(request: pytest.FixtureRequest, tmp_path: Path, tiny: Path) -> Path:
    letters = np.random.default_rng(1).choice(list("甲乙文件講网络水利"), (600, 20)).tolist()
    body = "\n\n".join("".join(row[:9]) + "。" + "".join(row[9:]) + "。" for row in letters)
    (tmp_path / "one.md").write_text(f"# 文件\n\n## 網絡\n\n{body}", encoding="utf-8")
    (tmp_path / "two.txt").write_text("乙文件講水利。", encoding="utf-8")
    files = [tmp_path / "one.md", tmp_path / "two.txt"]
    kind = request.param
    build_index(files, index_dir=tmp_path / "index", model=str(tiny), token_vectors=kind)
    return tmp_path / "index"


def test_another_reader_reads_the_same(index_dir: Path) -> None:
    reader = Reader(index_dir)
    with open_index(index_dir) as index:
        assert reader.manifest["passages"] == len(index) > 500
        assert reader.manifest["token_vectors"] == index.info.token_vectors
        compare(reader, index)


def compare(reader: Reader, index: Index) -> None:
    texts = {row[0]: row[1] for row in reader.rows("SELECT id, text FROM documents")}
    rows = reader.rows(
        'SELECT id, document_id, start, "end", text, headings, sentences FROM passages ORDER BY id'
    )
    vectors = reader.vectors()
    for id_, document_id, start, end, text, headings, sentences in rows[:: len(rows) // 20]:
        assert texts[document_id][start:end] == text
        searchable = "\n".join([*json.loads(headings), text])
        (passage,) = index.get_passages([id_])
        assert passage.searchable == searchable
        cosines = index.dense_scores(vectors[id_], [id_])
        np.testing.assert_allclose(cosines, [1.0], atol=1e-5)
        tokens, spans = reader.parts("tokens", id_)
        np.testing.assert_allclose(tokens, index.token_vectors(id_).vectors, atol=1e-6)
        assert [searchable[a:b] for a, b in spans if a < b]
        assert spans.max() <= len(searchable)
        of_sentences, spans = reader.parts("sentences", id_)
        np.testing.assert_allclose(of_sentences, index.sentence_vectors(id_), atol=1e-6)
        assert (spans.astype(int) + start).tolist() == json.loads(sentences)
        assert id_ in [hit.passage_id for hit in index.search_lexical(terms(searchable), 5)]


def test_the_schema_on_the_page_is_the_one_written(index_dir: Path) -> None:
    (schema,) = DOCS.read_text(encoding="utf-8").split("```sql\n")[1:]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema.split("```")[0])
        named = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    written = Reader(index_dir).rows("SELECT name, sql FROM sqlite_master ORDER BY name")
    assert named == written


def test_every_file_and_field_is_on_the_page(index_dir: Path) -> None:
    page = DOCS.read_text(encoding="utf-8")
    reader = Reader(index_dir)
    for field in reader.manifest:
        assert f"`{field}`" in page, field
    for file in reader.manifest["files"]:
        name = Path(file).name
        if not file.startswith("lexical/"):
            assert f"`{name}`" in page or f" {name} " in page, file
