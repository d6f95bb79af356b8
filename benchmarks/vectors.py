"""Ways to find the nearest vectors, at every size: ``benchmarks vectors``.

Real vectors are enlarged: a new one is drawn near a real one, from the Gaussian its 100 nearest
span. Every way names some vectors, their exact cosines are computed, and the best 100 compared with
those of an exact search. Times are of the processor, on one thread unless said otherwise.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index import EvaluationError
from index.vectors import VectorIndex, write_vectors

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Told = Callable[[str], None]

_K = 100
_COMPARED = 2000
_SEED = 20
_NEIGHBOURS = 100
_SPREAD = 0.9  # of a new vector that is drawn; the rest of its variance is that of the real one
_BLOCK = 20_000
_SAMPLE = 50_000
_SLOW_TO_BUILD = 100_000  # vectors up to which graphs and lists are made

WAYS = {
    "flat, float16": "SQfp16",
    "flat, int8": "SQ8",
    "graph, int8": "HNSW32,SQ8",
    "lists, int8": "IVF{lists},SQ8",
    "lists, 1 bit": "IVF{lists},RaBitQ",
    "flat, 1 bit": "RaBitQfs",
    "flat, product quantiser, 1 bit": "PQ{pieces}x4fs",
}
"""FAISS's names of what is compared with our own."""


@dataclass(frozen=True)
class Row:
    """What one way costs at one size, and what it finds.

    Attributes:
        size: vectors.
        way: its name.
        milliseconds: of each question, with the exact comparison.
        recall: share of the 100 nearest that it finds, in the mean.
        bytes: of memory or disk for a vector, beside the vector itself.
        build: seconds.
        add: milliseconds to add one vector; None where all is written anew.
    """

    size: int
    way: str
    milliseconds: Sequence[float]
    recall: float
    bytes: float
    build: float
    add: float | None


def measure_vectors(
    real: FloatArray, questions: FloatArray, sizes: Sequence[int], told: Told
) -> Iterator[Row]:
    """Yield what each way costs at each size; of a smaller size, the first vectors of a larger.

    Args:
        real: vectors of texts, ``(n, dimension)``, more than 100.
        questions: ``(n, dimension)``.
        sizes: how many vectors to search.
        told: called with what is being done.
    """
    faiss.omp_set_num_threads(1)
    order = np.random.default_rng(_SEED).permutation(len(real))
    told(f"enlarging {len(real):,} vectors to {max(sizes):,}")
    everything = enlarge(real[order], max(sizes))
    for size in sizes:
        vectors = everything[:size]
        nearest = exact(questions, vectors)
        told(f"{size:,}: {describe(questions, vectors, nearest)}")
        yield _exact(vectors, questions)
        yield _ours(vectors, questions, nearest)
        for way, factory in WAYS.items():
            if size <= _SLOW_TO_BUILD or not factory.startswith(("HNSW", "IVF")):
                lists = str(max(16, int(4 * size**0.5)))
                named = factory.format(lists=lists, pieces=vectors.shape[1] // 4)
                yield _of_faiss(way, named, vectors, questions, nearest)


def enlarge(real: FloatArray, count: int, *, seed: int = _SEED) -> FloatArray:
    """Return as many vectors as wanted: the real ones, then such as could stand among them."""
    chance = np.random.default_rng(seed)
    near = exact(real, real, min(_NEIGHBOURS + 1, len(real)))[:, 1:]
    found = np.empty((count, real.shape[1]), np.float32)
    found[: len(real)] = real[:count]
    for start in range(len(real), count, _BLOCK):
        chosen = chance.integers(0, len(real), min(_BLOCK, count - start))
        found[start : start + len(chosen)] = _drawn(real, near[chosen], chosen, chance)
    return found


def _drawn(
    real: FloatArray, near: IntArray, chosen: IntArray, chance: np.random.Generator
) -> FloatArray:
    """Return a vector for each chosen one: partly its own, partly from what is near to it."""
    mean = np.mean([real[column] for column in near.T], axis=0, dtype=np.float32)
    weights = chance.standard_normal(near.shape).astype(np.float32) / near.shape[1] ** 0.5
    drawn = np.zeros_like(mean)
    for weight, column in zip(weights.T, near.T, strict=True):
        drawn += weight[:, None] * (real[column] - mean)
    vectors = mean + (1 - _SPREAD**2) ** 0.5 * (real[chosen] - mean) + 1.05 * drawn
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def exact(questions: FloatArray, vectors: FloatArray, k: int = _K) -> IntArray:
    """Return the rows of the k nearest of each question, by NumPy alone."""
    rows = []
    for question in np.array_split(questions, max(1, len(questions) // 50)):
        cosines = question @ vectors.T
        best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosines, best, 1), axis=1)
        rows.append(np.take_along_axis(best, order, 1))
    return np.concatenate(rows)


def describe(questions: FloatArray, vectors: FloatArray, nearest: IntArray) -> str:
    """Return how near the neighbours are, and in how many dimensions they lie (Levina, Bickel)."""
    cosines = np.stack([vectors[n] @ q for n, q in zip(nearest, questions, strict=True)])
    distances = np.sqrt(np.maximum(2 - 2 * cosines, 1e-9))
    dimensions = 1 / np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    return (
        f"cosine of the first {cosines[:, 0].mean():.3f}, tenth {cosines[:, 9].mean():.3f}, "
        f"hundredth {cosines[:, -1].mean():.3f}; {np.median(dimensions):.0f} dimensions"
    )


def _exact(vectors: FloatArray, questions: FloatArray) -> Row:
    def search(question: FloatArray) -> IntArray:
        found: IntArray = faiss.knn(question[None], vectors, _K, faiss.METRIC_INNER_PRODUCT)[1][0]
        return found

    _, milliseconds = _timed(search, questions[:50])
    return Row(len(vectors), "flat, float32", milliseconds, 1.0, 0.0, 0.0, None)


def _ours(vectors: FloatArray, questions: FloatArray, nearest: IntArray) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        started = time.process_time()
        write_vectors(path, vectors)
        build = time.process_time() - started
        opened = VectorIndex(path)
        found, milliseconds = _timed(lambda one: opened.search(one, _K)[0], questions)
        codes = path.with_suffix(".codes")
        size = codes.stat().st_size / len(vectors) if codes.exists() else 0.0
    return Row(len(vectors), "**ours**", milliseconds, _recall(found, nearest), size, build, None)


def _of_faiss(
    way: str, factory: str, vectors: FloatArray, questions: FloatArray, nearest: IntArray
) -> Row:
    """Measure an index of FAISS, over vectors from which their mean is taken."""
    started = time.process_time()
    mean = vectors.mean(axis=0)
    index: Any = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_L2)
    index.train(vectors[:: max(1, len(vectors) // _SAMPLE)] - mean)
    for start in range(0, len(vectors), _BLOCK):
        index.add(vectors[start : start + _BLOCK] - mean)
    build = time.process_time() - started
    compared = min(_COMPARED, len(vectors))
    if hasattr(index, "nprobe"):
        index.nprobe = max(8, index.nlist // 16)
    if hasattr(index, "hnsw"):
        compared = min(compared, 400)
        index.hnsw.efSearch = compared

    def search(question: FloatArray) -> IntArray:
        rows = index.search((question - mean)[None], compared)[1][0]
        rows = np.sort(rows[rows >= 0])
        found: IntArray = rows[np.argsort(-(vectors[rows] @ question))[:_K]]
        return found

    found, milliseconds = _timed(search, questions)
    size = len(faiss.serialize_index(index)) / len(vectors)
    started = time.process_time()
    index.add(vectors[:1] - mean)
    add = 1e3 * (time.process_time() - started)
    recall = _recall(found, nearest)
    return Row(len(vectors), way, milliseconds, recall, size, build, add)


def _timed(
    search: Callable[[FloatArray], IntArray], questions: FloatArray
) -> tuple[list[IntArray], list[float]]:
    for question in questions[:10]:
        search(question)
    found, milliseconds = [], []
    for question in questions:
        started = time.process_time()
        found.append(search(question))
        milliseconds.append(1e3 * (time.process_time() - started))
    return found, milliseconds


def _recall(found: Sequence[IntArray], nearest: IntArray) -> float:
    shares = [np.isin(n, f).mean() for n, f in zip(nearest, found, strict=True)]
    return float(np.mean(shares))


def read_vectors(path: Path) -> FloatArray:
    """Return the vectors of a NumPy file, float32 ``(n, dimension)``.

    Raises:
        EvaluationError: it holds something else.
    """
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read ({error}). Give a .npy file.") from error
    if vectors.ndim != 2 or vectors.dtype != np.float32 or len(vectors) <= _K:
        raise EvaluationError(
            f"{path} holds {vectors.dtype} {vectors.shape}. Give more than {_K} float32 vectors."
        )
    found: FloatArray = vectors
    return found


def to_line(row: Row) -> list[str]:
    """Return a row of the table in docs/vectors.md."""
    p50, p95 = np.percentile(row.milliseconds, [50, 95])
    add = "–" if row.add is None else f"{row.add:.2f}"
    return [
        f"{row.size:,}",
        row.way,
        f"{p50:.2f} / {p95:.2f}",
        f"{row.recall:.4f}",
        f"{row.bytes:.0f}",
        f"{row.build:.1f}",
        add,
    ]


HEADER = ["vectors", "way", "p50 / p95 ms", "recall@100", "bytes", "build s", "add one ms"]
