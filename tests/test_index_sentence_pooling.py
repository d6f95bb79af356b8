"""Sentences' vectors from the passage's own pass: what is averaged, mapped, and near enough."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import tiny_model

from index import (
    REPORT,
    Index,
    ModelDamagedError,
    ModelMismatchError,
    build_index,
    fold,
    open_index,
    sentence_pooling,
)
from index.bundled_model import MODEL_NAME, ONE_PASS_NAME
from index.embedder import Embedder, Encoded
from index.models import identify, load_embedder
from index.packed import Forward, PackedBert, Parts, means_of
from index.padded import PaddedBert
from index.part_vectors import quantise
from index.sentence_pooling import LAYERS, SentencePooling, bundled_pooling, features
from index.splitter import sentences
from qa import ask

TEXTS = [
    "烏海市全程網辦事項量提升15.4%。三端五防線是鄂爾多斯市的模式！通遼呢？",
    "一句。",
    "。。。　　。",
    "It holds English too. 兩句中文。",
]
SPANS = [list(sentences(fold(text), 0, len(text))) for text in TEXTS]


def encoded(embedder: Embedder) -> dict[int, Encoded]:
    return dict(embedder.encode_passage_tokens([fold(text) for text in TEXTS], SPANS))


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(0, 2**32 - 1))
def test_a_mean_is_that_of_its_own_rows(counts: list[int], seed: int) -> None:
    chance = np.random.default_rng(seed)
    states = chance.normal(size=(12, 3)).astype(np.float32)
    rows = chance.integers(0, 12, sum(counts))
    found = means_of(torch.from_numpy(states), Parts(rows, np.array(counts, np.int64), (0,)))
    ends = np.cumsum(counts)
    for mean, end, count in zip(found.numpy(), ends, counts, strict=True):
        own = states[rows[end - count : end]]
        expected = own.mean(axis=0) if count else np.zeros(3)
        assert np.allclose(mean, expected, atol=1e-5)


def passes() -> tuple[Forward, Forward]:
    """The same texts and parts by the packed engine and by transformers."""
    embedder = load_embedder(ONE_PASS_NAME)
    assert isinstance(embedder._engine, PackedBert)
    ids = [text.ids for text in embedder._tokenised([fold(t) for t in TEXTS], "passage: ")]
    rows = np.arange(1, sum(map(len, ids)) - 1)
    parts = Parts(rows, np.array([5, 0, len(rows) - 5], np.int64), LAYERS)
    body = embedder._model[0].auto_model
    return PackedBert(body).forward(ids, parts), PaddedBert(body).forward(ids, parts)


def test_both_engines_give_the_same_layers() -> None:
    packed, padded = passes()
    assert packed.parts.shape == padded.parts.shape == (3, len(LAYERS), 384)
    assert not packed.parts[1].any(), "a part without tokens"
    for mine, theirs in (
        (packed.vectors, padded.vectors),
        (np.concatenate(packed.tokens), np.concatenate(padded.tokens)),
        (packed.parts, padded.parts),
    ):
        product = (mine * theirs).sum(-1)
        lengths = np.linalg.norm(mine, axis=-1) * np.linalg.norm(theirs, axis=-1)
        assert (product[lengths > 0] / lengths[lengths > 0]).min() > 0.999


def test_without_the_packed_engine_vectors_are_the_same() -> None:
    embedder = load_embedder(ONE_PASS_NAME)
    engine = PaddedBert(embedder._model[0].auto_model)
    plain = Embedder(
        embedder._model, name="a", revision="1", engine=engine, pooling=embedder._pooling
    )
    mine, theirs = encoded(embedder), encoded(plain)
    for at in range(len(TEXTS)):
        assert mine[at].vector @ theirs[at].vector > 0.999
        assert mine[at].sentences.shape == (len(SPANS[at]), 384)
        assert (mine[at].sentences * theirs[at].sentences).sum(axis=1).min() > 0.998


def test_sentences_have_the_same_vectors_in_any_company() -> None:
    embedder = load_embedder(ONE_PASS_NAME)
    together = encoded(embedder)
    for at, (text, spans) in enumerate(zip(TEXTS, SPANS, strict=True)):
        [(_, alone)] = embedder.encode_passage_tokens([fold(text)], [spans])
        levels, scales = quantise(alone.sentences)
        assert np.array_equal(levels, quantise(together[at].sentences)[0])
        assert np.array_equal(scales, quantise(together[at].sentences)[1])


def test_a_sentence_without_tokens_has_the_vector_of_its_text() -> None:
    chance = np.random.default_rng(0)
    text = chance.normal(size=4).astype(np.float32)
    pooling = SentencePooling(
        chance.normal(size=(4 * (len(LAYERS) + 1) + 1, 4)).astype(np.float32),
        np.zeros(4, np.float32),
    )
    means = np.zeros((2, len(LAYERS), 4), np.float32)
    means[0] = chance.normal(size=(len(LAYERS), 4))
    found = pooling(means, np.array([3, 0]), text)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(found[1], text / np.linalg.norm(text), atol=1e-6)
    assert not np.allclose(found[0], found[1], atol=0.1)


def test_features_are_directions_and_the_logarithm_of_the_length() -> None:
    means = np.array([[[3.0, 4.0]] * len(LAYERS)], np.float32)
    row = features(means, np.array([8]), np.array([0.0, 2.0], np.float32))[0]
    expected = [0.6, 0.8] * len(LAYERS) + [0.0, 1.0, np.log(8)]
    assert np.allclose(row, expected)


def test_mapped_vectors_are_near_those_of_sentences_encoded_by_themselves(
    report_index: Index,
) -> None:
    passages = report_index.get_passages(range(len(report_index)))
    texts = [fold(passage.searchable) for passage in passages]
    spans = [passage.searchable_sentences for passage in passages]
    mapped = dict(load_embedder(ONE_PASS_NAME).encode_passage_tokens(texts, spans))
    mine = np.concatenate([mapped[at].sentences for at in range(len(passages))])
    theirs = np.concatenate([report_index.sentence_vectors(p.id) for p in passages])
    assert (mine * theirs).sum(axis=1).mean() > 0.96
    nearest = (mine @ theirs.T).argmax(axis=1)
    assert (nearest == np.arange(len(theirs))).mean() > 0.9, "to the same one, by itself"


def test_an_index_of_the_one_pass_model_answers_and_says_what_it_is(tmp_path: Path) -> None:
    build_index(REPORT, index_dir=tmp_path / "index", model=ONE_PASS_NAME)
    with open_index(tmp_path / "index") as index:
        assert (index.info.model, index.info.model_revision) == identify(ONE_PASS_NAME)
        index.verify()
        answer = ask("烏海市全程網辦事項量提升了多少", index=index)
        assert answer.status == "answered"
        assert "15.4%" in answer.citations[0].quote
    with (
        open_index(tmp_path / "index", model=MODEL_NAME) as index,
        pytest.raises(ModelMismatchError, match="one-pass"),
    ):
        ask("甚麼？", index=index)


def test_the_bundled_model_encodes_each_sentence_by_itself() -> None:
    embedder = load_embedder()
    for at, one in encoded(embedder).items():
        texts = [fold(TEXTS[at])[span.start : span.end] for span in SPANS[at]]
        theirs = embedder.encode_passages(texts)
        assert one.sentences.shape == theirs.shape
        assert (one.sentences * theirs).sum(axis=1).min(initial=1.0) > 0.9999


def test_another_model_encodes_each_sentence_by_itself(tmp_path: Path) -> None:
    embedder = load_embedder(str(tiny_model(tmp_path / "tiny")))
    for at, one in encoded(embedder).items():
        texts = [fold(TEXTS[at])[span.start : span.end] for span in SPANS[at]]
        assert np.allclose(one.sentences, embedder.encode_passages(texts), atol=1e-5)
    [(_, without)] = embedder.encode_passage_tokens(["甲"])
    assert without.sentences.size == 0
    [(_, none)] = embedder.encode_passage_tokens(["甲"], [[]])
    assert none.sentences.shape == (0, embedder.dimension)


def test_a_damaged_map_is_an_error_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_pooling, "POOLING_SHA256", "0" * 64)
    with pytest.raises(ModelDamagedError, match="Install Yinzheng again"):
        bundled_pooling.__wrapped__()


def test_spans_of_sentences_count_from_the_headings_on(report_index: Index) -> None:
    for passage in report_index.get_passages(range(len(report_index))):
        spans = passage.searchable_sentences
        assert [passage.searchable[s.start : s.end] for s in spans] == passage.sentence_texts
