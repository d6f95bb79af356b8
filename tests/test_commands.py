"""Both command lines, run as a user runs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*arguments: str, offline: bool = False) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *arguments]
    if offline:
        command = ["unshare", "-n", *command]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "100", "PYTHONUTF8": "1"},
    )


def test_ask_as_json(report_dir: Path) -> None:
    done = run("qa", "烏海市全程網辦事項量提升了多少", "--index", str(report_dir), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert list(answer) == [
        *("question", "searched", "language", "status", "confidence", "strictness", "text"),
        *("citations", "hits"),
    ]
    assert answer["status"] == "answered"
    citation, hit = answer["citations"][0], answer["hits"][0]
    assert list(citation) == [
        *("quote", "document", "title", "headings", "start", "end", "page", "score"),
        *("answer", "answer_start", "answer_end", "marks", "also_in", "reference"),
    ]
    assert all(citation["start"] <= a < b <= citation["end"] for a, b in citation["marks"])
    assert citation["quote"] in answer["text"]
    assert list(hit) == [
        *("rank", "score", "document", "title", "headings", "start", "end", "page", "text"),
        *("also_in", "repeats", "reference"),
    ]
    assert "15.4%" in citation["quote"]
    assert len(citation["quote"]) == citation["end"] - citation["start"]
    assert citation["quote"] in hit["text"]
    assert len(answer["hits"]) == 5


def test_a_phrase_is_marked_unless_it_is_not_wanted(report_dir: Path) -> None:
    question = ["qa", "烏海市全程網辦事項量提升了多少", "--index", str(report_dir)]
    (found,) = json.loads(run(*question, "--json").stdout)["citations"]
    assert found["answer"] == "15.4%"
    inside = slice(found["answer_start"] - found["start"], found["answer_end"] - found["start"])
    assert found["quote"][inside] == "15.4%"
    assert "\n    answer: 15.4%\n" in run(*question).stdout
    unread = json.loads(run(*question, "--json", "--no-reader").stdout)["citations"]
    assert unread
    for one in unread:
        assert (one["answer"], one["answer_start"], one["answer_end"]) == (None, None, None)


def test_ask_as_text_and_how_many(report_dir: Path) -> None:
    done = run("qa", "三端五防线", "--index", str(report_dir), "--top-k", "2")
    assert done.returncode == 0
    assert done.stdout.startswith("[1] 鄂爾多斯市創新“三端五防線”訴源治理模式")
    assert "堅持典型引路 > 努力打造市域社會治理品牌" in done.stdout


def test_not_found_exits_with_3(report_dir: Path) -> None:
    done = run("qa", "通辽市的人口是多少", "--index", str(report_dir))
    assert done.returncode == 3
    found = done.stdout.splitlines()
    assert found[0] == "在文档中没有找到答案。"
    assert found[1].startswith("The closest passages, which do not answer (confidence 0.0")
    greeted = run("qa", "你好", "--index", str(report_dir))
    assert (greeted.returncode, len(greeted.stdout.splitlines())) == (3, 1)


def test_a_stricter_answer(report_dir: Path) -> None:
    question = ["qa", "上級機關怎樣督促下級", "--index", str(report_dir), "--json"]
    done = [run(*question, "--strictness", level) for level in ("lenient", "balanced", "strict")]
    answers = [json.loads(one.stdout) for one in done]
    assert [answer["strictness"] for answer in answers] == ["lenient", "balanced", "strict"]
    assert len({answer["confidence"] for answer in answers}) == 1
    assert [one.returncode for one in done] == sorted(one.returncode for one in done)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["qa", ""], 2, "qa: The question is empty"),
        (["qa", "甲", "--top-k", "0"], 2, "qa: top_k is 0"),
        (["qa", "甲", "--index", "/no/such/folder"], 1, "qa: There is no index in /no/such/folder"),
        (["qa"], 2, "usage:"),
        (["index", "build", "/no/such/file"], 1, "index: /no/such/file does not exist"),
        (["index", "info", "--index", "/no/such/folder"], 1, "index: There is no index"),
        (["index"], 2, "usage:"),
    ],
)
def test_bad_use_prints_a_message_and_no_traceback(
    arguments: list[str], status: int, message: str
) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_build_info_verify(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "甲.txt").write_text("甲文件的內(nèi)容。", encoding="utf-8")
    (tmp_path / "docs" / "bad.txt").write_bytes(b"\x01\x02" * 9)
    whole = ("市立圖書館位於中山路三段。" * 5).encode()
    (tmp_path / "docs" / "cut.txt").write_bytes(whole[:99] + b"\xff" + whole[100:])
    index_dir = tmp_path / "index"
    built = run("index", "build", str(tmp_path / "docs"), "--index", str(index_dir))
    assert built.returncode == 3, "one file failed"
    assert "cut.txt: Undecodable as utf-8, and U+FFFD in the text: " in built.stderr
    assert "at byte 99 (0xFF)" in built.stderr
    assert "documents: 2, passages: 2, pieces of noise removed: 1, seconds:" in built.stdout
    assert "Not indexed:" in built.stderr
    assert "bad.txt" in built.stderr
    info = run("index", "info", "--index", str(index_dir))
    assert info.returncode == 0
    assert "multilingual-e5-small (384 dimensions" in info.stdout
    assert run("index", "verify", "--index", str(index_dir)).returncode == 0


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("unshare") is None or os.geteuid() != 0,
    reason="removing the network needs Linux, unshare and root",
)
def test_everything_works_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    done = run("qa", "What is Ordos's 三端五防線 model?", "--json", offline=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "“三端五防線”訴源治理模式" in json.loads(done.stdout)["citations"][0]["quote"]


def test_a_reader_that_has_enough_is_no_error(report_dir: Path) -> None:
    asking = [sys.executable, "-m", "qa", "三端五防线", "--index", str(report_dir)]
    with subprocess.Popen(
        asking, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as asked:
        assert asked.stdout is not None
        assert asked.stderr is not None
        asked.stdout.close()
        assert asked.stderr.read() == b""
        assert asked.wait() == 0
