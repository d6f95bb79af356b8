"""Embeddings kept in a file: the same index byte for byte, and nothing computed twice."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT, CacheError, build_index, open_index
from index.embedder import Embedder, Encoded
from index.embedding_cache import CachedEmbedder
from index.models import load_embedder
from index.part_vectors import quantise, restore
from index.splitter import sentences
from index.types import Span

TEXTS = ["烏海市全程網辦事項量。甲。", "甲", "", "三端五防線", "甲"]
SPANS = [list(sentences(text, 0, len(text))) for text in TEXTS]


class Counting(Embedder):
    """The bundled model, which notes what it is asked to embed."""

    def __init__(self) -> None:
        self.__dict__.update(vars(load_embedder()))
        self.lengths: list[int] = []

    def encode_passage_tokens(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[tuple[int, Encoded]]:
        self.lengths.append(len(texts))
        return super().encode_passage_tokens(texts, sentences)


def embed(embedder: Embedder, texts: Sequence[str]) -> dict[int, Encoded]:
    return dict(embedder.encode_passage_tokens(texts))


def parts(index_dir: Path) -> dict[str, str]:
    """The SHA-256 of every file that holds vectors."""
    with open_index(index_dir) as index:
        folder = index_dir / "generations" / index.generation
    files = [folder / "segments/0/vectors.faiss", *sorted((folder / "segments/0/tokens").iterdir())]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_index_is_the_same_without_with_and_out_of_the_cache(
    tmp_path: Path, report_dir: Path
) -> None:
    cache = tmp_path / "kept" / "embeddings.sqlite"
    for name in ("filling", "filled"):
        build_index(REPORT, index_dir=tmp_path / name, embedding_cache=cache)
    assert parts(tmp_path / "filling") == parts(report_dir)
    assert parts(tmp_path / "filled") == parts(report_dir)
    with open_index(report_dir) as index, sqlite3.connect(cache) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM embeddings").fetchone()
        assert kept == len(index)


def test_passages_come_back_as_they_were(tmp_path: Path) -> None:
    plain = load_embedder().encode_passages(TEXTS)
    for _ in range(2):
        with CachedEmbedder(load_embedder(), tmp_path / "kept.sqlite") as embedder:
            assert list(embedder.encode_passage_tokens([])) == []
            found = dict(embedder.encode_passage_tokens(TEXTS, SPANS))
            assert sorted(found) == list(range(len(TEXTS)))
            assert embedder.token_counts(TEXTS) == [
                len(found[position].tokens.vectors) for position in range(len(TEXTS))
            ]
            for position, one in found.items():
                assert np.allclose(one.vector, plain[position], atol=0.01)
                assert one.sentences.shape == (len(SPANS[position]), 384)
            for start, end in found[0].tokens.spans.tolist():
                assert 0 <= start < end <= len(TEXTS[0])


def test_only_what_is_new_is_computed(tmp_path: Path) -> None:
    # Inherits from the embedder it wraps, so the counting one has to be below it.
    class CountingCache(CachedEmbedder, Counting):
        pass

    embedder = CountingCache(Counting(), tmp_path / "kept.sqlite")
    embed(embedder, ["甲", "乙"])
    embed(embedder, ["乙", "丙", "甲"])
    assert embedder.lengths == [2, 1]
    embedder.close()


def test_what_is_kept_is_what_is_computed(tmp_path: Path) -> None:
    for _ in range(2):
        with CachedEmbedder(load_embedder(), tmp_path / "kept.sqlite") as cached:
            kept = dict(cached.encode_passage_tokens(TEXTS, SPANS))
        computed = dict(load_embedder().encode_passage_tokens(TEXTS, SPANS))
        for position, one in computed.items():
            assert np.array_equal(kept[position].vector, one.vector)
            mine = [kept[position].sentences, kept[position].tokens.vectors]
            for kept_of, own in zip(mine, [one.sentences, one.tokens.vectors], strict=True):
                levels, scales = quantise(kept_of)
                assert np.array_equal(levels, quantise(own)[0])
                assert np.array_equal(scales, quantise(own)[1])


def test_another_revision_or_other_sentences_find_nothing(tmp_path: Path) -> None:
    with CachedEmbedder(load_embedder(), tmp_path / "kept.sqlite") as embedder:
        keys = {embedder._key("甲。乙。", [Span(0, 2), Span(2, 4)])}
        keys.add(embedder._key("甲。乙。", [Span(0, 4)]))
        embedder.revision = "another"
        keys.add(embedder._key("甲。乙。", [Span(0, 4)]))
    assert len(keys) == 3


def test_the_oldest_go_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    of_one = 384 * 4 + 384 + 2 + 8  # a vector, and a token with its scale and place
    with CachedEmbedder(load_embedder(), path, most_bytes=2 * of_one) as embedder:
        for text in "甲乙丙丁":
            embed(embedder, [text])
    with CachedEmbedder(load_embedder(), path) as embedder:
        kept = [embedder._get(embedder._key(text, ())) is not None for text in "甲乙丙丁"]
    assert kept == [False, False, True, True]


def test_a_file_that_is_no_cache_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_text("no database at all, and long enough to be read as one" * 20)
    with pytest.raises(CacheError, match="--no-cache"):
        build_index(REPORT, index_dir=tmp_path / "index", embedding_cache=path)
    assert not (tmp_path / "index" / "CURRENT").exists()


def test_a_damaged_embedding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    with CachedEmbedder(load_embedder(), path) as embedder:
        embed(embedder, ["甲"])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE embeddings SET vector = x'00000000'")
    connection.close()
    with (
        CachedEmbedder(load_embedder(), path) as embedder,
        pytest.raises(CacheError, match="cannot be used"),
    ):
        embed(embedder, ["甲"])


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(1e-4, 1.0))
def test_what_is_restored_quantises_the_same(count: int, seed: int, size: float) -> None:
    vectors = np.random.default_rng(seed).normal(0, size, (count, 24)).astype(np.float32)
    levels, scales = quantise(vectors)
    again = quantise(restore(levels, scales))
    assert np.array_equal(again[0], levels)
    assert np.array_equal(again[1], scales)
