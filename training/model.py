"""The bundled model, loaded to be trained."""

from typing import Any

import torch

from index.bundled_model import bundled_model_dir
from training.reader import Reader
from training.size import Size


def load_reader(seed: int, size: Size) -> tuple[Reader, Any]:
    """Return a reader that has learnt nothing yet, and the tokenizer of its model.

    On a GPU where there is one.

    Args:
        seed: of what its head begins with.
        size: which layers are trained.
    """
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    folder = str(bundled_model_dir())
    body = AutoModel.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, add_pooling_layer=False
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    reader = Reader(body, size)
    return reader.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer
