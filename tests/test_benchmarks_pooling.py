"""The fit of the map from a passage's pass to its sentences."""

import hashlib
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from benchmarks.pooling import (
    Examples,
    _ridge,
    examples,
    fit_pooling,
    write_pooling,
)
from benchmarks.prose import _paragraphs, installed_prose, passages_of
from index.models import load_embedder
from index.sentence_pooling import LAYERS, SentencePooling


def test_the_ridge_is_the_closed_form() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(3, 2, (500, 6)).astype(np.float32)
    true = chance.normal(size=(6, 4))
    y = (x @ true + 5).astype(np.float32)
    weight, bias = _ridge(Examples(x, y))
    z = (x - x.mean(0)) / x.std(0)
    solved = np.linalg.solve(z.T @ z + 30 * np.eye(6), z.T @ (y - y.mean(0)))
    assert np.allclose(z @ solved + y.mean(0), x @ weight + bias, atol=1e-2)


def test_passages_of_a_text_are_whole_and_hold_all_of_it() -> None:
    text = "第一句話說的是水利。" * 60 + "\n\n第二段。"
    parts = list(passages_of(text, (150, 300)))
    assert "".join(parts) == text.replace("\n", "")
    assert len(parts) > 3
    assert all(part.endswith("。") for part in parts)


def test_code_and_scraps_are_no_prose() -> None:
    prose = "This module provides a portable way of using what the system offers to programs. " * 2
    assert list(_paragraphs(f"short\n\n{prose}\n\ncall(`x`) {prose}")) == [prose.strip()]
    assert len(installed_prose()) > 50


def test_passages_without_tokens_teach_nothing() -> None:
    found = examples(load_embedder(), ["一句話。", " ", "　"])
    assert found.features.shape == (1, (len(LAYERS) + 1) * 384 + 1)
    assert found.targets.shape == (1, 384)


def test_a_fit_gives_a_file_that_maps(tmp_path: Path) -> None:
    texts = [f"第{n}篇報告談水利與網絡。其中的數字是{n * 7}，地方是第{n}個市。" for n in range(60)]
    told: list[str] = []
    content, near = fit_pooling(texts, ["The report holds many numbers. It is short."], told.append)
    assert near.sentences == 8, "two of every twentieth text"
    assert -1 <= near.fifth <= near.cosine <= 1
    path = tmp_path / "map.safetensors"
    assert write_pooling(content, path) == hashlib.sha256(path.read_bytes()).hexdigest()
    held = load(path.read_bytes())
    assert held["weight"].shape == ((len(LAYERS) + 1) * 384 + 1, 384)
    pooling = SentencePooling(held["weight"].astype(np.float32), held["bias"])
    found = pooling(
        np.ones((1, len(LAYERS), 384), np.float32), np.array([4]), np.ones(384, np.float32)
    )
    assert np.allclose(np.linalg.norm(found), 1, atol=1e-5)
    assert told
