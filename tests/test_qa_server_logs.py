"""What the log says, and what it keeps to itself."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from guarded import SECRET, guarded
from signing_in import READER_TOKEN, bearer, exchange, request, write_people

from index import QuestionError, ServerSettingError
from qa.server import logs
from qa.server.logs import attach, note_answer, note_failure
from qa.server.settings import ServerSettings


def lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    assert all(character.isprintable() or character == "\n" for character in text)
    return [json.loads(line) for line in text.split("\n")[:-1]]


def settings_in(folder: Path, **changes: Any) -> ServerSettings:
    return ServerSettings(data_dir=folder, log_file=folder / "log", **changes)


def test_a_request_is_one_line_without_what_was_asked(tmp_path: Path) -> None:
    write_people(tmp_path)
    with guarded(settings_in(tmp_path, token_file=tmp_path / "tokens")) as port:
        agent = "curl/8 \x9b31m\u202e\u2028" + "x" * 200
        headers = {**bearer(READER_TOKEN), "User-Agent": agent.encode().decode("latin-1")}
        reply = request(port, f"/echo?q={'secret'}", headers=headers)
        request(port, "/%0A%7B%22forged%22", headers=bearer(READER_TOKEN))
        request(port, "/fails/secret.pdf", headers=bearer(READER_TOKEN))
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0
    first, second, failure, third = lines(tmp_path / "log")
    assert first["request_id"] == reply.headers["x-request-id"]
    assert {name: first[name] for name in ("kind", "method", "route", "status", "visitor")} == {
        "kind": "request",
        "method": "GET",
        "route": "/echo",
        "status": 200,
        "visitor": "reads",
    }
    assert first["stages"] == {"embed": 1.23}
    assert 0 < first["first_ms"] <= first["ms"] < 5000
    assert len(first["agent"]) == 80
    assert (second["route"], second["status"]) == ('/\n{"forged"', 404)
    assert (failure["kind"], third["route"]) == ("failure", "/fails/{name}")
    assert "secret" not in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_failure_gives_the_reader_a_number_and_the_log_its_place(tmp_path: Path) -> None:
    with guarded(settings_in(tmp_path)) as port:
        problem = request(port, "/fails/x")
        page = request(port, "/fails/x", headers={"Accept": "text/html", "Accept-Language": "zh"})
        broken = exchange(port, b"GET /breaks-off HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert problem.status == page.status == 500
    assert problem.headers["content-type"] == "application/problem+json"
    number = problem.headers["x-request-id"]
    assert json.loads(problem.text)["instance"] == f"urn:yinzheng:{number}"
    assert "请把编号告诉管理员" in page.text
    assert f"<code>{page.headers['x-request-id']}</code>" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert broken.endswith(b"begun\r\n"), "no end is sent: it must not look complete"
    found = [line for line in lines(tmp_path / "log") if line["kind"] == "failure"]
    assert [line["request_id"] for line in found][:2] == [number, page.headers["x-request-id"]]
    assert len(found) == 3
    (error,) = found[0]["errors"]
    assert error["error"] == "ValueError"
    assert error["traceback"][-1].endswith("_fails")
    assert "message" not in error
    log = (tmp_path / "log").read_text(encoding="utf-8")
    for said in (problem.text, page.text, log):
        assert SECRET not in said


@pytest.mark.parametrize("with_questions", [False, True])
def test_questions_are_logged_only_on_demand(tmp_path: Path, *, with_questions: bool) -> None:
    question = "包頭的\n人口？"
    with attach(settings_in(tmp_path, log_questions=with_questions)):
        note_answer(
            "page",
            status="answered",
            ms=12.345,
            request_id="0a1b2c3d",
            visitor="李明",
            stages={"search": 3.14159},
            question=question,
        )
        note_failure(ValueError(question), request_id="0a1b2c3d")
        note_failure(QuestionError("The question is empty."), request_id="1")
    answer, failed, refused = lines(tmp_path / "log")
    assert answer.pop("time").endswith("+00:00")
    assert answer == {
        "level": "info",
        "kind": "answer",
        "request_id": "0a1b2c3d",
        "door": "page",
        "status": "answered",
        "ms": 12.3,
        "visitor": "李明",
        "stages": {"search": 3.14},
        **({"question": question} if with_questions else {}),
    }
    assert ("message" in failed["errors"][0]) == with_questions
    assert refused["errors"][0]["message"] == "The question is empty."


def test_what_the_rest_of_the_program_notes_is_there_and_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with attach(settings_in(tmp_path)):
        logging.getLogger("yinzheng").warning("one\x1b[2J two", extra={"request_id": "7"})
    (line,) = lines(tmp_path / "log")
    assert (line["kind"], line["message"], line["request_id"]) == ("note", "one\x1b[2J two", "7")
    assert capsys.readouterr().err == "yinzheng: one\\u001b[2J two\n"


def test_the_file_turns_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MOST_BYTES", 2000)
    with attach(settings_in(tmp_path)):
        for _ in range(200):
            note_answer("page", status="answered", ms=1)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 10
    assert all(0 < file.stat().st_size <= 2000 for file in files)


def test_without_a_file_failures_still_have_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with attach(ServerSettings(data_dir=tmp_path, keep_log=False)):
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            note_failure(error, request_id="7")
    assert not list(tmp_path.iterdir())
    line = json.loads(capsys.readouterr().err)
    assert (line["request_id"], line["errors"][0]["error"]) == ("7", "ValueError")
    assert SECRET not in str(line)


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = ServerSettings(log_file=tmp_path / "file" / "log")
    with pytest.raises(ServerSettingError, match="--no-log-file"), attach(settings):
        pass
