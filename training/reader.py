"""The reader being trained: the bundled model, and two numbers a token.

All layers but the lowest are trained whole; what they have learnt is shipped in a few bits a number
(``index/changes.py``). The two numbers say how likely an answer starts, or ends, at a token; those
of the first token stand for "no answer here" (Devlin et al., 2019, for SQuAD 2.0).
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from index.changes import MATRICES, NORMS, packed
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


class Reader(nn.Module):
    """The bundled model as it learns to read.

    Args:
        body: a transformers ``BertModel`` in float32, which is changed.
        size: which layers are trained.
    """

    def __init__(self, body: Any, size: Size) -> None:  # noqa: ANN401
        super().__init__()
        body.requires_grad_(requires_grad=False)
        self._learning = dict(enumerate(body.encoder.layer))
        for number in range(size.frozen):
            del self._learning[number]
        self._before = {
            (number, name): layer.get_submodule(place).weight.detach().clone()
            for number, layer in self._learning.items()
            for name, place in MATRICES.items()
        }
        for layer in self._learning.values():
            layer.requires_grad_(requires_grad=True)
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

    @torch.no_grad()
    def shipped(self, windows: Sequence[Window]) -> "dict[str, Tensor]":
        """Return what was learnt under the names by which the product reads it.

        Args:
            windows: are read, to see what goes into products: in int8 those have to hold it.
        """
        held: dict[str, Tensor] = {"head.weight": self.head.weight, "head.bias": self.head.bias}
        for (number, name), before in self._before.items():
            one = self._learning[number].get_submodule(MATRICES[name])
            codes, steps = packed(one.weight.cpu() - before)
            held[f"{number}.{name}.codes"], held[f"{number}.{name}.steps"] = codes, steps
            held[f"{number}.{name}.bias"] = one.bias
        for number, layer in self._learning.items():
            for name, place in NORMS.items():
                for kind, one in layer.get_submodule(place).named_parameters():
                    held[f"{number}.{name}.{kind}"] = one
        return {
            k: one.detach().cpu().contiguous() for k, one in (held | self._ranges(windows)).items()
        }

    def _ranges(self, windows: Sequence[Window]) -> "dict[str, Tensor]":
        """Return the largest magnitude of each channel of what goes into each layer's products."""
        found: dict[str, Tensor] = {}

        def look(name: str, _: object, given: "Sequence[Tensor]") -> None:
            most = given[0].abs().flatten(0, -2).amax(0)
            found[name] = torch.maximum(found.get(name, most), most)

        looks = [
            layer.get_submodule(MATRICES[matrix]).register_forward_pre_hook(
                partial(look, f"{number}.ranges.{name}")
            )
            for number, layer in self._learning.items()
            for name, matrix in _INPUTS.items()
        ]
        self.eval()
        for window in windows:
            self([window])
        for one in looks:
            one.remove()
        return found


_INPUTS = {"projections": "query", "attended": "attended", "inner": "inner", "outer": "outer"}
"""By the name of a range (``index.quantized.Ranges``), a matrix that this goes into."""


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
