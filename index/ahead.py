"""Work begun ahead in threads, its results in order: for libraries that compute without the GIL."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def ahead(
    work: Callable[[_Job], _Result], jobs: Iterable[_Job], *, threads: int | None = None
) -> Iterator[_Result]:
    """Yield the result of each job, in their order; only a few are in memory at a time.

    Args:
        work: called in other threads.
        jobs: taken in this one.
        threads: how many; None = one a core.
    """
    count = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(count, "ahead") as pool:
        yield from in_order(pool, count, work, jobs)


def in_order(
    pool: ThreadPoolExecutor, threads: int, work: Callable[[_Job], _Result], jobs: Iterable[_Job]
) -> Iterator[_Result]:
    """Yield the results of jobs in their order; a pool begins two a thread ahead."""
    waiting: deque[Future[_Result]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
