"""Vectors of a passage's sentences from the passage's own pass: a linear map of its layers.

What ``multilingual-e5-small-one-pass`` does in place of encoding every sentence by itself, which
costs a second forward pass over the whole text. The mean of a
sentence's token vectors in the last layer is no substitute: all of them speak of the whole passage.
The lower layers still speak of the words alone. So the means of a sentence's tokens in several
layers, and the passage's own vector, are mapped to what encoding the sentence by itself would give:
a ridge regression over sentences of news (``benchmarks/pooling.py``), kept as data.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from index.bundled_model import POOLING_SHA256, packaged

FloatArray = npt.NDArray[np.float32]

LAYERS = (0, 2, 4, 6, 8, 10, 12)
"""Whose means are looked at: 0 is what goes into the first layer, 12 what the last gives."""
_FILE = "data/sentence_pooling.safetensors"
_LEAST = 1e-12


class SentencePooling:
    """The map from means of layers to the vectors of sentences.

    Args:
        weight: float32 ``(len(features), dimension)``.
        bias: float32 ``(dimension,)``.
    """

    def __init__(self, weight: FloatArray, bias: FloatArray) -> None:
        self._weight = torch.from_numpy(np.ascontiguousarray(weight))
        self._bias = bias

    def __call__(
        self, means: FloatArray, counts: npt.NDArray[np.int64], text: FloatArray
    ) -> FloatArray:
        """Return unit vectors of the sentences of one text, float32 ``(n, dimension)``.

        Args:
            means: of each sentence's tokens in each layer, ``(n, len(LAYERS), dimension)``.
            counts: how many tokens each has; one without any has the text's vector.
            text: the mean of all tokens of the text in the last layer, ``(dimension,)``.
        """
        if not len(means):
            return np.empty((0, len(text)), np.float32)
        # By torch, on the one core that encoded the text: NumPy's product would want all of them.
        product = torch.from_numpy(features(means, counts, text)) @ self._weight
        mapped: FloatArray = product.numpy() + self._bias
        mapped[counts == 0] = text
        return _unit(mapped)


def features(means: FloatArray, counts: npt.NDArray[np.int64], text: FloatArray) -> FloatArray:
    """Return what the vectors of a text's sentences are mapped from, one row a sentence."""
    whole = np.broadcast_to(text, (len(means), 1, len(text)))
    directions = _unit(np.concatenate([means, whole], axis=1)).reshape(len(means), -1)
    lengths = np.log(np.maximum(counts, 1)).astype(np.float32)
    joined: FloatArray = np.concatenate([directions, lengths[:, None]], axis=1)
    return joined


def _unit(vectors: FloatArray) -> FloatArray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(norms, _LEAST)).astype(np.float32)
    return unit


@lru_cache(maxsize=1)
def bundled_pooling() -> SentencePooling:
    """Return the map for the bundled model.

    Raises:
        ModelDamagedError: its file is not the expected one.
    """
    from safetensors.numpy import load

    held = load(packaged(_FILE, POOLING_SHA256))
    return SentencePooling(held["weight"].astype(np.float32), held["bias"])
