"""Passages embedded by other processes: the same index comes out, whoever dies meanwhile."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milvus_serving import LITE, python_of

from index import (
    IndexServerError,
    ModelError,
    ModelNotFoundError,
    SettingError,
    build_index,
    list_documents,
    open_index,
    verify,
)
from index.embedder import Encoded
from index.manifest import read_manifest
from index.models import load_embedder
from index.part_vectors import PartVectors
from index.spread import (
    EMBED,
    Processes,
    handed_out,
    read_request,
    read_response,
    request,
    response,
)
from index.types import Span

RUNNER = Path(__file__).with_name("ray_runner.py")
TEXTS = ["水利工程。" * 40, "網絡。安全。", "", "a" * 500, "法院" * 3, "烏海市。" * 200]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(12):
        text = "\n\n".join(f"第{number}篇第{line}段講水利。網絡{line}。" for line in range(8))
        (folder / f"{number:02d}.txt").write_text(text, encoding="utf-8")
    return folder


def vectors_of(folder: Path) -> dict[str, str]:
    """Return the hashes of an index's files that hold vectors, and of where they belong."""
    with open_index(folder) as opened:
        manifest = read_manifest(folder / "generations" / opened.generation)
    wanted = ("vectors", "tokens", "sentences", "places")
    return {
        name: facts.sha256
        for name, facts in manifest.files.items()
        if any(part in name for part in wanted)
    }


def test_an_index_is_the_same_with_two_workers(docs: Path, tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    first = build_index(docs, index_dir=alone)
    second = build_index(docs, index_dir=shared, workers=2)
    assert (first.documents, first.embedded) == (second.documents, second.embedded)
    assert vectors_of(alone) == vectors_of(shared)
    assert list_documents(alone) == list_documents(shared)
    assert verify(shared) == []
    with open_index(alone) as one, open_index(shared) as other:
        ids = range(len(one))
        assert one.get_passages(ids) == other.get_passages(ids)


def test_who_dies_is_started_again() -> None:
    embedder = load_embedder()
    others = Processes(2, embedder.name)
    killed: list[subprocess.Popen[bytes]] = []

    def killing(data: bytes) -> bytes:
        if len(killed) < 2:
            process = others._free.get() or others._start()
            others._free.put(process)
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process)
        return others.ask(EMBED, data)

    try:
        texts = [f"第{n}段講水利。" * (n % 7 * 9 + 1) for n in range(40)]
        spans = [[Span(0, 7)]] * len(texts)
        found = dict(handed_out(texts, spans, killing, 2))
    finally:
        others.close()
    assert len(killed) == 2
    expected = dict(embedder.encode_passage_tokens(texts, spans))
    assert found.keys() == expected.keys()
    for at, one in expected.items():
        assert np.array_equal(found[at].vector, one.vector)
        assert np.array_equal(found[at].tokens.vectors, one.tokens.vectors)
        assert np.array_equal(found[at].sentences, one.sentences)


def test_who_dies_every_time_ends_the_build_with_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = Processes(1, "any")
    command = [sys.executable, "-c", "import sys; sys.stdin.buffer.read(3)"]

    def dying() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(others, "_start", dying)
    with closing(others), pytest.raises(ModelError, match="fewer --workers"):
        list(others(["水利"], []))


def test_what_a_process_complains_of_is_told_here() -> None:
    header = json.dumps({"address": "milvus://127.0.0.1:9/docs"}).encode()
    with closing(Processes(1, "/nothing/there")) as others:
        with pytest.raises(ModelNotFoundError, match="/nothing/there"):
            list(others(["水利"], []))
        with pytest.raises(IndexServerError, match="does not answer"):
            others.write(len(header).to_bytes(8, "little") + header)


def test_fewer_than_one_worker_is_refused(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="at least 1 worker"):
        build_index(docs, index_dir=tmp_path / "index", workers=0)


def encoded(counts: tuple[int, int], seed: int) -> Encoded:
    chance = np.random.default_rng(seed)
    tokens, sentences = counts
    return Encoded(
        chance.normal(size=4).astype(np.float32),
        PartVectors(
            chance.normal(size=(tokens, 4)).astype(np.float32),
            chance.integers(0, 99, (tokens, 2)),
        ),
        chance.normal(size=(sentences, 4)).astype(np.float32),
    )


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=6))
def test_vectors_go_to_and_fro_as_they_are(counts: list[tuple[int, int]]) -> None:
    sent = [encoded(of_one, seed) for seed, of_one in enumerate(counts)]
    for one, other in zip(sent, read_response(response(sent)), strict=True):
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.tokens.vectors, other.tokens.vectors)
        assert np.array_equal(one.tokens.spans, other.tokens.spans)
        assert np.array_equal(one.sentences, other.sentences)


@given(st.lists(st.text(max_size=9), max_size=5), st.lists(st.integers(0, 50), max_size=4))
def test_texts_go_to_and_fro_as_they_are(texts: list[str], starts: list[int]) -> None:
    spans = [[Span(start, start + 1) for start in starts] for _ in texts]
    assert read_request(request(texts, spans)) == (texts, spans)
    assert read_request(request(texts, [])) == (texts, [])


@given(st.lists(st.sampled_from(TEXTS), max_size=30), st.integers(1, 4))
def test_every_text_is_handed_out_once(texts: list[str], count: int) -> None:
    asked: list[str] = []

    def ask(data: bytes) -> bytes:
        found, _ = read_request(data)
        asked.extend(found)
        return response([encoded((len(text) % 3, 0), len(text)) for text in found])

    found = dict(handed_out(texts, [], ask, count))
    assert sorted(asked) == sorted(texts)
    assert found.keys() == set(range(len(texts)))
    for at, one in found.items():
        assert np.array_equal(one.vector, encoded((0, 0), len(texts[at])).vector)


@pytest.fixture
def alone() -> Callable[..., str]:
    """Run a command in a network of its own: Ray listens on every address, and asks for its own."""
    pytest.importorskip("ray", reason="ray is not installed")
    return in_a_network_of_its_own


def in_a_network_of_its_own(*arguments: object) -> str:
    command = shlex.join(map(str, (sys.executable, *arguments)))
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", f"ip link set lo up && exec {command}"],
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cluster_of_two_workers_makes_the_same_index(
    docs: Path, tmp_path: Path, alone: Callable[..., str]
) -> None:
    mine, shared = tmp_path / "mine", tmp_path / "shared"
    build_index(docs, index_dir=mine)
    alone("-m", "index", "build", docs, "--index", shared, "--workers", 2, "--ray", "local")
    assert vectors_of(mine) == vectors_of(shared)
    assert list_documents(mine) == list_documents(shared)


def test_an_actor_that_is_killed_loses_nothing(tmp_path: Path, alone: Callable[..., str]) -> None:
    texts = [f"第{n}段講水利。" * (n % 7 * 9 + 1) for n in range(120)]
    asked, vectors = tmp_path / "texts.json", tmp_path / "vectors"
    asked.write_text(json.dumps(texts), encoding="utf-8")
    said = alone(RUNNER, "kill", asked, vectors)
    assert said.endswith("killed 1\n")  # behind what Ray says of it
    expected = dict(load_embedder().encode_passage_tokens(texts))
    found = read_response(vectors.read_bytes())
    assert len(found) == len(texts)
    for at, one in enumerate(found):
        assert np.array_equal(one.vector, expected[at].vector)
        assert np.array_equal(one.tokens.vectors, expected[at].tokens.vectors)


def test_a_cluster_writes_to_a_server_what_one_process_writes(
    docs: Path, tiny: Path, tmp_path: Path, alone: Callable[..., str]
) -> None:
    python_of(LITE)  # or skip
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    theirs.mkdir()
    build_index(docs, index_dir=mine, model=str(tiny))
    assert alone(RUNNER, "build", docs, tiny, theirs).endswith("problems 0\n")
    with open_index(mine) as one, open_index(theirs / "copy") as other:
        ids = list(range(len(one)))
        assert one.get_passages(ids) == other.get_passages(ids)
        assert np.array_equal(one.passage_vectors(ids), other.passage_vectors(ids))
        for id_ in ids:
            assert np.array_equal(one.token_vectors(id_).vectors, other.token_vectors(id_).vectors)
            assert np.array_equal(one.sentence_vectors(id_), other.sentence_vectors(id_))
        assert one.frequency("水利") == other.frequency("水利") > 0
