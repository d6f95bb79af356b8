"""The products of a layer in int8: twice as fast as in bfloat16, four times as in float32.

What goes into a product is rounded to 256 steps, weights to 255 for each output, and the products
are summed exactly. The steps are fixed beforehand, from what was seen in many texts (``Ranges``),
so that a text's vectors depend on that text alone. A few channels that are much larger than all
others would leave those hardly a step: before it is rounded each channel is divided by a number of
its own, by which its weights are multiplied (SmoothQuant: Xiao et al., 2023, arXiv:2211.10438).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from index.bundled_model import RANGES_SHA256, packaged
from index.linear import Products, dense_of

if TYPE_CHECKING:
    from torch import Tensor

_FILE = "data/activation_ranges.safetensors"
_HIGHEST, _MIDDLE = 255, 128
_SHARE = 0.8
"""How much of the channels' ranges the weights take over."""
_EXACT = 4
"""Neurons computed in float32: in most layers one is two to eleven times as large as any other."""
_KEPT = 0.7
"""How much of the other neurons' range: to cut off what is rare costs less than longer steps."""
_LEAST_OF_GELU = 0.17
_LEAST = 1e-5


class Ranges(NamedTuple):
    """The largest magnitude of each channel of what goes into a layer's products.

    Attributes:
        projections: float32 ``(dimension,)``.
        attended: ``(dimension,)``.
        inner: ``(dimension,)``.
        outer: behind GELU, ``(inner dimension,)``.
    """

    projections: "Tensor"
    attended: "Tensor"
    inner: "Tensor"
    outer: "Tensor"


class Steps(NamedTuple):
    """How numbers are rounded: a number is ``size * (code - zero)``, codes go from 0 to 255."""

    size: float
    zero: int


class QuantizedLinear:
    """A matrix and its bias, for input that is rounded on its way in.

    Args:
        weight: ``(outputs, inputs)``.
        bias: ``(outputs,)``.
        most: the largest magnitude of each input, float32 ``(inputs,)``; what is larger is cut.
        dtype: of products.
    """

    def __init__(
        self,
        weight: "Tensor",
        bias: "Tensor",
        most: "Tensor",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        weight, most = weight.detach().float(), most.clamp(min=_LEAST)
        divisors = most**_SHARE / weight.abs().amax(0).clamp(min=_LEAST) ** (1 - _SHARE)
        size = float((most / divisors).max()) / (_HIGHEST - _MIDDLE)
        self._factors = 1 / (divisors * size)
        # What stands behind the point is cut off: with one half added, that is rounding.
        self._middles = torch.full_like(self._factors, _MIDDLE + 0.5)
        self._product = CodedProduct(weight * divisors, bias, Steps(size, _MIDDLE))
        self._dtype = dtype

    def __call__(self, x: "Tensor") -> "Tensor":
        """Return the product, ``(rows, outputs)``."""
        return self._product(self._codes(x), self._dtype)

    def gelu(self, x: "Tensor", steps: Steps) -> "Tensor":
        """Return GELU of the product in codes, uint8."""
        return self._product.gelu(self._codes(x), steps)

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return the product plus ``other``, float32."""
        return self._product.plus(self._codes(x), other)

    def _codes(self, x: "Tensor") -> "Tensor":
        scaled = torch.addcmul(self._middles, x, self._factors)
        return scaled.clamp_(0.0, float(_HIGHEST)).to(torch.uint8)


class CodedProduct:
    """A matrix and its bias, for input in codes.

    Args:
        weight: float32 ``(outputs, inputs)``; each output has steps of its own.
        bias: ``(outputs,)``.
        steps: what the codes mean.
    """

    def __init__(self, weight: "Tensor", bias: "Tensor", steps: Steps) -> None:
        sizes = weight.abs().amax(1).clamp(min=_LEAST) / (_HIGHEST - _MIDDLE)
        codes = (weight / sizes[:, None]).round().to(torch.int8).contiguous()
        zeros = torch.zeros(len(codes), dtype=torch.int64)
        self._matrix = (torch.ops.onednn.qlinear_prepack(codes, None), sizes, zeros)
        self._bias = bias.detach().float()
        self._steps = steps

    def __call__(self, codes: "Tensor", dtype: torch.dtype) -> "Tensor":
        """Return the product, ``(rows, outputs)``."""
        return self._unary(codes, Steps(1.0, 0), dtype, "none")

    def gelu(self, codes: "Tensor", steps: Steps) -> "Tensor":
        """Return GELU of the product in codes."""
        return self._unary(codes, steps, torch.uint8, "gelu")

    def _unary(self, codes: "Tensor", result: Steps, dtype: torch.dtype, name: str) -> "Tensor":
        found: Tensor = torch.ops.onednn.qlinear_pointwise(
            codes, *self._steps, *self._matrix, self._bias, *result, dtype, name, [], "none"
        )
        return found

    def plus(self, codes: "Tensor", other: "Tensor") -> "Tensor":
        """Return the product plus ``other``, float32."""
        found: Tensor = torch.ops.onednn.qlinear_pointwise.binary(
            codes, *self._steps, *self._matrix, other, self._bias,
            1.0, 0, torch.float32, 1.0, 0, "add", 1.0, "none", [], "none",
        )  # fmt: skip
        return found


class QuantizedFeedForward:
    """The two products of a layer with GELU between them.

    Args:
        inner: weight and bias of the first, ``(neurons, inputs)`` and ``(neurons,)``.
        outer: of the second.
        most_before: the largest magnitude of each input, ``(inputs,)``.
        most_behind: of each neuron, behind GELU, ``(neurons,)``.
    """

    def __init__(
        self,
        inner: "tuple[Tensor, Tensor]",
        outer: "tuple[Tensor, Tensor]",
        most_before: "Tensor",
        most_behind: "Tensor",
    ) -> None:
        largest = most_behind.topk(_EXACT).indices
        weight = outer[0].detach().float().clone()
        self._exact = (
            inner[1].detach().float()[largest],
            inner[0].detach().float()[largest].T.contiguous(),
            weight[:, largest].T.contiguous(),
        )
        weight[:, largest] = 0.0
        others = most_behind.index_fill(0, largest, 0.0)
        size = (float(others.max()) * _KEPT + _LEAST_OF_GELU) / _HIGHEST
        self._between = Steps(size, round(_LEAST_OF_GELU / size))
        self._inner = QuantizedLinear(*inner, most_before)
        self._outer = CodedProduct(weight, outer[1], self._between)

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return what both give for ``x``, plus ``other``, all float32."""
        bias, before, behind = self._exact
        exact = functional.gelu(torch.addmm(bias, x, before))
        codes = self._inner.gelu(x, self._between)
        return self._outer.plus(codes, torch.addmm(other, exact, behind))


def quantized_products(
    layer: Any,  # noqa: ANN401
    projections: "tuple[Tensor, Tensor]",
    dtype: torch.dtype,
    ranges: Ranges,
) -> Products:
    """Return the products of a layer, in int8.

    Args:
        layer: a transformers ``BertLayer``.
        projections: weight and bias of its queries, keys and values in one.
        dtype: of what those give.
        ranges: of what goes into the products.
    """
    attended, inner, outer = dense_of(layer)
    return Products(
        QuantizedLinear(*projections, ranges.projections, dtype=dtype),
        QuantizedLinear(attended.weight, attended.bias, ranges.attended),
        QuantizedFeedForward(
            (inner.weight, inner.bias), (outer.weight, outer.bias), ranges.inner, ranges.outer
        ),
    )


def is_worth_it() -> bool:
    """Return whether this processor multiplies int8 in hardware, and this torch knows how."""
    return bool(torch._C._has_mkldnn) and bool(getattr(torch.cpu, "_is_vnni_supported", bool)())


def ranges_of(held: "Mapping[str, Tensor]", layer: int) -> Ranges:
    """Return the ranges of a layer that come with what it has learnt: ``LAYER.ranges.inner``, …."""
    return Ranges(*(held[f"{layer}.ranges.{name}"].float() for name in Ranges._fields))


@lru_cache(maxsize=1)
def bundled_ranges() -> list[Ranges]:
    """Return the ranges of the bundled model, layer by layer.

    Raises:
        ModelDamagedError: their file is not the expected one.
    """
    from safetensors.torch import load

    held = load(packaged(_FILE, RANGES_SHA256))
    columns = [held[name].float() for name in Ranges._fields]
    return [Ranges(*of_layer) for of_layer in zip(*columns, strict=True)]
