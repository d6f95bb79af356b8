"""Texts → how large the inputs of the bundled model's products become (``index/quantized.py``)."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.prose import ENGLISH_LENGTHS, LENGTHS, passages_of
from benchmarks.runs import Told
from index import fold
from index.bundled_model import bundled_model_dir
from index.quantized import Ranges
from index.splitter import sentences

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

RANGES = Path(__file__).parent.parent / "index" / "data" / "activation_ranges.safetensors"
_MODULES = {
    "projections": "attention.self.query",
    "attended": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
}


def fit_ranges(texts: Sequence[str], english: Sequence[str], told: Told) -> bytes:
    """Return the file of the largest magnitudes of every channel in all tokens of these texts.

    Args:
        texts: Chinese ones; their passages, and sentences as passages and as questions.
        english: English ones, likewise.
        told: called with what is being done.
    """
    passages = [
        fold(part)
        for group, lengths in ((texts, LENGTHS), (english, ENGLISH_LENGTHS))
        for text in group
        for part in passages_of(text, lengths)
    ]
    alone = [
        passage[span.start : span.end]
        for passage in passages
        for span in sentences(passage, 0, len(passage))
    ]
    from sentence_transformers import SentenceTransformer

    told(f"encoding {len(passages):,} passages and their {len(alone):,} sentences, twice")
    model = SentenceTransformer(str(bundled_model_dir()), model_kwargs={"dtype": "float32"})
    inputs = (("document", passages), ("document", alone), ("query", alone))
    return _file(_largest(model, inputs))


def _largest(
    model: "SentenceTransformer", inputs: Sequence[tuple[str, Sequence[str]]]
) -> "list[dict[str, torch.Tensor]]":
    """Return the largest magnitudes of each layer's inputs, no text padded."""
    body: Any = model[0].auto_model
    layers = body.encoder.layer
    found: list[dict[str, torch.Tensor]] = [{} for _ in layers]
    hooks = [
        layer.get_submodule(module).register_forward_pre_hook(partial(_observe, of_layer, name))
        for layer, of_layer in zip(layers, found, strict=True)
        for name, module in _MODULES.items()
    ]
    try:
        for prompt, texts in inputs:
            for text in texts:
                model.encode([text], prompt_name=prompt, show_progress_bar=False)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _observe(
    largest: "dict[str, torch.Tensor]", name: str, _module: object, inputs: "tuple[torch.Tensor]"
) -> None:
    import torch

    now = inputs[0].detach().float().abs().flatten(0, -2).amax(0)
    largest[name] = torch.maximum(largest[name], now) if name in largest else now


def _file(layers: "Sequence[dict[str, torch.Tensor]]") -> bytes:
    import torch
    from safetensors.torch import save

    return save(
        {
            name: torch.stack([of_layer[name] for of_layer in layers]).to(torch.bfloat16)
            for name in Ranges._fields
        }
    )


def write_ranges(content: bytes, path: Path) -> str:
    """Write the file; return its SHA-256, which ``index/bundled_model.py`` has to name."""
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
