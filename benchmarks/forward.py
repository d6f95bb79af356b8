"""The floor: one bare forward pass of the bundled model, by transformers alone."""

import time
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from index.bundled_model import bundled_model_dir

if TYPE_CHECKING:
    import torch

INT8 = "int8"
_SAMPLE = 24  # texts on which the best size of a batch is found
_BUDGETS = (1024, 2048, 4096, 8192)
LONGEST = 512
"""Tokens the model reads of a text."""


class ForwardPass:
    """The model as transformers loads it, with nothing around it.

    Args:
        precision: of the weights, as torch names it; ``INT8`` = torch quantises linear layers, and
            at run time what goes into them.
    """

    def __init__(self, precision: str) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = str(bundled_model_dir())
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        dtype = torch.float32 if precision == INT8 else getattr(torch, precision)
        self.model: Any = AutoModel.from_pretrained(folder, dtype=dtype).eval()
        if precision == INT8:
            self.model = _in_int8(self.model)

    def tokens(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """Return the ids of each text's tokens, cut to what the model reads."""
        if not texts:
            return []
        prompted = [prompt + text for text in texts]
        ids = self.tokenizer(prompted, truncation=True, max_length=LONGEST)["input_ids"]
        return [list(one) for one in ids]

    def query(self, question: str) -> None:
        """Tokenise a question and run it through the model."""
        self.run(self.tokens([question], "query: "))

    def run(self, batch: Sequence[Sequence[int]]) -> "torch.Tensor":
        """Return the vectors of all tokens of a batch, ``(texts, longest, dimension)``."""
        import torch

        longest = max(map(len, batch))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[*one, *[pad] * (longest - len(one))] for one in batch])
        mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch])
        with torch.inference_mode():
            found: torch.Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return found


def _in_int8(model: Any) -> Any:  # noqa: ANN401
    import torch

    torch.backends.quantized.engine = "onednn"  # the fastest of those that this torch has
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will move to a package of its own
        quantize: Any = torch.ao.quantization.quantize_dynamic
        return quantize(model, {torch.nn.Linear}, dtype=torch.qint8)


def batches(tokens: Sequence[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """Yield the positions of texts of like length, so many that a batch fills a budget of tokens.

    Args:
        tokens: of each text.
        budget: tokens a batch has at most, padding included; a longer text is a batch of its own.
    """
    order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]), reverse=True)
    batch: list[int] = []
    for at in order:
        if batch and (len(batch) + 1) * len(tokens[batch[0]]) > budget:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def time_pass(texts: Sequence[str], precision: str) -> dict[str, Any]:
    """Run all texts through the model in the best of several sizes of batches.

    Tokenising and loading are not part of the seconds.
    """
    started = time.perf_counter()
    bare = ForwardPass(precision)
    loading = time.perf_counter() - started
    tokens = bare.tokens(texts, "passage: ")
    step = max(1, len(tokens) // _SAMPLE)
    sample = tokens[::step][:_SAMPLE]
    _seconds(bare, sample[:4], _BUDGETS[0])  # warms up
    budget = min(_BUDGETS, key=lambda one: _seconds(bare, sample, one))
    return {
        "seconds": _seconds(bare, tokens, budget),
        "load_seconds": loading,
        "tokens": int(np.sum([len(one) for one in tokens])),
        "batch_tokens": budget,
    }


def _seconds(bare: ForwardPass, tokens: Sequence[Sequence[int]], budget: int) -> float:
    started = time.perf_counter()
    for batch in batches(tokens, budget):
        bare.run([tokens[at] for at in batch])
    return time.perf_counter() - started
