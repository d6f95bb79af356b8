"""The passages of an index as points on a plane: what is alike lies together.

The positions come from the passages' own vectors by t-SNE (van der Maaten and Hinton, 2008), which
keeps neighbours and nothing else: how far apart two groups lie says nothing. On 2,000 passages of
news it kept 41 % of each passage's ten nearest, PCA 6 %; docs/about.md has the figures.

The only file that knows scikit-learn.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from index import Index, Passage

FloatArray = npt.NDArray[np.float32]
Method = Literal["t-SNE", "PCA"]

MOST_PASSAGES = 3000
"""Drawn at most: five seconds on one core."""
_FEWEST_NEIGHBOURLY = 12  # below this t-SNE has no neighbourhoods to keep
_ROUNDS = 500  # as good as the usual 1,000 on the sets measured, in half the time
_PERPLEXITY = 30.0
_SEED = 20


@dataclass(frozen=True)
class PassageMap:
    """Passages, and where each lies.

    Attributes:
        generation: of which generation.
        passages: those drawn, by id.
        positions: ``(len(passages), 2)``, within -1 to 1.
        nearest: the cosine of each with the passage drawn that is most like it; none of a single.
        repeated: how many of them stand elsewhere in the index with the same words.
        method: how the positions were found.
        total: how many passages the index has.
        seconds: how long it took.
    """

    generation: str
    passages: Sequence[Passage]
    positions: FloatArray
    nearest: FloatArray
    repeated: int
    method: Method
    total: int
    seconds: float


def draw_map(index: Index, *, most: int = MOST_PASSAGES) -> PassageMap:
    """Return a map of an index; the same for the same generation, whenever it is drawn.

    Args:
        index: an opened index.
        most: how many passages to draw; of a larger index, some of every document.
    """
    opened = index.snapshot()
    started = time.perf_counter()
    ids = choose_passages(opened.passage_ranges(), most)
    vectors = opened.passage_vectors(ids)
    positions, method = positions_of(vectors)
    return PassageMap(
        generation=opened.generation,
        passages=opened.get_passages(ids),
        positions=positions,
        nearest=nearest_of(vectors),
        repeated=_repeated(opened, ids),
        method=method,
        total=len(opened),
        seconds=time.perf_counter() - started,
    )


def choose_passages(ranges: Mapping[str, range], most: int) -> list[int]:
    """Return the ids of the passages to draw: all, or evenly spread ones.

    Every document has one at least, and beyond that as large a share as it has of all passages.
    Where there are more documents than may be drawn, evenly spread ones have one each.
    """
    total = sum(map(len, ranges.values()))
    if total <= most:
        return [passage_id for ids in ranges.values() for passage_id in ids]
    if len(ranges) >= most:
        chosen = [list(ranges.values())[at] for at in _spread(len(ranges), most)]
        return [ids[len(ids) // 2] for ids in chosen]
    # Each document's share of what is left when all have one, rounded so that the sum is kept.
    beyond = np.array([len(ids) - 1 for ids in ranges.values()], np.float64)
    bounds = np.rint(np.cumsum(beyond) * (most - len(ranges)) / beyond.sum()).astype(np.int64)
    counts = 1 + np.diff(bounds, prepend=0)
    pairs = zip(ranges.values(), counts.tolist(), strict=True)
    return [ids[at] for ids, count in pairs for at in _spread(len(ids), count)]


def _spread(length: int, count: int) -> list[int]:
    """Return ``count`` places in the middle of equal parts of a range; at most its length."""
    return [(2 * part + 1) * length // (2 * count) for part in range(count)]


def positions_of(vectors: FloatArray) -> tuple[FloatArray, Method]:
    """Return where each vector lies on the plane, and how that was found."""
    # What all passages have in common says nothing; without it the vectors fill more directions.
    centred = vectors - vectors.mean(axis=0, keepdims=True) if len(vectors) else vectors
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    if not lengths.size or lengths.max() < 1e-6:  # none, or the same words only
        return np.zeros((len(vectors), 2), np.float32), "PCA"
    directions = centred / np.maximum(lengths, 1e-6)
    if len(vectors) < _FEWEST_NEIGHBOURLY:
        return _within_one(_principal(centred)), "PCA"
    return _within_one(_neighbourly(directions)), "t-SNE"


def _principal(centred: FloatArray) -> FloatArray:
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(centred), 2), np.float32)
    axes = (left * scales)[:, :2]
    # Either sign would do: the largest value of each axis is a positive one, every time.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    found[:, : axes.shape[1]] = axes * np.where(largest < 0, -1, 1)
    return found


def _neighbourly(directions: FloatArray) -> FloatArray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    projection = TSNE(
        init="pca",
        perplexity=min(_PERPLEXITY, (len(directions) - 1) / 3),
        max_iter=_ROUNDS,
        random_state=_SEED,
    )
    # One core: the others are for questions, and the sums come out the same on every machine.
    with threadpool_limits(limits=1):
        found: FloatArray = projection.fit_transform(directions)
    return found


def _within_one(positions: FloatArray) -> FloatArray:
    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    reach = np.abs(positions - middle).max()
    scaled: FloatArray = ((positions - middle) / max(float(reach), 1e-9)).astype(np.float32)
    return scaled


def nearest_of(vectors: FloatArray) -> FloatArray:
    """Return the cosine of each unit vector with the most similar other one."""
    if len(vectors) < 2:
        return np.empty(0, np.float32)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    nearest: FloatArray = cosines.max(axis=1)
    return nearest


def _repeated(index: Index, ids: Sequence[int]) -> int:
    """Return how many passages are not the only ones with their words."""
    keys = index.duplicate_keys(ids)
    owners = Counter(key for key, _ in index.repeats(list(dict.fromkeys(keys))))
    return sum(owners[key] > 1 for key in keys)
