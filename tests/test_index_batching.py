"""Many threads, one pass at a time: nobody waits for company, and each gets its own result."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
import pytest

from index.batching import Batching
from index.embedder import Encoded
from index.models import load_embedder

_SOON = 20.0  # seconds after which a test fails that hangs


class Pass:
    """A pass that stops at a gate, and remembers what went through it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.threads: list[int] = []

    def __call__(self, items: list[str]) -> list[str]:
        self.batches.append(list(items))
        self.threads.append(threading.get_ident())
        self.entered.release()
        assert self.gate.acquire(timeout=_SOON)
        for item in items:
            if item.startswith("bad"):
                raise ValueError(item)
        return [item.upper() for item in items]

    def let(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as threads:
        yield threads


def when(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def ask_behind_a_running_one(
    pool: ThreadPoolExecutor, work: Pass, batching: Batching[str, str], items: list[str]
) -> list[Future[str]]:
    """Ask for "first", and for the items, in this order, while it is worked out."""
    asked = [pool.submit(batching, "first")]
    assert work.entered.acquire(timeout=_SOON)
    for count, item in enumerate(items, start=1):
        asked.append(pool.submit(batching, item))
        when(lambda count=count: len(batching._waiting) == count)  # type: ignore[misc]
    return asked


def test_one_alone_is_served_at_once_by_its_own_thread() -> None:
    work = Pass()
    work.let(2)
    batching = Batching(work, length=len)
    assert batching("a") == "A"
    assert batching("b") == "B"
    assert work.batches == [["a"], ["b"]]
    assert set(work.threads) == {threading.get_ident()}
    assert not batching._is_working


def test_what_comes_during_a_pass_goes_into_the_next_one(pool: ThreadPoolExecutor) -> None:
    work = Pass()
    batching = Batching(work, length=len)
    asked = ask_behind_a_running_one(pool, work, batching, ["ccc", "a", "bb"])
    work.let(2)
    assert [one.result(_SOON) for one in asked] == ["FIRST", "CCC", "A", "BB"]
    assert work.batches == [["first"], ["a", "bb", "ccc"]], "ordered by length"
    when(lambda: not batching._is_working)


def test_a_call_has_a_greatest_size_and_unlike_lengths_go_apart(pool: ThreadPoolExecutor) -> None:
    work = Pass()
    batching = Batching(work, length=len, most=4)
    items = ["x" * 500, "a", "b" * 32, "y" * 260, "late"]
    asked = ask_behind_a_running_one(pool, work, batching, items)
    work.let(10)
    assert [one.result(_SOON) for one in asked] == ["FIRST", *map(str.upper, items)]
    assert work.batches == [["first"], ["a", "b" * 32], ["y" * 260, "x" * 500], ["late"]]


def test_an_error_reaches_only_who_caused_it(pool: ThreadPoolExecutor) -> None:
    work = Pass()
    batching = Batching(work, length=len)
    asked = ask_behind_a_running_one(pool, work, batching, ["a", "bad", "c"])
    work.let(10)
    wait(asked, _SOON)
    with pytest.raises(ValueError, match=r"^bad$"):
        asked[2].result()
    assert [asked[i].result() for i in (0, 1, 3)] == ["FIRST", "A", "C"]
    assert batching("after") == "AFTER", "the next one is served"


def test_one_that_is_broken_off_leaves_the_others_to_the_next(pool: ThreadPoolExecutor) -> None:
    class BrokenOffError(BaseException):
        pass

    calls: list[list[str]] = []
    entered, gate = threading.Event(), threading.Event()

    def work(items: list[str]) -> list[str]:
        calls.append(list(items))
        if len(calls) == 1:
            entered.set()
            assert gate.wait(_SOON)
        if len(calls) == 2:
            raise BrokenOffError
        return items

    batching = Batching(work, length=len)
    asked = [pool.submit(batching, "0")]
    assert entered.wait(_SOON)
    for count, item in enumerate("123", start=1):
        asked.append(pool.submit(batching, item))
        when(lambda count=count: len(batching._waiting) == count)  # type: ignore[misc]
    gate.set()
    with pytest.raises(BrokenOffError):
        asked[1].result(_SOON)
    assert [asked[i].result(_SOON) for i in (0, 2, 3)] == ["0", "2", "3"]
    assert calls == [["0"], ["1", "2", "3"], ["2", "3"]]


def test_questions_of_many_threads_get_their_own_vectors(pool: ThreadPoolExecutor) -> None:
    embedder = load_embedder()
    questions = [f"第{number}個城市的人口是多少" * (1 + number % 3) for number in range(40)]
    alone = [embedder.encode_query_tokens(question) for question in questions]
    sizes: list[int] = []

    def counted(texts: list[str]) -> list[Encoded]:
        sizes.append(len(texts))
        return embedder._encode_queries(texts)  # past what it keeps of questions asked before

    batching = Batching(counted, length=len)
    together = list(pool.map(batching, questions))
    assert sum(sizes) == len(questions)
    assert len(sizes) < len(questions), "some went together"
    for one, other in zip(alone, together, strict=True):
        assert one.vector @ other.vector > 0.999
        assert np.array_equal(one.tokens.spans, other.tokens.spans)
        cosines = (one.tokens.vectors * other.tokens.vectors).sum(axis=1)
        assert cosines.min() > 0.995
    nearest = np.stack([one.vector for one in alone]) @ np.stack([o.vector for o in together]).T
    assert (nearest.argmax(axis=1) == np.arange(40)).all()
