"""A process that does what it is told: ``python -m index.spread_worker MODEL THREADS``."""

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from index.errors import YinzhengError
from index.spread import (
    EMBED,
    done,
    failed,
    read_message,
    read_request,
    response,
    write_message,
)

if TYPE_CHECKING:
    from index.embedder import Embedder


def main() -> None:
    """Answer each message on the standard input by one on the standard output."""
    model, threads = sys.argv[1:]
    os.environ["OMP_NUM_THREADS"] = threads
    told = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints
    worker = Worker(model, int(threads))
    while True:
        try:
            data = read_message(sys.stdin.buffer)
        except EOFError:
            return
        write_message(told, worker.answer(data))


class Worker:
    """Embeds, or writes to a server; loads what it needs for either when it is first told to.

    Args:
        model: its name or folder.
        threads: that it may use.
    """

    def __init__(self, model: str, threads: int) -> None:
        self._model = model
        self._threads = threads

    def answer(self, data: bytes) -> bytes:
        """Carry out an order; return the answer to it."""
        order, given = data[:1], data[1:]
        try:
            return done(self._embed(given) if order == EMBED else _write(given))
        except YinzhengError as error:
            return failed(error)

    @cached_property
    def _embedder(self) -> "Embedder":
        import torch

        from index.models import load_embedder

        torch.set_num_threads(self._threads)
        return load_embedder(self._model)

    def _embed(self, data: bytes) -> bytes:
        texts, sentences = read_request(data)
        found = dict(self._embedder.encode_passage_tokens(texts, sentences))
        return response([found[at] for at in range(len(texts))])


def _write(data: bytes) -> bytes:
    from index.milvus.batches import write

    return write(data)


if __name__ == "__main__":
    main()
