"""What makes a reader of the bundled encoder: what its layers have learnt beside their own weights.

To every matrix of a changed layer a product of two narrow ones is added (as LoRA does: Hu et al.,
2021, arXiv:2106.09685); biases and norms, which are small, are replaced. The result is a layer like
any other, and as fast.
"""

import copy
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


def is_changed(held: "Mapping[str, Tensor]", number: int) -> bool:
    """Return whether a layer has learnt anything.

    Args:
        held: of all layers, by name: ``LAYER.query.down``, ``LAYER.query.up``, ``.bias``, ….
        number: of the layer, from 0.
    """
    return f"{number}.query.down" in held


@torch.no_grad()
def changed(layer: Any, held: "Mapping[str, Tensor]", number: int) -> Any:  # noqa: ANN401
    """Return a layer with what it has learnt; the one given stays as it is.

    Args:
        layer: a transformers ``BertLayer``.
        held: of all layers, by name; matrices are ``(outputs, inputs)``.
        number: of the layer, from 0.
    """
    new = copy.deepcopy(layer)
    for name, place in MATRICES.items():
        one = new.get_submodule(place)
        down, up = (held[f"{number}.{name}.{part}"].float() for part in ("down", "up"))
        one.weight.copy_(one.weight.float() + up @ down)
        one.bias.copy_(held[f"{number}.{name}.bias"])
    for name, place in NORMS.items():
        one = new.get_submodule(place)
        one.weight.copy_(held[f"{number}.{name}.weight"])
        one.bias.copy_(held[f"{number}.{name}.bias"])
    return new
