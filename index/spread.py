"""Passages embedded, and written to a server, by others: processes here, or many machines.

A build hands out texts and takes vectors; then, if the index is on a server, it hands out what is
to be written there. All else it does as ever, so what comes out is what one process makes. Who has
been handed something and dies is started again, and it is handed out again. What goes to and fro is
JSON and safetensors: nothing is unpickled.
"""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Protocol

import numpy as np
from safetensors.numpy import load, save

from index import errors
from index.ahead import in_order
from index.embedder import Encoded
from index.errors import ModelError, YinzhengError
from index.part_vectors import PartVectors
from index.types import Span

_MOST_CHARACTERS = 8000
"""Of the texts that are handed out together: some seconds' work."""
_ATTEMPTS = 3
_LENGTH = 8  # bytes that say how many follow


class Others(Protocol):
    """Who embeds and writes passages in a build's place."""

    @property
    def count(self) -> int:
        """How many there are."""

    def __call__(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vectors) of every text, as ``Embedder.encode_passage_tokens`` does."""

    def write(self, data: bytes) -> bytes:
        """Write passages to a server as ``milvus.batches.write`` does; called in threads."""

    def close(self) -> None:
        """Send everybody home."""


@dataclass(frozen=True)
class Hands:
    """How many others a build has.

    Attributes:
        workers: 1 = none.
        ray: address of a Ray cluster whose machines they are; None = processes here.
    """

    workers: int = 1
    ray: str | None = None

    def called(self, model: str) -> Others | None:
        """Return the others, who know a model; None: there are none."""
        if self.ray is not None:
            from index.spread_ray import RayWorkers

            return RayWorkers(self.workers, model, self.ray)
        return Processes(self.workers, model) if self.workers > 1 else None


def handed_out(
    texts: Sequence[str],
    sentences: Sequence[Sequence[Span]],
    ask: Callable[[bytes], bytes],
    count: int,
) -> Iterator[tuple[int, Encoded]]:
    """Hand texts out in parts, as many at once as there are others.

    Args:
        texts: to embed.
        sentences: of each text, in its offsets; none = theirs are not wanted.
        ask: called in threads with what ``request`` gives; returns what ``response`` gives.
        count: how many others.
    """

    def work(positions: list[int]) -> list[tuple[int, Encoded]]:
        own = [sentences[at] for at in positions] if sentences else []
        answered = read_response(ask(request([texts[at] for at in positions], own)))
        return list(zip(positions, answered, strict=True))

    with ThreadPoolExecutor(count, "others") as pool:
        for found in in_order(pool, count, work, _parts(texts)):
            yield from found


def _parts(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the positions of texts that go together, those of like length, longest first."""
    part: list[int] = []
    characters = 0
    for at in sorted(range(len(texts)), key=lambda at: len(texts[at]), reverse=True):
        if part and characters + len(texts[at]) > _MOST_CHARACTERS:
            yield part
            part, characters = [], 0
        part.append(at)
        characters += len(texts[at])
    if part:
        yield part


# ---- what goes to and fro ------------------------------------------------------------------------


def request(texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> bytes:
    """Return texts as bytes."""
    spans = [[(span.start, span.end) for span in of_one] for of_one in sentences]
    return json.dumps({"texts": list(texts), "sentences": spans}).encode("ascii")


def read_request(data: bytes) -> tuple[list[str], list[list[Span]]]:
    """Return what ``request`` was given."""
    held = json.loads(data)
    return held["texts"], [[Span(a, b) for a, b in of_one] for of_one in held["sentences"]]


def response(encoded: Sequence[Encoded]) -> bytes:
    """Return vectors as bytes."""
    tokens = [one.tokens for one in encoded]
    dimension = len(encoded[0].vector)
    return save(
        {
            "vectors": np.stack([one.vector for one in encoded]),
            "counts": np.array([len(one.spans) for one in tokens], np.int64),
            "tokens": np.concatenate([one.vectors.reshape(-1, dimension) for one in tokens]),
            "spans": np.concatenate([one.spans.reshape(-1, 2) for one in tokens]).astype(np.int64),
            "sentence_counts": np.array([len(one.sentences) for one in encoded], np.int64),
            "sentences": np.concatenate([one.sentences.reshape(-1, dimension) for one in encoded]),
        }
    )


def read_response(data: bytes) -> list[Encoded]:
    """Return what ``response`` was given."""
    held = load(data)
    tokens, spans, sentences = (
        np.split(held[name], np.cumsum(held[counts])[:-1])
        for name, counts in (
            ("tokens", "counts"),
            ("spans", "counts"),
            ("sentences", "sentence_counts"),
        )
    )
    return [
        Encoded(vector, PartVectors(*parts), own)
        for vector, *parts, own in zip(held["vectors"], tokens, spans, sentences, strict=True)
    ]


EMBED, WRITE = b"e", b"w"
"""What an order begins with."""
_DONE, _FAILED = b"+", b"-"


def done(data: bytes) -> bytes:
    """Return the answer to an order that was carried out."""
    return _DONE + data


def failed(error: YinzhengError) -> bytes:
    """Return the answer to an order that was not."""
    return _FAILED + json.dumps([type(error).__name__, str(error)]).encode("ascii")


def read_answer(data: bytes) -> bytes:
    """Return what an order has given.

    Raises:
        YinzhengError: what kept it from being carried out.
    """
    if data[:1] == _DONE:
        return data[1:]
    name, message = json.loads(data[1:])
    kind = getattr(errors, name, YinzhengError)
    raise kind(message)


def write_message(file: BinaryIO, data: bytes) -> None:
    """Write how many bytes follow, and those."""
    file.write(len(data).to_bytes(_LENGTH, "little") + data)
    file.flush()


def read_message(file: BinaryIO) -> bytes:
    """Return what ``write_message`` has written.

    Raises:
        EOFError: whoever was writing has ended.
    """
    size = int.from_bytes(_exactly(file, _LENGTH), "little")
    return _exactly(file, size)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise EOFError
    return data


# ---- processes of this machine -------------------------------------------------------------------


class Processes:
    """Processes that have the model each, and share the cores.

    Args:
        count: how many.
        model: its name or folder.
    """

    def __init__(self, count: int, model: str) -> None:
        self.count = count
        self._model = model
        self._threads = max(1, (os.cpu_count() or 1) // count)
        self._free: queue.SimpleQueue[subprocess.Popen[bytes] | None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)  # started when there is work for it

    def __call__(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vectors) of every text.

        Raises:
            ModelError: processes end again and again.
        """
        yield from handed_out(texts, sentences, partial(self.ask, EMBED), self.count)

    def write(self, data: bytes) -> bytes:
        """Write passages to a server.

        Raises:
            IndexServerError: it does not answer, or does not take them.
            ModelError: processes end again and again.
        """
        return self.ask(WRITE, data)

    def ask(self, order: bytes, data: bytes) -> bytes:
        """Have an order carried out by whoever is free; return what it gives."""
        process = self._free.get()
        try:
            for _ in range(_ATTEMPTS):
                if process is not None and process.poll() is not None:
                    _end(process)
                    process = None
                process = process or self._start()
                try:
                    write_message(_open(process.stdin), order + data)
                    return read_answer(read_message(_open(process.stdout)))
                except (OSError, EOFError):
                    _end(process)
                    process = None
        finally:
            self._free.put(process)
        raise ModelError(
            f"A process of the build ended {_ATTEMPTS} times over the same passages. Most often it "
            "needs more memory than there is: build with fewer --workers."
        )

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-m", "index.spread_worker", self._model, str(self._threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        """End the processes."""
        for _ in range(self.count):
            process = self._free.get()
            if process is not None:
                _end(process)


def _open(file: Any) -> BinaryIO:  # noqa: ANN401  (None where nothing was asked to be piped)
    assert file is not None  # noqa: S101
    found: BinaryIO = file
    return found


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    for file in (process.stdin, process.stdout):
        if file is not None:
            try:
                file.close()
            except OSError:  # what it has not read
                continue
    process.wait()
