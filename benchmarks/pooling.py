"""Texts → the map from a passage's own pass to the vectors of its sentences.

A ridge regression: features of sentences (``index/sentence_pooling.py``) against the vectors that
the model gives the same sentences encoded by themselves. Beside the texts given, which are Chinese,
it learns from English prose: what installed packages and Python's own library say of themselves.
What is measured on texts held out says how near it comes; what it does to answers, ``benchmarks
quality`` says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.prose import ENGLISH_LENGTHS, LENGTHS, passages_of
from benchmarks.runs import Told
from index import fold
from index.embedder import Embedder
from index.models import load_embedder
from index.sentence_pooling import features
from index.splitter import sentences

FloatArray = npt.NDArray[np.float32]

POOLING = Path(__file__).parent.parent / "index" / "data" / "sentence_pooling.safetensors"
_RIDGE = 30.0
_HELD_OUT = 20  # every so manieth text


@dataclass(frozen=True)
class Examples:
    """Sentences, as they are mapped and as they should be.

    Attributes:
        features: one row a sentence.
        targets: unit vectors of the same sentences encoded by themselves, ``(n, dimension)``.
    """

    features: FloatArray
    targets: FloatArray


@dataclass(frozen=True)
class Nearness:
    """How near the map comes on texts it has not seen.

    Attributes:
        sentences: how many there were.
        cosine: of mapped and encoded vectors, in the mean.
        fifth: the cosine that 5 % of the sentences stay below.
        nearest: share of encoded sentences whose nearest mapped one is their own.
    """

    sentences: int
    cosine: float
    fifth: float
    nearest: float


def fit_pooling(texts: Sequence[str], english: Sequence[str], told: Told) -> tuple[bytes, Nearness]:
    """Return the file of the map, and how good it is on every twentieth text, which it never saw.

    Args:
        texts: Chinese ones.
        english: English ones.
        told: called with what is being done.
    """
    embedder = load_embedder()
    passages = [
        [fold(part) for part in passages_of(text, lengths)]
        for group, lengths in ((texts, LENGTHS), (english, ENGLISH_LENGTHS))
        for text in group
    ]
    told(f"encoding {len(texts):,} texts, and {len(english):,} English ones")
    seen = examples(embedder, [p for at, own in enumerate(passages) if at % _HELD_OUT for p in own])
    told(f"fitting to {len(seen.targets):,} sentences")
    weight, bias = _ridge(seen)
    unseen = examples(embedder, [part for own in passages[::_HELD_OUT] for part in own])
    return _file(weight, bias), _nearness(unseen, weight, bias)


def examples(embedder: Embedder, passages: Sequence[str]) -> Examples:
    """Return the sentences of folded passages."""
    spans = [list(sentences(passage, 0, len(passage))) for passage in passages]
    rows: list[FloatArray] = []
    words: list[str] = []
    for at, means, counts, vector in embedder.sentence_means(passages, spans):
        kept = counts > 0
        if not kept.any():
            continue
        rows.append(features(means[kept], counts[kept], vector).astype(np.float16))
        own = [passages[at][span.start : span.end] for span in spans[at]]
        words += [word for word, is_kept in zip(own, kept.tolist(), strict=True) if is_kept]
    return Examples(np.concatenate(rows), embedder.encode_passages(words))


# ---- the map -------------------------------------------------------------------------------------


def _ridge(seen: Examples) -> tuple[FloatArray, FloatArray]:
    """Return weight ``(features, dimension)`` and bias of a ridge regression, standardised."""
    step, width = 4096, seen.features.shape[1]
    mean = seen.features.mean(axis=0, dtype=np.float64)
    spread = seen.features.std(axis=0, dtype=np.float64) + 1e-6
    products = np.zeros((width, width))
    targets = np.zeros((width, seen.targets.shape[1]))
    middle = seen.targets.mean(axis=0, dtype=np.float64)
    for at in range(0, len(seen.features), step):
        block = ((seen.features[at : at + step] - mean) / spread).astype(np.float32)
        products += block.T @ block
        targets += block.T @ (seen.targets[at : at + step] - middle).astype(np.float32)
    solved = np.linalg.solve(products + _RIDGE * np.eye(width), targets)
    weight = solved / spread[:, None]
    bias = middle - mean @ weight
    return weight.astype(np.float32), bias.astype(np.float32)


def _nearness(unseen: Examples, weight: FloatArray, bias: FloatArray) -> Nearness:
    mapped = unseen.features.astype(np.float32) @ weight + bias
    mapped /= np.linalg.norm(mapped, axis=1, keepdims=True)
    cosines = (mapped * unseen.targets).sum(axis=1)
    nearest = (unseen.targets @ mapped.T).argmax(axis=1) == np.arange(len(mapped))
    fifth = float(np.quantile(cosines, 0.05))
    return Nearness(len(mapped), float(cosines.mean()), fifth, float(nearest.mean()))


def _file(weight: FloatArray, bias: FloatArray) -> bytes:
    from safetensors.numpy import save

    return save({"weight": weight.astype(np.float16), "bias": bias})


def write_pooling(content: bytes, path: Path) -> str:
    """Write the file; return its SHA-256, which ``index/bundled_model.py`` has to name."""
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
