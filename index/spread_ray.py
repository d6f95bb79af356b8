"""Passages embedded and written by the machines of a Ray cluster. The only file that knows Ray."""

import queue
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from index.embedder import Encoded
from index.errors import ModelError, SettingError
from index.spread import EMBED, WRITE, handed_out, read_answer
from index.spread_worker import Worker
from index.types import Span

try:
    import ray
    from ray.exceptions import RayError
except ImportError as _error:
    raise SettingError(
        "A build over several machines needs the ray package, which is not installed. "
        "Install it here and there: pip install 'yinzheng[ray]'"
    ) from _error

_ATTEMPTS = 3


class RayWorkers:
    """Actors that have the model each.

    Args:
        count: how many; each has a core.
        model: its name, or a folder that every machine has.
        address: of the cluster, as ``ray.init`` takes it.

    Raises:
        SettingError: there is no such cluster.
    """

    def __init__(self, count: int, model: str, address: str) -> None:
        try:
            if not ray.is_initialized():
                ray.init(
                    address=address,
                    log_to_driver=False,
                    include_dashboard=None if address != "local" else False,
                )
        except (ConnectionError, ValueError, RayError) as error:
            raise SettingError(
                f"There is no Ray cluster at {address} ({error}). Start one: ray start --head"
            ) from error
        remote = ray.remote(num_cpus=1, max_restarts=_ATTEMPTS, max_task_retries=_ATTEMPTS)(_Actor)
        self.count = count
        self._actors: list[Any] = [remote.remote(model) for _ in range(count)]
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for actor in self._actors:
            self._free.put(actor)

    def __call__(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vectors) of every text.

        Raises:
            ModelError: a machine cannot do it.
        """
        yield from handed_out(texts, sentences, partial(self._ask, EMBED), self.count)

    def write(self, data: bytes) -> bytes:
        """Write passages to a server.

        Raises:
            IndexServerError: it does not answer a machine, or lets it not in.
            ModelError: a machine cannot do it.
        """
        return self._ask(WRITE, data)

    def _ask(self, order: bytes, data: bytes) -> bytes:
        actor = self._free.get()
        try:
            found: bytes = ray.get(actor.answer.remote(order + data))
        except RayError as error:
            raise ModelError(
                f"A machine of the Ray cluster cannot go on ({str(error).splitlines()[0]}). "
                "Yinzheng of the same version has to be installed there."
            ) from error
        finally:
            self._free.put(actor)
        return read_answer(found)

    def close(self) -> None:
        """End the actors, and leave the cluster."""
        for actor in self._actors:
            ray.kill(actor)
        ray.shutdown()


class _Actor:
    def __init__(self, model: str) -> None:
        self._worker = Worker(model, 1)

    def answer(self, data: bytes) -> bytes:
        return self._worker.answer(data)
