"""What is computed once for each generation of an index, in the background, and kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from index import Index

T = TypeVar("T")

_KEPT = 2  # that of the generation in use, and that of the one before


class OncePerGeneration(Generic[T]):
    """Computes something of an index when it is first asked for.

    Args:
        compute: is handed a snapshot of the index.
    """

    def __init__(self, compute: Callable[[Index], T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Future[T]] = OrderedDict()

    def of(self, index: Index) -> "Future[T]":
        """Return what was or will be computed; what failed is tried again."""
        opened = index.snapshot()
        key = (str(opened.index_dir), opened.generation)
        with self._lock:
            known = self._kept.get(key)
            if known is None or (known.done() and known.exception() is not None):
                known = self._kept[key] = Future()
                # A daemon: nothing waits for it when the server ends.
                threading.Thread(
                    target=self._fill,
                    args=(known, opened),
                    name="once-per-generation",
                    daemon=True,
                ).start()
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return known

    def _fill(self, promised: "Future[T]", index: Index) -> None:
        try:
            promised.set_result(self._compute(index))
        except BaseException as error:  # noqa: BLE001 (raised to whoever waits)
            promised.set_exception(error)
