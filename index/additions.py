"""Small additions to the bundled encoder's layers, which make a reader of it.

To attention low-rank ones (LoRA: Hu et al., 2021, arXiv:2106.09685), and a small part beside each
feed-forward one (a parallel adapter: He et al., 2022, arXiv:2110.04366). All depend on what goes
into a product, so that the product itself may be computed in any precision; in int8 the low-rank
ones are made part of the matrix (``quantized.py``).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from index.linear import Adds, Multiplies, Products

if TYPE_CHECKING:
    from torch import Tensor


class LowRank(NamedTuple):
    """A matrix as the product of two narrow ones: ``up`` times ``down``."""

    down: "Tensor"
    up: "Tensor"

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return its product with ``x``, plus ``other``."""
        return torch.addmm(other, x @ self.down, self.up)

    def matrix(self) -> "Tensor":
        """Return what it adds to a matrix, ``(outputs, inputs)``."""
        return (self.down @ self.up).T


class Beside(NamedTuple):
    """Two narrow products with a rectifier between them.

    Attributes:
        down: ``(inputs, neurons)``.
        bias: ``(neurons,)``.
        up: ``(neurons, outputs)``.
        most: that any neuron gave where this was looked at.
    """

    down: "Tensor"
    bias: "Tensor"
    up: "Tensor"
    most: float

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return what it gives for ``x``, plus ``other``."""
        return torch.addmm(other, functional.relu(torch.addmm(self.bias, x, self.down)), self.up)


class Additions(NamedTuple):
    """What is added to a layer.

    Attributes:
        projections: to queries (scaled as they are), keys and values.
        attended: behind attention.
        beside: beside the feed-forward part.
    """

    projections: LowRank
    attended: LowRank
    beside: Beside


class Both(NamedTuple):
    """What a layer multiplies, and what is added to it."""

    own: Adds
    added: Adds

    def plus(self, x: "Tensor", other: "Tensor") -> "Tensor":
        """Return what both give for ``x``, plus ``other``."""
        return self.own.plus(x, self.added.plus(x, other))


class WithLowRank(NamedTuple):
    """A product with an addition."""

    own: Multiplies
    added: LowRank

    def __call__(self, x: "Tensor") -> "Tensor":
        """Return the product, ``(rows, outputs)``."""
        return self.added.plus(x, self.own(x))


def products_with(own: Products, added: Additions) -> Products:
    """Return the products of a layer with additions, in the layer's own precision."""
    return Products(
        WithLowRank(own.projections, added.projections),
        Both(own.attended, added.attended),
        Both(own.feed_forward, added.beside),
    )


def additions_of(
    held: Mapping[str, "Tensor"], layer: int, scale: float, dtype: torch.dtype
) -> Additions:
    """Return the additions to a layer.

    Args:
        held: all of them by name: ``LAYER.query.down``, …; matrices as ``(outputs, inputs)``.
        layer: its number, from 0.
        scale: of queries, by which they are multiplied beforehand.
        dtype: of what they are added to.
    """

    def transposed(name: str) -> "Tensor":
        return held[f"{layer}.{name}"].float().T.to(dtype).contiguous()

    ups = [transposed(f"{name}.up") for name in ("query", "key", "value")]
    ups[0] = ups[0] * scale
    return Additions(
        LowRank(
            torch.cat([transposed(f"{name}.down") for name in ("query", "key", "value")], dim=1),
            _diagonal(ups),
        ),
        LowRank(transposed("attended.down"), transposed("attended.up")),
        Beside(
            transposed("beside.down"),
            held[f"{layer}.beside.bias"].to(dtype),
            transposed("beside.up"),
            float(held[f"{layer}.beside.most"]),
        ),
    )


def _diagonal(blocks: "Sequence[Tensor]") -> "Tensor":
    found: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return found
