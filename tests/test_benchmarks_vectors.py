"""A slice of ``benchmarks vectors``: what it finds is checked, what it takes is not."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.vectors import FloatArray, enlarge, exact, measure_vectors
from index import EvaluationError


@pytest.fixture(scope="module")
def real() -> FloatArray:
    chance = np.random.default_rng(3)
    vectors = chance.standard_normal((300, 16)) * 0.1 + 0.2
    unit: FloatArray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_the_nearest_are_those_of_sorting(real: FloatArray) -> None:
    cosines = real[:120] @ real.T
    assert exact(real[:120], real, 7).tolist() == np.argsort(-cosines, axis=1)[:, :7].tolist()


def test_enlarged_vectors_lie_among_the_real_ones(real: FloatArray) -> None:
    enlarged = enlarge(real, 2000)
    np.testing.assert_array_equal(enlarged[:300], real)
    np.testing.assert_allclose(np.linalg.norm(enlarged, axis=1), 1, atol=1e-5)
    assert len(np.unique(enlarged, axis=0)) == 2000
    # A new one is about as near to the real ones as these are to each other.
    among = np.sort(real @ real.T, axis=1)[:, -2].mean()
    new = (enlarged[300:] @ real.T).max(axis=1).mean()
    assert new == pytest.approx(among, abs=0.02)


def test_every_way_is_measured(real: FloatArray) -> None:
    told: list[str] = []
    rows = list(measure_vectors(real, real[:12], [200, 1500], told.append))
    assert [row.size for row in rows] == [200] * (len(rows) // 2) + [1500] * (len(rows) // 2)
    assert len({row.way for row in rows}) == len(rows) // 2
    for row in rows:
        assert len(row.milliseconds) == 12
        if "lists" not in row.way and "graph" not in row.way:
            assert row.recall == 1.0  # 2,000 are compared, which is all there are
    assert len(told) == 3


def test_the_command(tmp_path: Path, real: FloatArray, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "p.npy", real)
    np.save(tmp_path / "q.npy", real[:101])
    files = ["--passages", str(tmp_path / "p.npy"), "--questions", str(tmp_path / "q.npy")]
    assert main(["vectors", *files, "--sizes", "300"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| vectors | way | p50")
    assert any(line.startswith("| 300 | **ours** | ") for line in lines)
    np.save(tmp_path / "p.npy", real.astype(np.float64))
    assert main(["vectors", *files]) == 1
    assert "holds float64 (300, 16)" in capsys.readouterr().err


def test_no_vectors_are_named(tmp_path: Path) -> None:
    from benchmarks.vectors import read_vectors

    (tmp_path / "x.npy").write_bytes(b"?")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_vectors(tmp_path / "x.npy")
