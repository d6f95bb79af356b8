"""The products of a layer in the model's own precision, laid out for oneDNN where torch has it."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_MANY_ROWS = 256


class Linear:
    """A matrix and its bias.

    Args:
        weight: ``(outputs, inputs)``.
        bias: ``(outputs,)``.
    """

    def __init__(self, weight: "Tensor", bias: "Tensor") -> None:
        self._bias = bias.detach()
        self._is_laid_out = bool(torch._C._has_mkldnn)
        self._weight = weight.detach().contiguous()
        if self._is_laid_out:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, _MANY_ROWS)

    def __call__(self, x: "Tensor") -> "Tensor":
        """Return the product, ``(rows, outputs)``."""
        if not self._is_laid_out:
            return functional.linear(x, self._weight, self._bias)
        return self._pointwise(x, "none")

    def gelu(self, x: "Tensor") -> "Tensor":
        """Return GELU of the product."""
        if not self._is_laid_out:
            return functional.gelu(self(x))
        return self._pointwise(x, "gelu")

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return the product plus ``other``."""
        if not self._is_laid_out:
            return self(x) + other
        added: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            x, other, self._weight, self._bias, "add"
        )
        return added

    def _pointwise(self, x: "Tensor", name: str) -> "Tensor":
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._weight, self._bias, name, [], "none" if name == "gelu" else ""
        )
        return product


class FeedForward:
    """The two products of a layer with GELU between them.

    Args:
        inner: the first.
        outer: the second.
    """

    def __init__(self, inner: Linear, outer: Linear) -> None:
        self._inner = inner
        self._outer = outer

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return what both give for ``x``, plus ``other``."""
        return self._outer.plus(self._inner.gelu(x), other)


class Multiplies(Protocol):
    """What gives a product."""

    def __call__(self, x: "Tensor") -> "Tensor":
        """Return the product, ``(rows, outputs)``."""


class Adds(Protocol):
    """What gives a product with something added to it."""

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return the product plus ``other``."""


class Products(NamedTuple):
    """What a layer multiplies.

    Attributes:
        projections: gives queries, keys and values.
        attended: behind attention.
        feed_forward: the other two.
    """

    projections: Multiplies
    attended: Adds
    feed_forward: Adds


def plain_products(
    layer: Any,  # noqa: ANN401
    projections: "tuple[Tensor, Tensor]",
    dtype: torch.dtype,
) -> Products:
    """Return the products of a layer.

    Args:
        layer: a transformers ``BertLayer``.
        projections: weight and bias of its queries, keys and values in one.
        dtype: of those.
    """
    weight, bias = projections
    attended, inner, outer = (Linear(one.weight, one.bias) for one in dense_of(layer))
    own = Linear(weight.to(dtype), bias.to(dtype))
    return Products(own, attended, FeedForward(inner, outer))


def dense_of(layer: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return what a layer has behind attention, before GELU and behind it."""
    return layer.attention.output.dense, layer.intermediate.dense, layer.output.dense
