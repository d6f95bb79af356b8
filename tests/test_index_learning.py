"""A quantiser that learns early gives the index that one which learns at the end gives."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_model

from index import build_index, open_index, part_vectors, views
from index.embedder import Embedder, Encoded
from index.learning import learn_early
from index.leftovers import CHECKPOINT
from index.part_vectors import PartVectors, PartVectorWriter, compress
from index.quantiser import FEWEST_TRAINED
from index.types import Span

COUNTS = [400 + 7 * n for n in range(40)]
DIMENSION = 16
REPEATED = {5: 4, 38: 2}


def vectors_of(row: int) -> PartVectors:
    row = REPEATED.get(row, row)
    vectors = np.random.default_rng(row).standard_normal((COUNTS[row], DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = np.repeat(np.arange(COUNTS[row])[:, None], 2, axis=1)
    return PartVectors(vectors.astype(np.float32), spans)


class Known(Embedder):
    """Knows the vectors of texts that are numbers, and gives them backwards."""

    def __init__(self) -> None:
        self.dimension = DIMENSION
        self.asked: list[str] = []

    def encode_passage_tokens(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[tuple[int, Encoded]]:
        assert len(sentences) == len(texts)
        self.asked += texts
        for at in reversed(range(len(texts))):
            parts = vectors_of(int(texts[at]))
            yield at, Encoded(parts.vectors[0], parts)


def counts() -> list[int]:
    return [COUNTS[REPEATED.get(row, row)] for row in range(len(COUNTS))]


@pytest.mark.parametrize("sample", [10_000, FEWEST_TRAINED, 1 << 20])
def test_what_is_learned_early_gives_the_codes_of_compress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: int
) -> None:
    monkeypatch.setattr(part_vectors, "MOST_TRAINED", sample)
    writer = PartVectorWriter(tmp_path / "late", counts(), DIMENSION, longest=9)
    for row in range(len(COUNTS)):
        writer.write(row, vectors_of(row))
    writer.close()
    assert compress(tmp_path / "late", lambda _done, _total: None)
    embedder, told = Known(), list[int]()
    texts = {row: (str(row), ()) for row in range(len(COUNTS)) if row not in REPEATED}
    learned = learn_early(counts(), texts, REPEATED, embedder, told.append)
    assert told == list(range(1, len(embedder.asked) + 1))
    assert set(embedder.asked) <= {text for text, _ in texts.values()}
    early = PartVectorWriter(tmp_path / "early", counts(), DIMENSION, longest=9, quantiser=learned)
    for row in range(len(COUNTS)):
        early.write(row, vectors_of(row))
    early.close()
    names = {path.name for path in (tmp_path / "late").iterdir()}
    assert names == {path.name for path in (tmp_path / "early").iterdir()}
    for name in names:
        assert (tmp_path / "late" / name).read_bytes() == (tmp_path / "early" / name).read_bytes()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    for n in range(60):
        # All of one length: a model that pads gives the same numbers in whatever company.
        text = "\n\n".join(f"第{n:02}號文件的第{m:02}段講水利工程與網絡安全。" for m in range(20))
        (folder / f"{n:02}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_AS_INT8", FEWEST_TRAINED)
    monkeypatch.setattr(part_vectors, "MOST_TRAINED", FEWEST_TRAINED)


def files_of(index_dir: Path) -> dict[str, bytes]:
    (folder,) = (index_dir / "generations").iterdir()
    paths = [*folder.glob("segments/0/tokens/*"), folder / "segments/0/vectors.faiss"]
    return {path.name: path.read_bytes() for path in paths}


def test_an_index_learned_early_is_the_same_file_by_file(
    docs: Path, tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_vectors, "MOST_TRAINED", FEWEST_TRAINED)
    build_index(docs, index_dir=tmp_path / "late", model=tiny, token_vectors="pq")
    monkeypatch.setattr(views, "MOST_AS_INT8", FEWEST_TRAINED)
    told: list[tuple[str, int, int]] = []

    def progress(*stage: object) -> None:
        told.append(stage)  # type: ignore[arg-type]

    report = build_index(
        docs, index_dir=tmp_path / "early", model=tiny, token_vectors="pq", progress=progress
    )
    assert report.token_vectors == "pq"
    assert files_of(tmp_path / "early") == files_of(tmp_path / "late")
    assert "compress" not in {stage for stage, *_ in told}
    embedded = [done for stage, done, _ in told if stage == "embed"]
    assert embedded == sorted(embedded)
    assert embedded[-1] == 1200


def stopped(docs: Path, index_dir: Path, tiny: str, at: int) -> None:
    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "embed" and done >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(docs, index_dir=index_dir, model=tiny, token_vectors="pq", progress=stop)


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize("at", [100, 1150])
def test_a_build_stopped_while_or_after_learning_goes_on_where_it_was(
    docs: Path, tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    build_index(docs, index_dir=tmp_path / "whole", model=tiny, token_vectors="pq")
    stopped(docs, tmp_path / "index", tiny, at)
    computed: list[int] = []
    real = Embedder.encode_passage_tokens

    def counting(
        embedder: Embedder, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[object]:
        computed.append(len(texts))
        return real(embedder, texts, sentences)

    monkeypatch.setattr(Embedder, "encode_passage_tokens", counting)
    report = build_index(docs, index_dir=tmp_path / "index", model=tiny, token_vectors="pq")
    assert sum(computed) <= 1200 - at + 128
    assert any("was stopped" in note for note in report.notes)
    assert files_of(tmp_path / "index") == files_of(tmp_path / "whole")
    with open_index(tmp_path / "index") as index:
        index.verify()


@pytest.mark.usefixtures("early")
def test_a_checkpoint_keeps_codes_and_drops_those_of_others(
    docs: Path, tmp_path: Path, tiny: str
) -> None:
    stopped(docs, tmp_path / "index", tiny, 1150)
    as_codes = (tmp_path / "index" / CHECKPOINT).stat().st_size
    shutil.copytree(tmp_path / "index", tmp_path / "int8")
    # Another kind is wanted now: codes are of no use to it, and nothing is damaged.
    report = build_index(docs, index_dir=tmp_path / "int8", model=tiny)
    assert (report.token_vectors, report.passages) == ("int8", 1200)
    assert not any("damaged" in note for note in report.notes)
    assert as_codes < 1200 * 4 * 384
