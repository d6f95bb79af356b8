"""A process that embeds what it is handed: ``python -m index.spread_worker MODEL THREADS``."""

import os
import sys
from typing import TYPE_CHECKING

from index.spread import read_message, read_request, response, write_message

if TYPE_CHECKING:
    from index.embedder import Embedder


def main() -> None:
    """Answer each message on the standard input by one on the standard output."""
    model, threads = sys.argv[1:]
    os.environ["OMP_NUM_THREADS"] = threads
    told = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints
    embedder = load(model, int(threads))
    while True:
        try:
            data = read_message(sys.stdin.buffer)
        except EOFError:
            return
        write_message(told, embed(embedder, data))


def load(model: str, threads: int) -> "Embedder":
    """Return the model, for so many threads."""
    import torch

    from index.models import load_embedder

    torch.set_num_threads(threads)
    return load_embedder(model)


def embed(embedder: "Embedder", data: bytes) -> bytes:
    """Return the vectors of what was asked."""
    texts, sentences = read_request(data)
    found = dict(embedder.encode_passage_tokens(texts, sentences))
    return response([found[at] for at in range(len(texts))])


if __name__ == "__main__":
    main()
