"""REST over real HTTP: the library's answers, and a problem for everything else."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from api_serving import ApiServer
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from index import Index, build_index, open_index, update_documents
from qa import ask, resolve, retrieve
from qa.server import models
from qa.server.api import build_api
from qa.server.problems import UnexpectedErrors
from qa.server.rest import file_name
from qa.server.services import Services
from qa.server.settings import ServerSettings
from qa.wire import answer_as_json, hit_as_json

QUESTION = "烏海市全程網辦事項量提升了多少"
QUESTIONS = [
    QUESTION,
    "三端五防线",
    "What did Ordos do?",
    "今天天氣怎麼樣",
    "你好",
    "乌海和鄂尔多斯",
]


def as_sent(value: object) -> object:
    return json.loads(json.dumps(value))


def check_model(model: type[BaseModel], value: object) -> None:
    """The OpenAPI document describes exactly what is sent: no field more, none less."""
    dumped = model.model_validate(value).model_dump(mode="json")
    assert dumped == value


def check_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, object] = response.json()
    models.Problem.model_validate(problem)
    assert problem["status"] == status
    assert re.fullmatch("urn:yinzheng:[0-9a-f]{8}", str(problem["instance"]))
    assert "Traceback" not in response.text
    return problem


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_is_that_of_the_library(
    api: ApiServer, report_index: Index, question: str
) -> None:
    body = {"question": question, "strictness": "lenient", "top_k": 3, "earlier": ["三端五防线"]}
    response = api.post("/api/v1/ask", body)
    assert response.status_code == 200
    expected = ask(
        question, index=report_index, strictness="lenient", top_k=3, earlier=["三端五防线"]
    )
    assert response.json() == as_sent(answer_as_json(expected))
    check_model(models.Answer, response.json())
    assert response.headers["yinzheng-generation"] == report_index.generation


def test_hits_are_those_of_the_library(api: ApiServer, report_index: Index) -> None:
    response = api.post("/api/v1/retrieve", {"question": QUESTION, "top_k": 4})
    expected = [hit_as_json(one) for one in retrieve(QUESTION, index=report_index, top_k=4)]
    assert response.json() == {"question": QUESTION, "hits": as_sent(expected)}
    check_model(models.Hits, response.json())


def test_every_reference_leads_to_its_words(api: ApiServer) -> None:
    answer = api.post("/api/v1/ask", {"question": QUESTION, "top_k": 8}).json()
    told = [(one["reference"], one["quote"]) for one in answer["citations"]]
    told += [(one["reference"], one["text"]) for one in answer["hits"]]
    assert len(told) == 9
    for reference, words in told:
        found = api.get(f"/api/v1/passages/{quote(reference, safe='')}?context=7").json()
        check_model(models.ResolvedPassage, found)
        assert (found["status"], found["quote"]) == ("current", words)
        document = api.get(f"/api/v1/documents/{found['document']}?text=true").json()
        check_model(models.Document, document)
        text, start, end = document["text"], found["start"], found["end"]
        assert text[start:end] == words
        assert found["context"] == {
            "before": text[max(0, start - 7) : start],
            "after": text[end : end + 7],
        }
        assert document["characters"] == len(text)


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[ApiServer]:
    """Five documents of which one has changed since, served to an administrator."""
    folder = tmp_path_factory.mktemp("changing")
    docs = folder / "docs" / "<b>資料"
    docs.mkdir(parents=True)
    for number in range(5):
        text = f"第{number}份文件講水利工程。\n\n它還講了第{number}項網絡工程。"
        (docs / f"{number}.txt").write_text(text, encoding="utf-8")
    build_index(folder / "docs", index_dir=folder / "index", model=str(tiny))
    (docs / "0.txt").write_text("新的開頭。\n\n第0份文件講水利工程。", encoding="utf-8")
    update_documents(index_dir=folder / "index")
    settings = ServerSettings(index=str(folder / "index"), allow_upload=True)
    with ApiServer(settings) as running:
        yield running


def test_documents_come_page_by_page(changing: ApiServer) -> None:
    whole = changing.get("/api/v1/documents").json()
    check_model(models.Documents, whole)
    assert (whole["total"], whole["offset"], whole["limit"]) == (5, 0, 100)
    pages = [
        changing.get(f"/api/v1/documents?offset={at}&limit=2").json()["documents"]
        for at in (0, 2, 4, 6)
    ]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [one for page in pages for one in page] == whole["documents"]
    assert [one["name"] for one in whole["documents"]] == [f"{n}.txt" for n in range(5)]


def test_a_reference_to_what_has_changed_says_so(changing: ApiServer) -> None:
    folder = str(changing.services.settings.index)
    with open_index(folder) as index:
        first = min(index.documents(), key=lambda one: one.path)
        versions = index.versions_of_content("")
        old = next(v for v in versions if v.document_id == first.id)
    assert old.content_hash != first.content_hash
    statuses = []
    for place in ("0-11", "13-25"):
        reference = f"yinzheng:{old.content_hash}#{place}"
        found = changing.get(f"/api/v1/passages/{quote(reference, safe='')}").json()
        check_model(models.ResolvedPassage, found)
        expected = resolve(reference, index=folder)
        assert (found["status"], found["quote"]) == (expected.status, expected.quote)
        assert (found["start"], found["end"]) == (expected.start, expected.end)
        assert found["version"]["generation"] == old.generation
        statuses.append(found["status"])
    assert statuses == ["moved", "changed"]


def test_only_an_administrator_sees_where_files_lie(api: ApiServer, changing: ApiServer) -> None:
    for server, may_see in ((api, False), (changing, True)):
        folder = str(server.services.settings.index)
        with open_index(folder) as index:
            (info, *_) = index.documents()
        place = quote(f"yinzheng:{info.content_hash}#0-4", safe="")
        told = [
            server.get("/api/v1/documents").json()["documents"][0],
            server.get(f"/api/v1/documents/{info.id}").json(),
            server.get(f"/api/v1/passages/{place}").json(),
        ]
        told.append(told[-1]["version"])
        assert [one["path"] for one in told] == [info.path if may_see else None] * 4
        assert [one["name"] for one in told[:3]] == [Path(info.path).name] * 3
        assert (str(Path(info.path).parent) in json.dumps(told, ensure_ascii=False)) is may_see


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/docs/甲.pdf", "甲.pdf"),
        (r"C:\docs\甲.pdf", "甲.pdf"),
        ("/srv/a.zip!/inner/b.docx", "b.docx"),
        ("-", "-"),
    ],
)
def test_a_file_name_is_not_a_path(path: str, name: str) -> None:
    assert file_name(path) == name


def raw(text: str) -> bytes:
    return text.encode("ascii")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (raw(r'{"question": "\ud800"}'), 400),
        (raw(r'{"question": "q", "earlier": [["\uDFFF"]]}'), 400),
        (raw(r'{"question": "\u0000"}'), 422),
        (raw(r'{"question": "\u200b \u3000"}'), 422),
        (raw(r'{"question": "q", "\ud800": 1}'), 400),
        (raw(r'{"question": "q", "earlier": ["\udfff"]}'), 400),
        (b'{"question": NaN}', 400),
        (b'{"question": "q", "top_k": Infinity}', 400),
        (b'{"question": "q", "top_k": 1e999}', 422),
        (b'{"question": "q", "top_k": 1' + b"0" * 5000 + b"}", 400),
        (b'{"question": "q", "top_k": true}', 422),
        (b'{"question": "q", "top_k": "5"}', 422),
        (b'{"question": "q", "top_k": 0}', 422),
        (b'{"question": "q", "topk": 5}', 422),
        (b'{"question": "q", "earlier": null}', 422),
        (b'{"question": "q", "strictness": "sure"}', 422),
        (b'{"question": ["q"]}', 422),
        (b"{}", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"q"', 422),
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        ("{'question': '問'}".encode(), 400),
        (b"[" * 60_000, 400),
        (b'{"question": ' * 5_000, 400),
        (b'{"question": "' + b"q" * 1001 + b'"}', 422),
        (b'{"question": "' + b"q" * 70_000 + b'"}', 413),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_question_is_a_problem(api: ApiServer, body: bytes, status: int) -> None:
    problem = check_problem(api.post("/api/v1/ask", body), status)
    assert isinstance(problem["detail"], str)
    assert problem["detail"].endswith(".")


def test_a_character_escaped_in_two_halves_is_one(api: ApiServer) -> None:
    response = api.post("/api/v1/ask", raw(r'{"question": "\ud842\udfb7\uFF1F"}'))
    assert response.json()["question"] == "𠮷？"


def test_whole_numbers_are_whole_however_they_are_written(api: ApiServer) -> None:
    response = api.post("/api/v1/retrieve", b'{"question": "q", "top_k": 2.0}')
    assert len(response.json()["hits"]) == 2


def test_what_is_wrong_is_pointed_at(api: ApiServer) -> None:
    problem = check_problem(
        api.post("/api/v1/ask", {"question": "q", "top_k": "five", "a/b~c": 1}), 422
    )
    assert problem["errors"] == [
        {"detail": "Input should be a valid integer", "pointer": "#/top_k"},
        {"detail": "Extra inputs are not permitted", "pointer": "#/a~1b~0c"},
    ]
    problem = check_problem(api.get("/api/v1/documents?limit=no"), 422)
    (error,) = models.Problem.model_validate(problem).errors or []
    assert error.parameter == "limit"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_page_cannot_ask(api: ApiServer, kind: str) -> None:
    response = api.post("/api/v1/ask", b'{"question": "q"}', **{"Content-Type": kind})
    check_problem(response, 415)


def test_a_body_without_a_length_is_read_no_further_than_it_may_be_long(api: ApiServer) -> None:
    address = urlsplit(api.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=20) as sent:
        sent.sendall(
            b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        for _ in range(5):  # 80 KB, and no end
            sent.sendall(chunk)
        answer = sent.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/api/v1/ask", 405, "POST"),
        ("PUT", "/api/v1/documents/abc", 405, "GET, DELETE"),
        ("PUT", "/healthz", 405, "GET, HEAD"),
        ("OPTIONS", "/v1/models", 405, "GET"),
        ("GET", "/api/v1/nothing", 404, None),
        ("POST", "/api/v1/ask/", 404, None),
        ("GET", "/api/", 404, None),
        ("GET", "/elsewhere", 404, None),
        ("GET", "/api/v1/documents/none", 404, None),
        ("GET", "/api/docs/../../secret", 404, None),
        ("GET", "/api/docs/redoc.standalone.js", 422, None),
    ],
)
def test_what_is_not_there_is_a_problem(
    api: ApiServer, method: str, path: str, status: int, allowed: str | None
) -> None:
    response = api.send(method, path)
    assert response.headers.get("allow") == allowed
    if path.startswith("/v1/"):
        assert response.status_code == status
        models.OpenAIProblem.model_validate(response.json())
    else:
        check_problem(response, status)


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("yinzheng:00000000#1-2", 404),
        ("yinzheng:00000000#2-1", 404),
        ("yinzheng:0000#1-2", 422),
        ("yinzheng:00000000#1-2\n", 422),
        ("../../etc/passwd", 404),
        ("..%2f", 422),
        ("\x00", 422),
        ("<script>", 422),
    ],
)
def test_a_reference_to_nothing_is_a_problem(api: ApiServer, reference: str, status: int) -> None:
    check_problem(api.get(f"/api/v1/passages/{quote(reference, safe='/')}"), status)


def test_a_rebuild_shows_in_the_list(tmp_path: Path, tiny: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    with ApiServer(ServerSettings(index=str(tmp_path / "index"))) as server:
        seen = []
        for number in range(2):
            (docs / f"{number}.txt").write_text(f"第{number}份文件。", encoding="utf-8")
            build_index(docs, index_dir=tmp_path / "index", model=str(tiny))
            response = server.get("/api/v1/documents")
            names = [one["name"] for one in response.json()["documents"]]
            seen.append((names, response.headers["yinzheng-generation"][:6]))
        assert seen == [(["0.txt"], "000001"), (["0.txt", "1.txt"], "000002")]


def test_whoever_logs_a_request_learns_its_stages(report_dir: Path) -> None:
    logged: list[dict[str, Any]] = []
    api = build_api(Services(ServerSettings(index=str(report_dir))))

    async def logging(scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["request_id"] = "0123abcd"
        await api(scope, receive, send)
        logged.append(state)

    client = TestClient(logging)
    assert client.post("/api/v1/ask", json={"question": QUESTION}).status_code == 200
    refused = client.post("/api/v1/ask", json={"question": " "})
    assert refused.json()["instance"] == "urn:yinzheng:0123abcd"
    assert client.get("/healthz").status_code == 200
    assert logged[0]["facts"].items() >= {"door": "rest", "outcome": "answered"}.items()
    assert {"wait", "embed", "candidates", "rerank"} <= set(logged[0]["stages"])
    assert logged[0]["stages"]["embed"] > 0.1  # milliseconds
    assert logged[1]["facts"]["outcome"] == "refused"
    assert "stages" not in logged[2]


def test_health(api: ApiServer, report_index: Index) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    ready = api.get("/readyz").json()
    check_model(models.Ready, ready)
    assert ready["generation"] == report_index.generation
    assert ready["passages"] == len(report_index)
    for path in ("/healthz", "/readyz"):
        alone = api.send("HEAD", path)
        assert (alone.status_code, alone.content) == (200, b"")


def test_without_an_index_it_is_alive_but_not_ready_and_tells_no_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ApiServer(ServerSettings(index=str(tmp_path / "nothing"))) as server:
        assert server.get("/healthz").status_code == 200
        for response in (
            server.get("/readyz"),
            server.post("/api/v1/ask", {"question": "q"}),
            server.get("/api/v1/documents"),
        ):
            problem = check_problem(response, 503)
            assert problem["type"] == "urn:yinzheng:problem:index"
            assert str(tmp_path) not in response.text
            # The log says more under the number that the visitor was given.
            number = str(problem["instance"]).removeprefix("urn:yinzheng:")
            told = [one.getMessage() for one in caplog.records if number in one.getMessage()]
            assert len(told) == 1
            assert str(tmp_path / "nothing") in told[0]
        assert "yinzheng_index_up 0.0" in server.get("/metrics").text


def test_an_unexpected_failure_is_a_problem_with_a_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FastAPI()
    server.add_middleware(UnexpectedErrors)

    @server.get("/api/broken")
    def broken() -> None:
        raise RuntimeError("secret at /srv/inside")

    problem = check_inside(TestClient(server).get("/api/broken"))
    number = problem["instance"].removeprefix("urn:yinzheng:")
    assert any(number in one.getMessage() and one.exc_info for one in caplog.records)


def check_inside(response: Any) -> dict[str, str]:
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert "RuntimeError" not in response.text
    problem: dict[str, str] = response.json()
    return problem


def test_a_busy_server_answers_what_needs_no_turn(report_dir: Path) -> None:
    settings = ServerSettings(index=str(report_dir), max_running=1, max_waiting=45)
    with ApiServer(settings) as server:
        statuses: list[int] = []

        def put_question() -> None:
            statuses.append(server.post("/api/v1/ask", {"question": QUESTION}).status_code)

        # More wait than the framework has threads of its own: 40.
        threads = [threading.Thread(target=put_question) for _ in range(45)]
        with server.services.answering._gate.passing():
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 20
            while server.services.answering.waiting < 45:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            began = time.perf_counter()
            assert server.get("/healthz").status_code == 200
            assert server.get("/api/v1/documents").status_code == 200
            assert "yinzheng_questions_waiting 45.0" in server.get("/metrics").text
            refused = server.post("/api/v1/ask", {"question": QUESTION})
            assert time.perf_counter() - began < 5
            problem = check_problem(refused, 503)
            assert problem["type"] == "urn:yinzheng:problem:busy"
            assert refused.headers["retry-after"] == "2"
        for thread in threads:
            thread.join(60)
        assert statuses == [200] * 45


def test_requests_are_counted_by_their_route(api: ApiServer) -> None:
    def count(**labels: str) -> float:
        return api.figure("yinzheng_request_seconds_count", **labels)

    found = {"method": "GET", "route": "/api/v1/documents/{id}", "status": "404"}
    lost = {"method": "GET", "route": "/api/{elsewhere}", "status": "404"}
    before = count(**found), count(**lost)
    for number in range(3):
        api.get(f"/api/v1/documents/no{number}")
        api.get(f"/api/v1/no{number}")
    expected = (before[0] + 3, before[1] + 3)
    deadline = time.monotonic() + 10  # a request is counted when its answer is out
    while (count(**found), count(**lost)) != expected:
        assert time.monotonic() < deadline
    assert "no1" not in api.get("/metrics").text
