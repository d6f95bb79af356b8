"""What makes a reader of the bundled encoder: what its layers have learnt beside their own weights.

That is small beside the weights, so that four bits a number hold it (one may do: BitDelta, Liu et
al., 2024, arXiv:2402.10193); biases and norms, which are few, are replaced. The result is a layer
like any other, and as fast.
"""

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

MATRICES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
}
"""What a layer multiplies by: the name in the file, and where it is in a ``BertLayer``."""

NORMS = {"after_attention": "attention.output.LayerNorm", "after_feed_forward": "output.LayerNorm"}
"""What it brings to one scale, likewise."""

_GROUP = 64
_MOST, _MIDDLE = 7, 8
_LEAST = 1e-7  # of a step that float16 holds


def is_changed(held: "Mapping[str, Tensor]", number: int) -> bool:
    """Return whether a layer has learnt anything.

    Args:
        held: of all layers, by name: ``LAYER.query.codes``, ``.steps``, ``.bias``, ….
        number: of the layer, from 0.
    """
    return f"{number}.query.codes" in held


@torch.no_grad()
def changed(layer: Any, held: "Mapping[str, Tensor]", number: int) -> Any:  # noqa: ANN401
    """Return a layer with what it has learnt; the one given stays as it is.

    Args:
        layer: a transformers ``BertLayer``.
        held: of all layers, by name.
        number: of the layer, from 0.
    """
    new = copy.deepcopy(layer)
    for name, place in MATRICES.items():
        one = new.get_submodule(place)
        learnt = unpacked(held[f"{number}.{name}.codes"], held[f"{number}.{name}.steps"])
        one.weight.copy_(one.weight.float() + learnt)
        one.bias.copy_(held[f"{number}.{name}.bias"])
    for name, place in NORMS.items():
        one = new.get_submodule(place)
        one.weight.copy_(held[f"{number}.{name}.weight"])
        one.bias.copy_(held[f"{number}.{name}.bias"])
    return new


def packed(matrix: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return a matrix in four bits a number: codes, two in a byte, and steps.

    Args:
        matrix: float32 ``(outputs, inputs)``, ``inputs`` even.

    Returns:
        uint8 ``(outputs, inputs / 2)`` and float16 ``(outputs, groups)``: neighbours share a step.
    """
    rows, inputs = matrix.shape
    groups = matrix.reshape(rows, -1, math.gcd(inputs, _GROUP))
    steps = (groups.abs().amax(-1) / _MOST).clamp(min=_LEAST).half()
    codes = (groups / steps.float()[..., None]).round().clamp(-_MOST, _MOST) + _MIDDLE
    low, high = codes.to(torch.uint8).reshape(rows, -1, 2).unbind(-1)
    return low | high << 4, steps


def unpacked(codes: "Tensor", steps: "Tensor") -> "Tensor":
    """Return the matrix that codes and steps stand for, float32 ``(outputs, inputs)``."""
    both = torch.stack([codes & 15, codes >> 4], dim=-1).float() - _MIDDLE
    rows, groups = steps.shape
    return (both.reshape(rows, groups, -1) * steps.float()[..., None]).reshape(rows, -1)
