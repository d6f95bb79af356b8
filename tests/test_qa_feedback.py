"""What readers think is kept exactly, whoever writes at once, and becomes an evaluation."""

import csv
import io
import json
import multiprocessing
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from index import FeedbackError, Index
from qa import ask
from qa.__main__ import main
from qa.feedback import FEEDBACK_FILE, LONGEST_COMMENT, FeedbackStore, Quoted
from qa.server.services import Services
from qa.server.settings import ServerSettings

ODD = '=HYPERLINK("http://evil") \u202e<script>${1}</script>\n第二行 💥 \x00'


def add(store: FeedbackStore, question: str = "館長是誰？", **more: Any) -> int:
    values: dict[str, Any] = {"answer_text": "王小明", "status": "answered", "verdict": "good"}
    return store.add(question=question, **{**values, **more})


@pytest.fixture
def store(tmp_path: Path, two_generations: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "data" / FEEDBACK_FILE, index=two_generations)


def test_nothing_is_made_before_the_first_judgement(store: FeedbackStore) -> None:
    assert store.entries() == []
    assert store.export() == []
    assert store.undo(1) is False
    assert not store.path.parent.exists()


def test_what_is_kept_is_exact_and_survives(store: FeedbackStore) -> None:
    quoted = Quoted("yinzheng:abcdef01#0-3", ODD, "甲.txt")
    id_ = add(
        store,
        ODD,
        searched="烏海的館長是誰？",
        comment=ODD,
        generation="g-1",
        language="zh-Hant",
        quotes=[quoted],
    )
    [entry] = FeedbackStore(store.path).entries()
    assert (entry.id, entry.question, entry.comment) == (id_, ODD, ODD)
    assert (entry.searched, entry.language) == ("烏海的館長是誰？", "zh-Hant")
    assert (entry.verdict, entry.status, entry.generation) == ("good", "answered", "g-1")
    assert entry.quotes == (quoted,)
    age = datetime.now(timezone.utc) - datetime.fromisoformat(entry.time)
    assert timedelta(0) <= age + timedelta(seconds=1) < timedelta(minutes=1)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_judgement_can_be_changed_and_taken_back(store: FeedbackStore) -> None:
    first, second = add(store, "一"), add(store, "二")
    store.change(first, verdict="bad", comment="引文不對")
    store.change(second, comment="好")
    assert [(e.question, e.verdict, e.comment) for e in store.entries()] == [
        ("一", "bad", "引文不對"),
        ("二", "good", "好"),
    ]
    assert store.undo(first) is True
    assert store.undo(first) is False
    assert [e.question for e in store.entries()] == ["二"]
    with pytest.raises(FeedbackError, match="There is no feedback"):
        store.change(first, verdict="good")


def test_the_words_of_a_bare_reference_are_looked_up(
    store: FeedbackStore, two_generations: Path
) -> None:
    answer = ask("網絡", index=two_generations, strictness="lenient")
    hit = answer.hits[0]
    reference = f"yinzheng:{hit.document.content_hash}#{hit.passage.start}-{hit.passage.end}"
    add(store, quotes=[reference, "yinzheng:00000000#1-2", "no reference"])
    [entry] = store.entries()
    assert entry.quotes[0] == Quoted(reference, hit.passage.text, hit.document.path)
    assert entry.quotes[1:] == (Quoted("yinzheng:00000000#1-2"), Quoted("no reference"))


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"verdict": "great"}, "There is no verdict 'great'"),
        ({"comment": "字" * (LONGEST_COMMENT + 1)}, "The comment has 2,001 characters"),
        ({"question": "字" * 1001}, "The question has 1,001 characters"),
        ({"answer_text": "字" * 100_001}, "The answer has 100,001 characters"),
        ({"quotes": ["x"] * 21}, "There are 21 quotes"),
        ({"quotes": [Quoted("r", "字" * 10_000)]}, "A quote has 10,001 characters"),
    ],
)
def test_what_is_too_much_is_refused(store: FeedbackStore, more: dict[str, Any], fact: str) -> None:
    with pytest.raises(FeedbackError, match=fact):
        add(store, **more)
    assert store.entries() == []


def test_a_day_has_room_for_so_many(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite", most_a_day=3)
    ids = [add(store) for _ in range(3)]
    with pytest.raises(FeedbackError, match="3 judgements were kept today"):
        add(store)
    store.change(ids[0], comment="still possible")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE feedback SET time = '2020-01-01T00:00:00+00:00'")
        connection.commit()
    add(store)
    assert len(store.entries()) == 4


def _write(path: Path, writer: int) -> None:
    for number in range(20):
        add(FeedbackStore(path), f"{writer}-{number}")


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "feedback.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, writer)) for writer in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
    assert [one.exitcode for one in writers] == [0, 0, 0]
    asked = [entry.question for entry in FeedbackStore(path).entries()]
    assert sorted(asked) == sorted(f"{w}-{n}" for w in range(3) for n in range(20))
    for writer in range(3):  # each one's own in the order they were given
        own = [question for question in asked if question.startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(20)]
    assert [one.name for one in path.parent.iterdir()] == ["feedback.sqlite"]


@pytest.mark.parametrize("content", [b"no database" * 100, b""])
def test_another_file_is_not_written_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "feedback.sqlite"
    path.write_bytes(content)
    store = FeedbackStore(path)
    if content:
        with pytest.raises(FeedbackError, match=r"cannot be used: .* move it away"):
            add(store)
        assert path.read_bytes() == content
    else:  # as SQLite itself leaves a file it has opened and not written
        add(store)
        assert len(store.entries()) == 1


def test_a_later_version_is_not_touched(store: FeedbackStore) -> None:
    add(store)
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    for use in (store.entries, lambda: add(store)):
        with pytest.raises(FeedbackError, match="it has version 2, and 1 is known here"):
            use()


def test_a_server_has_one_store(tmp_path: Path) -> None:
    services = Services(ServerSettings(data_dir=tmp_path))
    assert services.feedback is services.feedback
    assert services.feedback.path == tmp_path / FEEDBACK_FILE


def test_good_answers_become_an_evaluation(
    report_index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    store = FeedbackStore(data / FEEDBACK_FILE, index=report_index)
    earlier = ["烏海市全程網辦事項量提升了多少？"]
    judged = {
        earlier[0]: "good",
        "那電子證照關聯事項量呢？": "good",
        "包头市取消下放划转了多少事项": "bad",
        "通辽市的人口是多少": "good",
    }
    for question, verdict in judged.items():
        answer = ask(question, index=report_index, earlier=earlier)
        store.add(
            question=question,
            searched=answer.searched,
            answer_text=answer.text,
            status=answer.status,
            verdict=verdict,  # type: ignore[arg-type]
            generation=report_index.generation,
            quotes=[citation.reference for citation in answer.citations],
        )
    assert main(["feedback", "export", "--data", str(data)]) == 0
    exported = tmp_path / "good.json"
    exported.write_text(capsys.readouterr().out, encoding="utf-8")
    questions = json.loads(exported.read_text(encoding="utf-8"))
    assert [one["question"] for one in questions] == [
        earlier[0],
        "烏海市電子證照關聯事項量提升了多少？",
    ]
    assert main(["eval", str(exported), "--index", str(report_index.index_dir)]) == 0
    printed = capsys.readouterr().out
    assert "2 questions, 1 documents, 15 passages" in printed
    assert re.search(r"answer in the first quote +│ 1.000", printed)


def test_the_csv_of_an_export_is_read_by_the_evaluation_too(
    report_index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "烏海市全程網辦事項量提升了多少？"
    answer = ask(question, index=report_index)
    store = FeedbackStore(tmp_path / FEEDBACK_FILE, index=report_index)
    add(store, question, quotes=[citation.reference for citation in answer.citations])
    assert main(["feedback", "export", "--csv", "--data", str(tmp_path)]) == 0
    (tmp_path / "good.csv").write_text(capsys.readouterr().out, encoding="utf-8")
    folder = str(report_index.index_dir)
    assert main(["eval", str(tmp_path / "good.csv"), "--index", folder]) == 0


def test_a_list_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = FeedbackStore(tmp_path / FEEDBACK_FILE)
    quoted = Quoted("yinzheng:abcdef01#0-3", "-5 度", "甲.txt")
    add(store, ODD, comment="＝1+1", searched="甲", verdict="bad", quotes=[quoted])
    assert main(["feedback", "list", "--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "bad   answered  =HYPERLINK" in printed
    assert "\x00" not in printed
    assert "\u202e" not in printed
    assert "    searched: 甲" in printed
    main(["feedback", "list", "--json", "--data", str(tmp_path)])
    [exact] = json.loads(capsys.readouterr().out)
    assert (exact["question"], exact["comment"]) == (ODD, "＝1+1")
    assert exact["quotes"] == [vars(quoted)]
    main(["feedback", "list", "--csv", "--data", str(tmp_path)])
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["question"] == "'" + ODD.replace("\x00", " ")
    assert (row["comment"], row["quotes"]) == ("'＝1+1", "'-5 度")
    assert (row["searched"], row["verdict"]) == ("甲", "bad")


def test_the_command_says_when_there_is_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YINZHENG_DATA", str(tmp_path / "own"))
    assert main(["feedback", "export"]) == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out), "found good yet" in printed.err) == ([], True)
    assert str(tmp_path / "own") in printed.err
    (tmp_path / FEEDBACK_FILE).write_bytes(b"x" * 999)
    assert main(["feedback", "list", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("qa feedback: ")
    with pytest.raises(SystemExit) as exit_:
        main(["feedback"])
    assert exit_.value.code == 2
