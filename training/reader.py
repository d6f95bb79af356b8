"""The reader being trained: the bundled model with small additions, and two numbers a token.

The model's own weights stay as they are: what is trained is a few megabytes beside it. Attention
gets low-rank additions (LoRA: Hu et al., 2021, arXiv:2106.09685), the feed-forward part a small one
beside it (a parallel adapter: He et al., 2022, arXiv:2110.04366), so that all that is added depends
on what goes into a product, and the product itself may be computed in any way, in int8 say. The two
numbers say how likely an answer starts, or ends, at a token; those of the first token stand for "no
answer here" (Devlin et al., 2019, for SQuAD 2.0).
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from index.phrases import best_phrase
from index.types import Phrase
from index.windows import Window
from training.size import Size

if TYPE_CHECKING:
    from torch import Tensor

_NEVER = -1e4


class Logits(NamedTuple):
    """What is said of each token, float32 ``(windows, tokens)``; padding and question are out."""

    starts: "Tensor"
    ends: "Tensor"


class _LowRank(nn.Module):
    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, inputs) * inputs**-0.5)
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x: "Tensor") -> "Tensor":
        return functional.linear(functional.linear(x, self.down), self.up)


class _Beside(nn.Module):
    def __init__(self, width: int, neurons: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(neurons, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(neurons))
        self.up = nn.Parameter(torch.zeros(width, neurons))

    def forward(self, x: "Tensor") -> "Tensor":
        return functional.linear(self.inner(x), self.up)

    def inner(self, x: "Tensor") -> "Tensor":
        return functional.relu(functional.linear(x, self.down, self.bias))


class _Projection(nn.Module):
    """A product with an addition."""

    def __init__(self, own: nn.Linear, rank: int) -> None:
        super().__init__()
        self.own = own
        self.added = _LowRank(own.in_features, own.out_features, rank)

    def forward(self, x: "Tensor") -> "Tensor":
        product: Tensor = self.own(x) + self.added(x)
        return product


class _BehindAttention(nn.Module):
    def __init__(self, own: Any, rank: int) -> None:  # noqa: ANN401
        super().__init__()
        self.own = own
        self.added = _LowRank(own.dense.in_features, own.dense.out_features, rank)

    def forward(self, mixed: "Tensor", x: "Tensor") -> Any:  # noqa: ANN401
        return self.own(mixed, x + self.added(mixed))


class _BehindFeedForward(nn.Module):
    def __init__(self, own: Any, neurons: int) -> None:  # noqa: ANN401
        super().__init__()
        self.own = own
        self.added = _Beside(own.dense.out_features, neurons)

    def forward(self, inner: "Tensor", x: "Tensor") -> Any:  # noqa: ANN401
        return self.own(inner, x + self.added(x))


class Reader(nn.Module):
    """The bundled model with additions to be trained.

    Args:
        body: a transformers ``BertModel`` in float32, which is changed.
        size: of the additions.
    """

    def __init__(self, body: Any, size: Size) -> None:  # noqa: ANN401
        super().__init__()
        body.requires_grad_(requires_grad=False)
        for layer in body.encoder.layer:
            own = layer.attention.self
            own.query, own.key, own.value = (
                _Projection(one, size.rank) for one in (own.query, own.key, own.value)
            )
            layer.attention.output = _BehindAttention(layer.attention.output, size.rank)
            layer.output = _BehindFeedForward(layer.output, size.neurons)
        self.body = body
        self.head = nn.Linear(body.config.hidden_size, 2)

    def forward(self, windows: Sequence[Window]) -> Logits:
        """Return the two numbers of every token of windows."""
        ids, mask, may_answer = self._padded(windows)
        states = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        starts, ends = self.head(states.float()).unbind(-1)
        return Logits(*(one.masked_fill(~may_answer, _NEVER) for one in (starts, ends)))

    def _padded(self, windows: Sequence[Window]) -> "tuple[Tensor, Tensor, Tensor]":
        longest = max(len(one.ids) for one in windows)
        ids = torch.zeros(len(windows), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        may_answer = torch.zeros_like(ids, dtype=torch.bool)
        for row, one in enumerate(windows):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            mask[row, : len(one.ids)] = 1
            may_answer[row, one.first : one.first + len(one.places)] = True
            may_answer[row, 0] = True
        device = self.head.weight.device
        return ids.to(device), mask.to(device), may_answer.to(device)

    def trained(self) -> "dict[str, Tensor]":
        """Return what is trained, by name."""
        return {name: one for name, one in self.named_parameters() if one.requires_grad}

    def shipped(self, windows: Sequence[Window]) -> "dict[str, Tensor]":
        """Return what is trained under the names by which the product reads it, in float16.

        Args:
            windows: are read, to see how much the neurons give: int8 has to hold that.
        """
        held = {_shipped_as(name): one.detach().half() for name, one in self.trained().items()}
        for layer, most in enumerate(self._most(windows)):
            held[f"{layer}.beside.most"] = most
        return held

    @torch.inference_mode()
    def _most(self, windows: Sequence[Window]) -> "list[Tensor]":
        """Return the most that any neuron beside each layer gives."""
        beside = [layer.output.added for layer in self.body.encoder.layer]
        most = [torch.zeros(()) for _ in beside]

        def look(layer: int, one: _Beside, given: "Sequence[Tensor]") -> None:
            most[layer] = torch.maximum(most[layer], one.inner(given[0]).max().cpu())

        looks = [
            one.register_forward_pre_hook(partial(look, layer)) for layer, one in enumerate(beside)
        ]
        for window in windows:
            self([window])
        for one in looks:
            one.remove()
        return most


_SHIPPED_AS = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output": "attended",
    "output": "beside",
}


def _shipped_as(name: str) -> str:
    if name.startswith("head."):
        return name
    place, _, part = name.removeprefix("body.encoder.layer.").partition(".added.")
    layer, _, module = place.partition(".")
    return f"{layer}.{_SHIPPED_AS[module]}.{part}"


def loss_of(logits: Logits, windows: Sequence[Window]) -> "Tensor":
    """Return the mean surprise at where answers start and end; any accepted place counts."""
    device = logits.starts.device
    total = torch.zeros((), device=device)
    for scores, name in ((logits.starts, "starts"), (logits.ends, "ends")):
        accepted = torch.full_like(scores, float("-inf"))
        for row, window in enumerate(windows):
            accepted[row, list(getattr(window, name))] = 0.0
        likely = functional.log_softmax(scores, dim=-1) + accepted
        total = total - likely.logsumexp(dim=-1).mean()
    return total / 2


def best_answer(logits: Logits, row: int, window: Window) -> Phrase:
    """Return the best answer of a window, in characters of its context.

    Raises:
        ValueError: nothing of the context is shown.
    """
    both = torch.stack([logits.starts[row], logits.ends[row]], dim=-1)
    found = best_phrase(both.cpu().numpy(), window)
    if found is None:
        raise ValueError("The window shows nothing of its context. Give it more tokens.")
    return found
