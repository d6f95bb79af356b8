"""The bundled encoder as transformers runs it, padded: on a GPU, or where ``packed.py`` fails."""

from collections.abc import Sequence
from typing import Any

import torch

from index.packed import NO_PARTS, Forward, Parts, means_of, stacked

_BATCH_TOKENS, _GPU_BATCH_TOKENS = 2048, 32768


class PaddedBert:
    """A BERT encoder with mean pooling, run by transformers. Thread-safe.

    Attributes:
        most_tokens: what goes into a pass.
        is_on_gpu: whether passes run on a GPU, one after the other.

    Args:
        body: a transformers ``BertModel``.
    """

    def __init__(self, body: Any) -> None:  # noqa: ANN401
        self._body = body
        self.is_on_gpu: bool = body.device.type != "cpu"
        self.most_tokens: int = _GPU_BATCH_TOKENS if self.is_on_gpu else _BATCH_TOKENS

    @torch.inference_mode()
    def forward(self, ids: Sequence[Sequence[int]], parts: Parts = NO_PARTS) -> Forward:
        """Return the vectors of texts given by their token ids, in one pass."""
        lengths = [len(one) for one in ids]
        padded = torch.zeros(len(ids), max(lengths), dtype=torch.long)
        mask = torch.zeros_like(padded)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        device = self._body.device
        found = self._body(
            input_ids=padded.to(device),
            attention_mask=mask.to(device),
            output_hidden_states=bool(parts.layers),
        )
        present = mask.bool().to(device)
        last = found.last_hidden_state[present].float().cpu()
        tokens = list(torch.split_with_sizes(last, lengths))
        means = [means_of(found.hidden_states[n][present].cpu(), parts) for n in parts.layers]
        vectors = torch.stack([of_one.mean(0) for of_one in tokens])
        return Forward(vectors.numpy(), [of_one.numpy() for of_one in tokens], stacked(means))
