"""A build that was killed goes on where it was."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tiny_models import tiny_model

from index import build_index, fold, open_index
from index.checkpoint import Checkpoint
from index.embedder import Embedder
from index.leftovers import CHECKPOINT
from index.models import load_embedder
from index.types import Span

ROOT = Path(__file__).parent.parent
PASSAGES = 1500
BUILD = """
import sys
from index import build_index

def told(stage, done, total):
    if stage == "embed":
        print(stage, done / total, flush=True)

build_index(sys.argv[1], index_dir=sys.argv[2], model=sys.argv[3], progress=told)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    for n in range(PASSAGES // 10):
        text = "\n\n".join(f"甲文件第{n}號的第{m}段。" for m in range(10))
        (folder / f"{n}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passages the real embedder was asked for, call by call."""
    asked: list[int] = []
    real = Embedder.encode_passage_tokens

    def counting(
        embedder: Embedder, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[object]:
        asked.append(len(texts))
        return real(embedder, texts, sentences)

    monkeypatch.setattr(Embedder, "encode_passage_tokens", counting)
    return asked


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, docs: Path, tiny: str) -> Path:
    """An index folder whose first build was killed when 70 % of the passages were embedded."""
    index_dir = tmp_path_factory.mktemp("killed") / "index"
    with subprocess.Popen(
        [sys.executable, "-c", BUILD, str(docs), str(index_dir), tiny],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            at, done = line.rsplit(" ", 1)
            if at == "embed" and float(done) >= 0.7:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert (index_dir / CHECKPOINT).is_file()
    return index_dir


@pytest.fixture
def index_dir(killed: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(killed, tmp_path / "index"))


def test_a_build_killed_at_70_percent_goes_on_at_70_percent(
    docs: Path, index_dir: Path, tiny: str, encoded: list[int]
) -> None:
    report = build_index(docs, index_dir=index_dir, model=tiny)
    # Of what was embedded, at most the last part is not on the disk yet.
    assert encoded[0] <= 0.3 * PASSAGES + 128
    kept = report.embedded - encoded[0]
    assert f"{kept:,} of {report.embedded:,} embeddings" in report.notes[0]
    assert not list(index_dir.glob(f"{CHECKPOINT}*"))
    with open_index(index_dir) as index:
        index.verify()
        assert len(index) == PASSAGES
    assert len(list((index_dir / "generations").iterdir())) == 1


def test_what_is_no_longer_needed_is_dropped(
    index_dir: Path, tmp_path: Path, tiny: str, encoded: list[int]
) -> None:
    # The longest texts are embedded first.
    wanted = [fold("甲文件第100號的第1段。"), fold("甲文件第9號的第0段。"), "無"]
    whole = [[Span(0, len(text))] for text in wanted]
    kept = Checkpoint(load_embedder(tiny), index_dir, texts=wanted, sentences=whole)
    kept.close()
    assert kept.found == 1
    with closing(sqlite3.connect(index_dir / CHECKPOINT)) as connection:
        assert connection.execute("SELECT count(*) FROM embeddings").fetchone() == (1,)
    (tmp_path / "one.txt").write_text("甲文件。", encoding="utf-8")
    build_index(tmp_path / "one.txt", index_dir=index_dir, model=tiny)
    assert encoded == [1]


@pytest.mark.parametrize("damage", ["truncated", "no database", "altered"])
def test_a_damaged_checkpoint_is_dropped_with_a_note(
    docs: Path, index_dir: Path, tiny: str, damage: str
) -> None:
    path = index_dir / CHECKPOINT
    if damage == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "no database":
        path.write_text("no database at all, and long enough to be read as one" * 50)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE embeddings SET vector = x'00', levels = x'00'")
    report = build_index(docs, index_dir=index_dir, model=tiny)
    assert any("was damaged" in note for note in report.notes)
    with open_index(index_dir) as index:
        index.verify()
        assert len(index) == PASSAGES


def test_a_failing_build_keeps_what_it_embedded(
    docs: Path, tmp_path: Path, tiny: str, encoded: list[int]
) -> None:
    index_dir = tmp_path / "index"

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "embed" and done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(docs, index_dir=index_dir, model=tiny, progress=stop)
    build_index(docs, index_dir=index_dir, model=tiny)
    assert encoded[1] <= PASSAGES // 2


def test_a_checkpoint_that_is_a_link_is_not_written_through(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "a.txt").write_text("甲文件。", encoding="utf-8")
    (tmp_path / "index").mkdir()
    somebodys = tmp_path / "somebodys.sqlite"
    with closing(sqlite3.connect(somebodys)) as connection, connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = somebodys.read_bytes()
    (tmp_path / "index" / CHECKPOINT).symlink_to(somebodys)
    report = build_index(tmp_path / "a.txt", index_dir=tmp_path / "index", model=tiny)
    assert somebodys.read_bytes() == before
    assert any("damaged" in note for note in report.notes)


def test_a_checkpoint_with_a_trigger_is_dropped(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "a.txt").write_text("甲文件。", encoding="utf-8")
    index_dir = tmp_path / "index"
    index_dir.mkdir()
    with closing(sqlite3.connect(index_dir / CHECKPOINT)) as connection, connection:
        connection.executescript(
            "CREATE TABLE embeddings "
            "(number INTEGER PRIMARY KEY, key, vector, levels, scales, spans,"
            " sentence_levels, sentence_scales);"
            "CREATE TRIGGER t AFTER INSERT ON embeddings BEGIN SELECT load_extension('x'); END;"
        )
    report = build_index(tmp_path / "a.txt", index_dir=index_dir, model=tiny)
    assert (report.documents, report.failed) == (1, ())
    assert any("damaged" in note for note in report.notes)
