"""Changes of the index: one at a time, watched, cancelled, killed; the old one goes on serving."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from news_texts import long_text

from index import IndexBusyError, build_index, list_documents, list_generations, verify
from qa import ask
from qa.server.changes import Change, ChangeDesk, Order
from qa.server.progress import Meter
from qa.server.services import Services
from qa.server.settings import ServerSettings


def in_use(index: Path) -> str:
    return next(one.name for one in list_generations(index) if one.is_in_use)


def services_of(index: Path) -> Services:
    return Services(ServerSettings(index=str(index), data_dir=index.parent / "data"))


def order_of(services: Services, **files: bytes) -> Order:
    sent = [(name.replace("_", "."), BytesIO(content)) for name, content in files.items()]
    return Order("add", batch=services.uploads.receive(sent))


def until(desk: ChangeDesk, holds: Callable[[Change], bool]) -> Change:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        change = desk.current()
        if change is not None and (holds(change) or change.state != "running"):
            return change
        time.sleep(0.05)
    raise AssertionError("it took longer than two minutes")


def ended(desk: ChangeDesk) -> Change:
    change = desk.wait(180)
    assert change is not None
    assert change.state != "running"
    assert change.finished is not None
    return change


@pytest.fixture
def small(tmp_path: Path, tiny: Path) -> Services:
    (tmp_path / "one.txt").write_text("甲文件講網絡。", encoding="utf-8")
    build_index(tmp_path / "one.txt", index_dir=tmp_path / "index", model=str(tiny))
    return services_of(tmp_path / "index")


@pytest.fixture
def large(tmp_path: Path, report_dir: Path) -> Services:
    return services_of(Path(shutil.copytree(report_dir, tmp_path / "index")))


def test_documents_come_and_go_one_change_at_a_time(small: Services, tmp_path: Path) -> None:
    desk, index = small.changes, tmp_path / "index"
    first = in_use(index)
    assert desk.current() is None
    order = order_of(small, b_txt="乙文件講水利。".encode(), c_pdf=b"%PDF-1.7 and no more")
    change = desk.start(order, by="王五")
    assert (change.state, change.started_by) == ("running", "王五")
    another = order_of(small, d_txt="丁。".encode())
    with pytest.raises(IndexBusyError, match=r"add, started by 王五 at"):
        desk.start(another)
    assert another.batch is not None
    assert not another.batch.folder.exists(), "what it had sent is dropped"

    done = ended(desk)
    assert (done.id, done.state) == (change.id, "done")
    assert done.progress.files is not None
    assert (done.progress.files.done, done.progress.files.total) == (2, 2)
    assert done.report is not None
    statuses = {Path(file["path"]).name: file["status"] for file in done.report["files"]}
    assert statuses == {"b.txt": "new", "c.pdf": "failed"}
    assert done.generation == in_use(index) != first
    assert verify(index) == []
    kept = [path.name for path in small.uploads.folder.iterdir() if path.is_file()]
    assert kept == ["b.txt"], "a file of which nothing was taken is not kept"

    (b,) = (info for info in list_documents(index) if info.path.endswith("b.txt"))
    desk.start(Order("remove", [b.id]))
    assert ended(desk).state == "done"
    assert [Path(info.path).name for info in list_documents(index)] == ["one.txt"]
    assert (tmp_path / "one.txt").exists()
    assert not Path(b.path).exists(), "an uploaded file goes with its document"

    desk.start(Order("rollback", generation=done.generation))
    back = ended(desk)
    assert (back.state, back.generation, back.report) == ("done", done.generation, None)
    assert len(list_documents(index)) == 2


def test_rebuilding_reads_everything_again_and_loses_nothing(
    small: Services, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    (tmp_path / "one.txt").unlink()
    before = list_documents(index)
    small.changes.start(Order("rebuild"))
    done = ended(small.changes)
    assert done.state == "done"
    assert done.report is not None
    assert [file["status"] for file in done.report["files"]] == ["vanished"]
    assert done.report["totals"]["embedded"] > 0
    assert list_documents(index) == before
    assert verify(index) == []


def test_cancelling_stops_the_work_and_leaves_the_old_index(
    large: Services, tmp_path: Path
) -> None:
    desk, index = large.changes, tmp_path / "index"
    before = in_use(index)
    desk.start(order_of(large, long_txt=long_text(4_000).encode()))
    embedding = until(desk, lambda c: c.progress.stage == "embed")
    assert embedding.progress.paragraphs is not None
    assert embedding.progress.paragraphs.total >= 4_000
    assert ask("呼伦贝尔的“三务合一”是什么？", index=index).status == "answered"
    began = time.monotonic()
    assert desk.cancel()
    change = ended(desk)
    assert time.monotonic() - began < 20
    assert change.state == "cancelled"
    assert "of 4" in change.message
    assert "The index is unchanged" in change.message
    assert in_use(index) == before
    assert verify(index) == []
    assert [path for path in large.uploads.folder.rglob("*") if path.is_file()] == []
    assert not desk.cancel(), "nothing is left to cancel"


def test_a_process_that_dies_leaves_the_old_index(small: Services, tmp_path: Path) -> None:
    desk, index = small.changes, tmp_path / "index"
    before = in_use(index)
    desk.start(order_of(small, b_txt="乙文件講水利。".encode()))
    until(desk, lambda _: desk._process is not None)
    process = desk._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    change = ended(desk)
    assert change.state == "failed"
    assert "ended unexpectedly (exit status -9)" in change.message
    assert in_use(index) == before
    assert verify(index) == []
    assert [path for path in small.uploads.folder.rglob("*") if path.is_file()] == []


def test_closing_cancels_even_what_has_hardly_begun(small: Services, tmp_path: Path) -> None:
    small.changes.start(order_of(small, b_txt="乙文件講水利。".encode()))
    small.close()
    change = small.changes.current()
    assert change is not None
    assert change.state == "cancelled"
    assert [Path(info.path).name for info in list_documents(tmp_path / "index")] == ["one.txt"]


def test_an_error_is_told_as_it_is(tmp_path: Path) -> None:
    services = services_of(tmp_path / "none")
    services.changes.start(Order("update"))
    change = ended(services.changes)
    assert change.state == "failed"
    assert change.message.startswith("There is no index in")


def test_the_time_left_is_measured_and_not_guessed() -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    meter.tell("read", 1, 2)
    now = 10.0
    meter.tell("embed", 0, 100)
    now = 12.0
    meter.tell("embed", 50, 100)
    assert meter.progress().seconds_left is None, "two seconds tell too little"
    now = 14.0
    meter.tell("embed", 50, 100)
    assert meter.progress().seconds_left == pytest.approx(4)
    meter.tell("write", 1, 2)
    assert meter.progress().seconds_left is None
    assert meter.progress().paragraphs is not None
