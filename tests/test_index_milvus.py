"""Changing an index on a Milvus server: what readers see, one writer, whatever is killed."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from milvus_serving import LiteProcess, MilvusProcess
from serving import Server

from index import (
    BuildReport,
    Index,
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotFoundError,
    IndexServerError,
    SettingError,
    add_documents,
    build_index,
    copy_index,
    list_documents,
    list_generations,
    open_index,
    prune,
    remove_documents,
    rollback,
    spread,
    update_documents,
    verify,
)
from index.milvus import batches, lease, pushing
from index.milvus.address import Credentials, MilvusAddress
from index.milvus.client import MilvusServer, Row
from index.milvus.names import Names
from index.milvus.staging import staging_dir
from index.milvus.tables import PARTS
from qa import retrieve

TEXTS = {
    "a.txt": "甲文件講網絡。網絡安全。\n\n甲文件講水利。",
    "b.txt": "乙文件講水利。\n\n乙文件講橋樑。",
    "c.txt": "丙文件講法院。",
}


BOTH = pytest.mark.parametrize("process", ["server", "lite"], indirect=True)
"""What rests on the server itself; all else is asked of Lite, which takes a tenth of the time."""


@pytest.fixture
def process(request: pytest.FixtureRequest) -> MilvusProcess | LiteProcess:
    kind = getattr(request, "param", "lite")
    found: MilvusProcess | LiteProcess = request.getfixturevalue(
        "milvus" if kind == "server" else "lite"
    )
    return found


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("index.milvus.staging.cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr("index.copying.cache_dir", lambda: tmp_path / "cache")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def server(process: MilvusProcess | LiteProcess, tmp_path: Path) -> Iterator[MilvusServer]:
    name = f"t{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:10]}"
    connected = MilvusServer(process.address(name), Credentials())
    yield connected
    clear(connected)


def clear(server: MilvusServer) -> None:
    start = server.address.collection
    for name in server.collections():
        if name.startswith(f"{start}_"):
            server.drop(name)
    server.close()


def same(one: Index, other: Index) -> None:
    """Check that two indexes hold the same documents, passages and vectors."""
    mine, theirs = one.document_details(), other.document_details()
    for kept in (mine, theirs):  # all but when they came
        kept[:] = [replace(details, indexed="") for details in kept]
    assert mine == theirs
    ids = list(range(len(other)))
    assert one.get_passages(ids) == other.get_passages(ids)
    assert np.array_equal(one.passage_vectors(ids), other.passage_vectors(ids))
    for id_ in ids:
        tokens, others = one.token_vectors(id_), other.token_vectors(id_)
        assert np.array_equal(tokens.vectors, others.vectors)
        assert np.array_equal(tokens.spans, others.spans)
        assert np.array_equal(one.sentence_vectors(id_), other.sentence_vectors(id_))


@BOTH
def test_changes_are_those_of_a_folder(
    server: MilvusServer, docs: Path, tiny: Path, tmp_path: Path
) -> None:
    place, folder = server.address, tmp_path / "folder"
    reports = [build_index(docs, index_dir=one, model=str(tiny)) for one in (place, folder)]
    assert (reports[0].documents, reports[0].embedded) == (3, reports[1].embedded)
    assert reports[0].index_dir == str(place)
    with open_index(place) as mine, open_index(folder) as theirs:
        same(mine, theirs)

    (docs / "b.txt").write_text("乙文件講別的事。", encoding="utf-8")
    (tmp_path / "d.txt").write_text("丁文件講學校。", encoding="utf-8")
    for one in (place, folder):
        add_documents(tmp_path / "d.txt", index_dir=one)
        assert update_documents(index_dir=one).embedded == 1
        remove_documents(str(docs / "c.txt"), index_dir=one)
    with open_index(place) as mine, open_index(folder) as theirs:
        same(mine, theirs)
        assert mine.info.segments == theirs.info.segments
        for question in ("水利", "學校在哪裡", "別的事"):
            hits = [retrieve(question, index=one) for one in (mine, theirs)]
            assert [hit.passage for hit in hits[0]] == [hit.passage for hit in hits[1]]
    assert list_documents(place) == list_documents(folder)
    assert verify(place) == []

    unchanged = build_index([docs / "a.txt", docs / "b.txt", tmp_path / "d.txt"], index_dir=place,
                            model=str(tiny))  # fmt: skip
    assert not unchanged.is_new


def test_it_is_changed_on_another_machine_without_embedding(
    server: MilvusServer, docs: Path, tiny: Path, tmp_path: Path
) -> None:
    place = server.address
    build_index(docs, index_dir=place, model=str(tiny))
    before = set(server.collections())
    assert staging_dir(place).is_dir()
    for path in sorted(staging_dir(place).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "d.txt").write_text("丁文件講學校。", encoding="utf-8")
    report = add_documents(tmp_path / "d.txt", index_dir=place)
    assert (report.documents, report.embedded) == (4, 1)
    assert verify(place) == []
    # What was there already was not written again.
    assert {name for name in before if "_s" in name} <= set(server.collections())


def test_readers_see_a_swap_at_once_and_no_error(
    server: MilvusServer, docs: Path, tiny: Path
) -> None:
    place = server.address
    build_index(docs, index_dir=place, model=str(tiny))
    stop, seen, errors = threading.Event(), [], []

    def read() -> None:
        with open_index(place) as opened:
            while not stop.is_set():
                try:
                    opened.refresh()
                    view = opened.snapshot()
                    retrieve("水利", index=view)
                    seen.append((time.monotonic(), view.generation))
                except IndexFolderError as error:
                    errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    (docs / "d.txt").write_text("丁文件講水利。", encoding="utf-8")
    new = build_index(docs, index_dir=place, model=str(tiny)).generation
    swapped = time.monotonic()
    time.sleep(6)
    stop.set()
    for reader in readers:
        reader.join()
    assert not errors
    first_new = min(when for when, generation in seen if generation == new)
    assert first_new - swapped < 5
    assert all(g == new for when, g in seen if when - swapped > 5)
    assert len({g for _, g in seen}) == 2


def test_two_apps_see_a_swap_under_questions_without_an_error(
    milvus: MilvusProcess, docs: Path, tiny: Path, tmp_path: Path
) -> None:
    place = milvus.address("apps")
    build_index(docs, index_dir=place, model=str(tiny))
    apps = [app_on(place, tmp_path / str(number)) for number in range(2)]
    stop = threading.Event()
    seen: list[list[tuple[float, int, str]]] = [[], []]
    question = {"question": "丁文件講學校", "top_k": 5}

    def ask(app: Server, answers: list[tuple[float, int, str]]) -> None:
        with httpx.Client(base_url=app.url, timeout=60) as client:
            while not stop.is_set():
                answer = client.post("api/v1/retrieve", json=question)
                answers.append((time.monotonic(), answer.status_code, answer.text))

    askers = [threading.Thread(target=ask, args=pair) for pair in zip(apps, seen, strict=True)]
    try:
        for asker in askers:
            asker.start()
        (tmp_path / "d.txt").write_text("丁文件講學校。", encoding="utf-8")
        add_documents(tmp_path / "d.txt", index_dir=place)
        swapped = time.monotonic()
        time.sleep(7)
    finally:
        stop.set()
        for asker in askers:
            asker.join()
        statuses = [app.stop() for app in apps]
        clear(MilvusServer(place, Credentials()))
    assert statuses == [0, 0]
    for answers in seen:
        assert {status for _, status, _ in answers} == {200}
        assert "丁文件講學校。" not in answers[0][2]
        assert all("丁文件講學校。" in text for when, _, text in answers if when > swapped + 5)
        assert answers[-1][0] > swapped + 5


def app_on(place: MilvusAddress, folder: Path) -> Server:
    """Start an app that answers from an index on a server."""
    folder.mkdir()
    return Server(
        "--requests-per-second=0",
        index=folder / "none",
        environment={"YINZHENG_INDEX": str(place)},
    )


def test_generations_are_listed_gone_back_to_and_removed(
    server: MilvusServer, docs: Path, tiny: Path
) -> None:
    place = server.address
    first = build_index(docs, index_dir=place, model=str(tiny)).generation
    (docs / "d.txt").write_text("丁文件講水利。", encoding="utf-8")
    second = build_index(docs, index_dir=place, model=str(tiny)).generation
    listed = list_generations(place)
    assert [(one.name, one.documents, one.is_in_use) for one in listed] == [
        (second, 4, True),
        (first, 3, False),
    ]
    assert rollback(place) == first
    with open_index(place) as opened:
        assert opened.generation == first
        assert verify(place, name=second) == []
    with pytest.raises(IndexNotFoundError, match="oldest"):
        rollback(place)
    assert list(prune(place, keep=1).removed) == [second]
    assert [one.name for one in list_generations(place)] == [first]
    assert verify(place) == []
    left = Names(place.collection).segments(server.collections())
    assert len(left) == 1


@BOTH
def test_it_comes_back_into_a_folder(
    server: MilvusServer, docs: Path, tiny: Path, tmp_path: Path
) -> None:
    folder, back = tmp_path / "folder", tmp_path / "back"
    build_index(docs, index_dir=folder, model=str(tiny), token_vectors="int8")
    name = copy_index(folder, server.address)
    assert copy_index(server.address, back) == name
    assert verify(back) == []
    with open_index(folder) as one, open_index(back) as other:
        same(one, other)
        assert one.documents() == other.documents()
        hits = [retrieve("網絡安全", index=x) for x in (one, other)]
        assert [(h.passage, h.score) for h in hits[0]] == [(h.passage, h.score) for h in hits[1]]


def test_codes_of_token_vectors_are_the_same(
    server: MilvusServer, tiny: Path, tmp_path: Path
) -> None:
    docs, folder, back = tmp_path / "docs", tmp_path / "folder", tmp_path / "back"
    docs.mkdir()
    for number in range(40):
        text = "\n\n".join(f"第{number}篇第{line}段講水利和網絡。" * 4 for line in range(12))
        (docs / f"{number:02d}.txt").write_text(text, encoding="utf-8")
    report = build_index(docs, index_dir=folder, model=str(tiny), token_vectors="pq")
    assert report.token_vectors == "pq"
    copy_index(folder, server.address)
    copy_index(server.address, back)
    assert verify(server.address) == []
    assert verify(back) == []
    with open_index(server.address) as one, open_index(folder) as other, open_index(back) as third:
        assert one.info.token_vectors == "pq"
        same(one, other)
        same(third, other)
        found = [retrieve("第3篇第5段", index=x) for x in (one, other, third)]
        assert [h.passage for h in found[0]] == [h.passage for h in found[1]]
        assert [h.score for h in found[1]] == [h.score for h in found[2]]


def test_a_server_that_is_silent_is_asked_once_a_second(
    server: MilvusServer, docs: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(docs, index_dir=server.address, model=str(tiny))
    with open_index(server.address) as opened:
        time.sleep(1.1)
        asked: list[str] = []

        def silent(_server: MilvusServer, alias: str) -> str | None:
            asked.append(alias)
            raise IndexServerError("It does not answer.")

        with monkeypatch.context() as patched:
            patched.setattr(MilvusServer, "target_of", silent)
            for _ in range(20):
                with pytest.raises(IndexServerError):
                    opened.refresh()
        assert len(asked) == 1
        time.sleep(1.1)
        assert not opened.refresh()


def test_what_is_altered_on_the_server_is_found(
    server: MilvusServer, docs: Path, tiny: Path, tmp_path: Path
) -> None:
    place, names = server.address, Names(server.address.collection)
    build_index(docs, index_dir=place, model=str(tiny))
    (segment,) = names.segments(server.collections())
    where = names.of_segment(segment)
    (row,) = server.get(where.passages, "row in [1]", ("*",), newest=True)
    altered = {k: v for k, v in row.items() if k != "sparse"}
    altered["record"] = altered["record"].replace("水利", "水庫")
    server.put(where.passages, [altered])
    (problem,) = {p.fact for p in verify(place)}
    assert "another passage 1" in problem
    with pytest.raises(IndexDamagedError, match="altered"):
        copy_index(place, tmp_path / "back")
    assert not list((tmp_path / "back" / "generations").iterdir())
    server.remove(where.passages, "row in [1]")
    assert any("were written" in p.fact for p in verify(place))


def test_there_is_nothing_to_change_yet(server: MilvusServer, docs: Path) -> None:
    with pytest.raises(IndexNotFoundError, match=f"--index {server.address}"):
        add_documents(docs, index_dir=server.address)
    with pytest.raises(IndexNotFoundError, match=f"--index {server.address}"):
        list_generations(server.address)


@BOTH
def test_one_writer_at_a_time(server: MilvusServer) -> None:
    with (
        lease.writing_to(server),
        pytest.raises(IndexBusyError, match=f"pid {os.getpid()}"),
        lease.writing_to(server, wait=1),
    ):
        pytest.fail("two writers")
    with lease.writing_to(server):
        pass
    assert server.target_of(Names(server.address.collection).lock) is None


@BOTH
def test_a_dead_writers_lock_is_taken_over(
    server: MilvusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_DEAD", 3.0)
    code = (
        "import sys, time; from index.milvus.address import *; from index.milvus import lease;"
        "from index.milvus.client import MilvusServer;"
        "s = MilvusServer(MilvusAddress.parse(sys.argv[1]), Credentials());\n"
        "with lease.writing_to(s): print('has it', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(server.address)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(IndexBusyError), lease.writing_to(server):
            pytest.fail("two writers")
        other.send_signal(signal.SIGKILL)
    with lease.writing_to(server, wait=30):
        pass


def test_a_writer_whose_lock_was_taken_over_puts_nothing_in_use(
    server: MilvusServer, docs: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, lock = server.address, Names(server.address.collection).lock
    first = build_index(docs, index_dir=place, model=str(tiny)).generation
    (docs / "d.txt").write_text("丁文件講學校。", encoding="utf-8")
    other = f"{lock}_other"
    server.create_bare(other, PARTS)
    swap = pushing._Push.generation

    def taken_over(push: pushing._Push, *arguments: Any) -> None:
        server.drop_alias(lock)
        assert server.claim(lock, other)
        swap(push, *arguments)

    monkeypatch.setattr(pushing._Push, "generation", taken_over)
    with pytest.raises(IndexBusyError, match="another one has begun"):
        build_index(docs, index_dir=place, model=str(tiny))
    assert server.target_of(lock) == other, "the lock is not its own to drop"
    with open_index(place) as opened:
        assert opened.generation == first
    server.drop_alias(lock)
    server.drop(other)


def test_a_writer_that_was_stopped_is_gone_on_with(
    server: MilvusServer, docs: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, folder = server.address, tmp_path / "folder"
    build_index(docs, index_dir=place, model=str(tiny))
    for number in range(30):
        text = "\n\n".join(f"第{number}篇第{line}段講水利。" for line in range(10))
        (docs / f"n{number}.txt").write_text(text, encoding="utf-8")
    put, calls = batches.put, []

    def stopping(to: MilvusServer, collection: str, key: str, rows: Sequence[Row]) -> None:
        put(to, collection, key, rows)
        calls.append(collection)
        if len(calls) == 4:
            raise KeyboardInterrupt

    for module in (batches, pushing):
        monkeypatch.setattr(module, "put", stopping)
    with pytest.raises(KeyboardInterrupt):
        build_index(docs, index_dir=place, model=str(tiny))
    for module in (batches, pushing):
        monkeypatch.setattr(module, "put", put)
    with open_index(place) as opened:
        assert len(opened.documents()) == 3
        retrieve("水利", index=opened)
    report = build_index(docs, index_dir=place, model=str(tiny))
    assert report.documents == 33
    assert verify(place) == []
    build_index(docs, index_dir=folder, model=str(tiny))
    with open_index(place) as mine, open_index(folder) as theirs:
        assert mine.get_passages(range(len(mine))) == theirs.get_passages(range(len(theirs)))


@BOTH
def test_two_processes_write_what_one_writes(
    server: MilvusServer, docs: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        text = "\n\n".join(f"第{number}篇第{line}段講水利。" for line in range(10))
        (docs / f"n{number:02d}.txt").write_text(text, encoding="utf-8")
    place, alone = server.address, tmp_path / "alone"
    started: list[subprocess.Popen[bytes]] = []
    orders: list[bytes] = []
    start, ask = spread.Processes._start, spread.Processes.ask

    def starting(self: spread.Processes) -> "subprocess.Popen[bytes]":
        started.append(start(self))
        return started[-1]

    def asking(self: spread.Processes, order: bytes, data: bytes) -> bytes:
        orders.append(order)
        if orders.count(spread.WRITE) == 3:
            for writer in started[2:]:  # behind those that embed
                writer.kill()
        return ask(self, order, data)

    monkeypatch.setattr(spread, "_MOST_CHARACTERS", 400)
    monkeypatch.setattr(spread.Processes, "_start", starting)
    monkeypatch.setattr(spread.Processes, "ask", asking)
    build_index(docs, index_dir=place, model=str(tiny), workers=2)
    assert len(started) >= 5, "two embed, two write, and others take the place of the dead ones"
    build_index(docs, index_dir=alone, model=str(tiny))
    with open_index(place) as mine, open_index(alone) as theirs:
        same(mine, theirs)
        for term in ("水利", "第", "段", "無"):
            assert mine.frequency(term) == theirs.frequency(term)
    assert verify(place) == []


def test_messages_name_the_server_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.milvus.client.ASKING", 1.0)
    monkeypatch.setenv("YINZHENG_MILVUS_USER", "li")
    monkeypatch.setenv("YINZHENG_MILVUS_PASSWORD", "geheim-geheim")
    with pytest.raises(IndexServerError) as raised:
        open_index("milvus://127.0.0.1:9/docs")
    assert "127.0.0.1:9" in str(raised.value)
    assert "does not answer" in str(raised.value)
    assert "geheim" not in str(raised.value)
    with pytest.raises(SettingError, match="no password"):
        open_index("milvus://li:geheim@127.0.0.1/docs")
    for wrong in ("milvus://127.0.0.1", "milvus:///docs", "milvus://h:x/docs", "milvus://h/a/b"):
        with pytest.raises(SettingError, match="milvus://HOST:PORT/NAME"):
            open_index(wrong)


def test_a_server_killed_in_the_middle_of_a_build_loses_nothing(
    milvus: MilvusProcess, docs: Path, tiny: Path
) -> None:
    place = milvus.address("killed")
    build_index(docs, index_dir=place, model=str(tiny))
    for number in range(30):
        text = "\n\n".join(f"第{number}篇第{line}段講水利。" for line in range(10))
        (docs / f"n{number:02d}.txt").write_text(text, encoding="utf-8")
    half = threading.Event()
    outcome: list[BuildReport | IndexServerError] = []

    def told(stage: str, done: int, total: int) -> None:
        if stage == "upload" and done * 2 >= total:
            half.set()

    def build() -> None:
        try:
            outcome.append(build_index(docs, index_dir=place, model=str(tiny), progress=told))
        except IndexServerError as error:
            outcome.append(error)

    builder = threading.Thread(target=build)
    builder.start()
    assert half.wait(120)
    milvus.kill()
    milvus.start()
    with open_index(place) as opened:  # the old generation, or the new one
        wait_for_answer(opened)
        assert len(opened.documents()) in {3, 33}
    builder.join(300)
    assert outcome
    if isinstance(outcome[0], IndexServerError):
        outcome[0] = build_index(docs, index_dir=place, model=str(tiny), wait=60)
    assert isinstance(outcome[0], BuildReport)
    assert outcome[0].documents == 33
    assert verify(place) == []
    clear(MilvusServer(place, Credentials()))


def wait_for_answer(opened: Index) -> None:
    """Wait until a server that was started again answers questions."""
    deadline = time.monotonic() + 120
    while True:
        try:
            retrieve("水利", index=opened)
        except IndexServerError:
            assert time.monotonic() < deadline
            time.sleep(1)
        else:
            return
