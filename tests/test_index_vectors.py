"""FAISS gives what NumPy gives."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import IndexDamagedError, IndexFolderError
from index.codes import write_codes
from index.vectors import FloatArray, VectorIndex, write_vectors


@pytest.fixture
def vectors() -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    random = np.random.default_rng(7).standard_normal((500, 48)).astype(np.float32)
    unit: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = random / np.linalg.norm(
        random, axis=1, keepdims=True
    )
    return unit


def test_search_is_exact(
    tmp_path: Path, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    write_vectors(tmp_path / "v.faiss", vectors)
    index = VectorIndex(tmp_path / "v.faiss")
    assert (len(index), index.dimension) == (500, 48)
    for query in vectors[:20]:
        brute = vectors @ query
        ids, scores = index.search(query, 10)
        assert ids.tolist() == np.argsort(-brute)[:10].tolist()
        np.testing.assert_allclose(scores, brute[ids], rtol=1e-5, atol=1e-6)
        some = [3, 499, 0]
        np.testing.assert_allclose(index.scores(query, some), brute[some], rtol=1e-5, atol=1e-6)


def test_more_neighbours_than_vectors(
    tmp_path: Path, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    write_vectors(tmp_path / "v.faiss", vectors[:3])
    index = VectorIndex(tmp_path / "v.faiss")
    assert sorted(index.search(vectors[0], 10)[0].tolist()) == [0, 1, 2]
    assert index.search(vectors[0], 0)[0].tolist() == []
    assert index.scores(vectors[0], []).shape == (0,)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "v.faiss").write_bytes(b"not faiss")
    with pytest.raises(IndexDamagedError, match=r"v\.faiss cannot be read"):
        VectorIndex(tmp_path / "v.faiss")


def test_a_damaged_number_is_never_near(tmp_path: Path) -> None:
    vectors = np.eye(4, dtype=np.float32)
    vectors[2] = np.nan
    write_vectors(tmp_path / "v.faiss", vectors)
    ids, cosines = VectorIndex(tmp_path / "v.faiss").search(vectors[1], 4)
    assert ids[0] == 1
    assert 2 not in ids.tolist()
    assert np.isfinite(cosines).all()


def test_no_vectors(tmp_path: Path) -> None:
    write_vectors(tmp_path / "v.faiss", np.empty((0, 16), np.float32), exact_up_to=0)
    index = VectorIndex(tmp_path / "v.faiss")
    assert (len(index), index.dimension, list(index.blocks())) == (0, 16, [])
    assert index.search(np.ones(16, np.float32), 5)[0].shape == (0,)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(count=st.integers(1, 3000), k=st.integers(0, 3200), seed=st.integers(0, 2**32 - 1))
def test_search_is_brute_force(tmp_path: Path, count: int, k: int, seed: int) -> None:
    """Where as many are compared as there are nothing is missed, with codes and without."""
    vectors = unit(np.random.default_rng(seed).standard_normal((count + 1, 8)))
    query, vectors = vectors[0], vectors[1:]
    brute = vectors @ query
    for exact_up_to in (0, count):
        write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=exact_up_to)
        assert (tmp_path / "v.codes").exists() == (count >= 624 and not exact_up_to)
        ids, cosines = VectorIndex(tmp_path / "v.faiss").search(query, k)
        assert len(set(ids.tolist())) == len(ids) == min(k, count)
        np.testing.assert_allclose(cosines, brute[ids], atol=1e-5)
        if exact_up_to or max(2000, 20 * k) >= count:
            np.testing.assert_allclose(cosines, np.sort(brute)[::-1][: len(ids)], atol=1e-5)


def unit(vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: FloatArray = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return found


def clustered(count: int, dimension: int) -> tuple[FloatArray, FloatArray]:
    """Return vectors that all point much the same way, in groups, and questions near to some."""
    chance = np.random.default_rng(7)
    groups = chance.standard_normal((count // 50, dimension)) * 0.05 + 0.1
    each = groups[chance.integers(0, len(groups), count + 40)]
    found = unit(each + chance.standard_normal(each.shape) * 0.04)
    return found[40:], found[:40]


def test_codes_find_the_nearest(tmp_path: Path) -> None:
    vectors, queries = clustered(30_000, 96)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=1000)
    assert (tmp_path / "v.codes").stat().st_size == 24 + 4 * (96 + 96 * 16) + 30_016 * 24
    index = VectorIndex(tmp_path / "v.faiss")
    shares = []
    for query in queries:
        brute = vectors @ query
        ids, cosines = index.search(query, 100)
        np.testing.assert_allclose(cosines, brute[ids], atol=1e-5)
        assert np.all(np.diff(cosines) <= 0)
        shares.append(np.isin(np.argsort(-brute)[:100], ids).mean())
    assert np.mean(shares) >= 0.99
    # That it is not all of them shows that codes were asked: nothing else would miss one.
    wide, _ = index.search(queries[0], 1400)
    assert len(set(wide.tolist())) == 1400


def test_codes_hold_what_was_learned(tmp_path: Path) -> None:
    """Another reader can tell from the bytes which centroids stand for a vector."""
    vectors, _ = clustered(3000, 16)
    write_codes(tmp_path / "v.codes", vectors)
    content = (tmp_path / "v.codes").read_bytes()
    assert struct.unpack_from("<8sIIQ", content) == (b"YZCODES1", 16, 0, 3000)
    mean = np.frombuffer(content, "<f4", 16, 24)
    centroids = np.frombuffer(content, "<f4", 16 * 16, 88).reshape(8, 16, 2)
    np.testing.assert_allclose(mean, vectors.mean(axis=0), atol=1e-3)
    pieces = (vectors - mean).reshape(3000, 8, 1, 2)
    nearest = ((pieces - centroids) ** 2).sum(-1).min(-1)
    # Sixteen centroids in a plane leave well under a fifth of what one would.
    assert nearest.sum() < 0.2 * ((vectors - mean) ** 2).sum()


def test_mapped_vectors_are_written_as_those_in_memory(tmp_path: Path) -> None:
    vectors, _ = clustered(5000, 16)
    np.save(tmp_path / "x.npy", vectors)
    write_vectors(tmp_path / "a.faiss", vectors, exact_up_to=0)
    write_vectors(tmp_path / "b.faiss", np.load(tmp_path / "x.npy", mmap_mode="r"), exact_up_to=0)
    for kind in ("faiss", "codes"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_codes_do_not_outlive_their_vectors(tmp_path: Path) -> None:
    vectors, _ = clustered(3000, 16)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=0)
    write_vectors(tmp_path / "v.faiss", vectors[:10])
    assert len(VectorIndex(tmp_path / "v.faiss")) == 10


def header(
    magic: bytes = b"YZCODES1", dimension: int = 16, zero: int = 0, count: int = 3000
) -> bytes:
    return struct.pack("<8sIIQ", magic, dimension, zero, count)


@pytest.mark.parametrize(
    ("at", "content"),
    [
        (0, header(b"YZCODES2")),
        (0, header(zero=1)),
        (0, header(dimension=0)),
        (0, header(dimension=18)),
        (0, header(dimension=1 << 31)),
        (0, header(count=2**63)),
        (0, header(count=2000)),
        (0, header(count=0)),
        (24, struct.pack("<f", float("nan"))),
        (24 + 64, struct.pack("<f", float("inf"))),
        (24 + 64, struct.pack("<f", 1e30)),
    ],
)
def test_damaged_codes_are_refused(tmp_path: Path, at: int, content: bytes) -> None:
    vectors, _ = clustered(3000, 16)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=0)
    whole = (tmp_path / "v.codes").read_bytes()
    (tmp_path / "v.codes").write_bytes(whole[:at] + content + whole[at + len(content) :])
    with pytest.raises(IndexDamagedError, match=r"v\.codes .*Build the index again"):
        VectorIndex(tmp_path / "v.faiss")


@pytest.mark.parametrize("kept", [0, 10, 24, 500, -1])
def test_short_codes_are_refused(tmp_path: Path, kept: int) -> None:
    vectors, _ = clustered(3000, 16)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=0)
    whole = (tmp_path / "v.codes").read_bytes()
    (tmp_path / "v.codes").write_bytes(whole[:kept])
    with pytest.raises(IndexDamagedError, match=r"v\.codes"):
        VectorIndex(tmp_path / "v.faiss")


def test_codes_of_other_vectors_are_refused(tmp_path: Path) -> None:
    vectors, _ = clustered(3000, 16)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=0)
    write_codes(tmp_path / "v.codes", vectors[:2990])
    with pytest.raises(IndexDamagedError, match=r"has 2,990 codes .* there are 3,000 vectors"):
        VectorIndex(tmp_path / "v.faiss")
    (tmp_path / "v.codes").unlink()
    (tmp_path / "v.codes").symlink_to(tmp_path / "v.faiss")
    with pytest.raises(IndexDamagedError, match=r"v\.codes cannot be read"):
        VectorIndex(tmp_path / "v.faiss")


def test_codes_of_a_stranger_are_no_harm(tmp_path: Path) -> None:
    """Whatever the codes say, what comes back are passages there are, with their own cosines."""
    vectors, queries = clustered(3000, 16)
    write_vectors(tmp_path / "v.faiss", vectors, exact_up_to=0)
    whole = (tmp_path / "v.codes").read_bytes()
    start = 24 + 4 * (16 + 16 * 16)
    noise = np.random.default_rng(1).bytes(len(whole) - start)
    (tmp_path / "v.codes").write_bytes(whole[:start] + noise)
    index = VectorIndex(tmp_path / "v.faiss")
    for query in queries:
        ids, cosines = index.search(query, 50)
        assert len(set(ids.tolist())) == 50
        assert 0 <= ids.min() <= ids.max() < 3000
        np.testing.assert_allclose(cosines, vectors[ids] @ query, atol=1e-5)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"nowhere.*cannot be written"):
        write_vectors(tmp_path / "nowhere" / "v.faiss", np.eye(2, 4, dtype=np.float32))


def test_faiss_reads_what_is_written(
    tmp_path: Path, vectors: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    import faiss

    write_vectors(tmp_path / "v.faiss", vectors)
    theirs = faiss.IndexFlatIP(vectors.shape[1])
    theirs.add(vectors)
    faiss.write_index(theirs, str(tmp_path / "theirs.faiss"))
    assert (tmp_path / "v.faiss").read_bytes() == (tmp_path / "theirs.faiss").read_bytes()
    for query in vectors[:20]:
        ids, cosines = VectorIndex(tmp_path / "v.faiss").search(query, 50)
        their_cosines, their_ids = theirs.search(query[None], 50)
        np.testing.assert_array_equal(ids, their_ids[0])
        np.testing.assert_array_equal(cosines, their_cosines[0])
