"""Whoever is killed, and whenever: the index is the old one or the new one, whole, and answers.

``YINZHENG_CRASHES=200`` is how many builds are killed; it is the default. Of rollbacks, prunings
and first builds it is a tenth of that each.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_models import tiny_model

from index import list_generations, open_index, verify
from qa import retrieve

CRASHES = int(os.environ.get("YINZHENG_CRASHES", "200"))
SHARE = max(2, CRASHES // 10)
CORPORA = {
    "甲": ["甲文件講網絡。", "網絡安全。\n\n甲文件講水利。"],
    "乙": ["乙文件講水利。", "水利工程。\n\n乙文件講網絡。", "乙。"],
}
QUESTION = {"甲": "甲文件講網絡", "乙": "乙文件講水利"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="killing writers needs fork")


@dataclass
class Place:
    """Two corpora, a model, an index, and a process that writes and can be killed."""

    folder: Path
    process: "subprocess.Popen[str]"

    @property
    def index_dir(self) -> Path:
        return self.folder / "index"

    def send(self, do: str, corpus: str = "甲", **settings: Any) -> None:
        request = {
            "do": do,
            "index": str(self.index_dir),
            "paths": [str(self.folder / corpus)],
            "model": str(self.folder / "tiny"),
            **settings,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def write(self, do: str, corpus: str = "甲", **settings: Any) -> dict[str, Any]:
        self.send(do, corpus, **settings)
        return self.receive()

    def held_corpus(self) -> str:
        """Return which corpus the index holds, after checking that it is whole and answers."""
        assert verify(self.index_dir) == []
        with open_index(self.index_dir) as index:
            found = [index.document(id_).text for id_, *_ in index.document_list()]
            (corpus,) = (name for name in CORPORA if texts_of(self.folder / name) == found)
            hits = retrieve(QUESTION[corpus], index=index)
            assert QUESTION[corpus] + "。" in [hit.passage.text for hit in hits]
        return corpus


def texts_of(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]


def other(corpus: str) -> str:
    (one,) = set(CORPORA) - {corpus}
    return one


def start(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crash_writer.py")), str(folder / "tiny")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    # In memory where there is such a folder: a kill does not reach what was handed to the system,
    # so the disk adds nothing but time.
    with ExitStack() as stack:
        memory = Path("/dev/shm")  # noqa: S108  (the folder inside it has a name of its own)
        parent = memory if os.access(memory, os.W_OK) else tmp_path_factory.mktemp("crashes")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent))).resolve()
        tiny_model(folder / "tiny")
        for name, texts in CORPORA.items():
            (folder / name).mkdir()
            for number, text in enumerate(texts):
                (folder / name / f"{number}.txt").write_text(text, encoding="utf-8")
        process = stack.enter_context(start(folder))
        yield Place(folder, process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def place(made: Place) -> Place:
    """An index of the first corpus, built twice, so that there is one to go back to."""
    shutil.rmtree(made.index_dir, ignore_errors=True)
    for corpus in ("乙", "甲"):
        assert made.write("build", corpus)["error"] == ""
    return made


def moments(full: dict[str, Any], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield when to kill: by turns at a random time, and before each change of a name."""
    chance = random.Random(seed)
    events = list(range(1, full["events"] + 1))
    chance.shuffle(events)
    for number in range(count):
        if number % 2:
            yield {"kill_at": events[number // 2 % len(events)]}
        else:
            yield {"kill_after": chance.uniform(0, 1.1 * full["seconds"])}


def test_a_killed_build_leaves_the_old_index_or_the_new_one(place: Place) -> None:
    full = place.write("build", "乙")  # a build that changes nothing is over at once
    assert place.write("build", "甲")["error"] == ""
    assert place.held_corpus() == "甲"
    held, killed, outcomes = "甲", 0, set()
    for moment in moments(full, CRASHES, seed=20):
        wanted = other(held)
        done = place.write("build", wanted, **moment)
        assert done["error"] == ""
        before, held = held, place.held_corpus()
        killed += done["signal"] == 9
        outcomes.add((done["signal"], held == before))
        assert done["signal"] or held == wanted, "a build that was not killed is there"
    assert killed > CRASHES // 3
    if CRASHES >= 100:
        assert {(9, True), (9, False)} <= outcomes, "some died before the rename, some behind it"
    for corpus in ("乙", "甲"):  # one of them at least changes something, and cleans up
        assert place.write("build", corpus)["error"] == ""
    assert place.held_corpus() == "甲"
    left = {path.name for path in (place.index_dir / "generations").iterdir()}
    assert left == {one.name for one in list_generations(place.index_dir)}
    assert len(left) == 2
    assert {path.name for path in place.index_dir.iterdir()} == {"CURRENT", ".lock", "generations"}


def test_a_killed_addition_leaves_the_index_with_or_without_it(place: Place) -> None:
    more = place.folder / "甲" / "more.txt"
    texts = texts_of(place.folder / "甲")
    more.write_text("丙文件講丙。", encoding="utf-8")
    try:
        full = place.write("add", "甲")
        for moment in moments(full, 2 * SHARE, seed=24):
            assert place.write("rollback")["error"] == ""
            done = place.write("add", "甲", **moment)
            assert done["error"] == ""
            assert verify(place.index_dir) == []
            with open_index(place.index_dir) as index:
                found = [index.document(info.id).text for info in index.documents()]
                assert found in (texts, [*texts, "丙文件講丙。"])
                assert done["signal"] or len(found) > len(texts)
                assert retrieve(QUESTION["甲"], index=index)
            for one in list_generations(place.index_dir):
                assert verify(place.index_dir, name=one.name) == [], "links lead to whole files"
            assert place.write("add", "甲")["error"] == ""
    finally:
        more.unlink()


def test_a_killed_rollback_leaves_either_generation_in_use(place: Place) -> None:
    full = place.write("rollback")
    assert place.held_corpus() == "乙"
    for moment in moments(full, SHARE, seed=21):
        place.write("build", "甲")
        held = place.held_corpus()
        done = place.write("rollback", **moment)
        assert done["error"] == ""
        assert place.held_corpus() in {held, other(held)}
        assert place.write("build", "乙")["error"] == ""
        assert place.held_corpus() == "乙"


def test_a_killed_pruning_leaves_the_index_in_use(place: Place) -> None:
    full = place.write("prune")
    for moment in moments(full, SHARE, seed=22):
        place.write("build", "乙")
        place.write("build", "甲")
        assert place.write("prune", **moment)["error"] == ""
        assert place.held_corpus() == "甲"
        for one in list_generations(place.index_dir):
            assert verify(place.index_dir, name=one.name) == [], "what is left is whole"
    assert place.write("prune")["error"] == ""
    (left,) = (place.index_dir / "generations").iterdir()
    assert left.name == list_generations(place.index_dir)[0].name


def test_the_first_build_killed_leaves_nothing_or_an_index(place: Place) -> None:
    shutil.rmtree(place.index_dir)
    full = place.write("build", "乙")
    for moment in moments(full, SHARE, seed=23):
        shutil.rmtree(place.index_dir, ignore_errors=True)
        done = place.write("build", "乙", **moment)
        if (place.index_dir / "CURRENT").exists():
            assert place.held_corpus() == "乙"
        else:
            assert done["signal"] == 9
        assert place.write("build", "甲")["error"] == ""
        assert place.held_corpus() == "甲"


def test_of_two_writers_one_waits_or_is_told(place: Place) -> None:
    with start(place.folder) as process:
        second = Place(place.folder, process)
        for wait in (0.0, 60.0):
            place.send("build", "甲", wait=wait)
            second.send("build", "乙", wait=wait)
            errors = {place.receive()["error"], second.receive()["error"]}
            told = [error for error in errors if error]
            assert place.held_corpus() in CORPORA
            if wait:
                assert told == []
            elif told:  # they may also have missed each other
                assert told[0].startswith("IndexBusyError: Another process ")
        assert process.stdin is not None
        process.stdin.close()


def test_files_that_may_not_grow_are_a_clear_error(place: Place) -> None:
    """No root needed: the system refuses to write a file beyond a size, as a full disk would."""
    sizes = sorted(path.stat().st_size for path in place.index_dir.rglob("*") if path.is_file())
    for largest in {0, 100, *(size - 1 for size in sizes if size)}:
        done = place.write("build", "乙", largest_file=largest)
        assert done["signal"] == 0
        if done["error"]:
            assert done["error"].startswith(("IndexFolderError: ", "CacheError: "))
            assert "cannot be written" in done["error"]
            assert "The old index, if any, is unchanged" in done["error"]
        assert place.held_corpus() == ("甲" if done["error"] else "乙")
        assert len(list((place.index_dir / "generations").iterdir())) == 2
        if not done["error"]:
            assert place.write("build", "甲")["error"] == ""


@pytest.fixture
def small_disk(made: Place) -> Iterator[Callable[[int], Place]]:
    """A place whose index lies on a disk of so many KiB."""
    made.index_dir.mkdir(exist_ok=True)

    def mount(kibibytes: int) -> Place:
        command = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(made.index_dir)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small disk needs root")
        stack.callback(subprocess.run, ["umount", "-l", str(made.index_dir)], check=True)
        return made

    with ExitStack() as stack:
        if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("mounting a small disk needs Linux and root")
        yield mount


def test_a_full_disk_is_a_clear_error_and_leaves_the_old_index(
    small_disk: Callable[[int], Place],
) -> None:
    place = small_disk(400)
    assert place.write("build", "甲")["error"] == ""
    filler = place.index_dir / "filler"
    errors = []
    for kibibytes in range(400, -4, -8):
        filler.unlink(missing_ok=True)
        free = shutil.disk_usage(place.index_dir).free
        filler.write_bytes(bytes(max(0, free - 1024 * (400 - kibibytes))))
        done = place.write("build", "乙")
        assert done["signal"] == 0
        assert place.held_corpus() == ("甲" if done["error"] else "乙")
        if not done["error"]:
            break
        assert done["error"].startswith(("IndexFolderError: ", "CacheError: "))
        assert "The old index, if any, is unchanged" in done["error"]
        errors.append(done["error"])
    assert errors
    assert not done["error"], "with room enough it is built"
    # Even on a disk without a byte left, old generations can go.
    filler.unlink()
    filler.write_bytes(bytes(shutil.disk_usage(place.index_dir).free))
    assert place.write("prune")["error"] == ""
    assert len(list_generations(place.index_dir)) == 1
