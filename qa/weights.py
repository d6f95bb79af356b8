"""How evidence is weighed: numbers fitted on public question sets, kept as data.

``data/weights.json`` holds weights fitted for the bundled model, whose cosines mean what they mean
for no other, and weights without a scale for every other model: there each kind of evidence is
taken in standard deviations over the candidates of the question. ``python -m benchmarks fit`` makes
the file.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

READ = ", read"
"""What the name of an entry ends in whose weights count phrases."""


@dataclass(frozen=True)
class Weights:
    """The weight of each kind of evidence, by the name of its field.

    Attributes:
        first: of a passage before it is compared token by token.
        passage: of a passage.
        span: of a run of sentences.
        confidence: of what speaks for an answer, with ``intercept``.
        is_scale_free: whether evidence is standardised before it is weighed.
    """

    first: Mapping[str, float]
    passage: Mapping[str, float]
    span: Mapping[str, float]
    confidence: Mapping[str, float]
    is_scale_free: bool

    def scores(self, evidence: Sequence[object], weights: Mapping[str, float]) -> FloatArray:
        """Return the weighed sum of each piece of evidence, float32 ``(len(evidence),)``."""
        values = np.array(list(weights.values()), np.float32)
        # Not BLAS, whose kernels may warn of an invalid value in the lanes that they only pad with.
        weighed: FloatArray = np.einsum("ij,j->i", self.rows(evidence, weights), values)
        return weighed

    def rows(self, evidence: Sequence[object], names: Collection[str]) -> FloatArray:
        """Return the numbers that are weighed, float32 ``(len(evidence), len(names))``."""
        rows = np.array(
            [[getattr(one, name) for name in names] for one in evidence], np.float32
        ).reshape(-1, len(names))
        if self.is_scale_free and len(rows):
            rows = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)
        return rows


def weights_for(model: str, revision: str, *, has_read: bool = False) -> Weights:
    """Return the weights fitted for a model, else those without a scale.

    Args:
        model: its name.
        revision: of its weights.
        has_read: whether phrases were read in the spans; where no weights were fitted with them,
            they are no evidence.
    """
    fitted = _all_weights()
    usual = fitted.get(f"{model} {revision}", fitted["any other"])
    return fitted.get(f"{model} {revision}{READ}", usual) if has_read else usual


@lru_cache(maxsize=1)
def _all_weights() -> Mapping[str, Weights]:
    return read_weights(files("qa").joinpath("data/weights.json").read_text(encoding="utf-8"))


def read_weights(text: str) -> dict[str, Weights]:
    """Return the entries of a file of weights by name."""
    return {name: Weights(**values) for name, values in json.loads(text).items()}
