"""The doors through which documents come and go, as a program sees them."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from index import build_index, list_documents, list_generations
from qa.server.api import build_api
from qa.server.services import Services
from qa.server.settings import ServerSettings

DOORS = [
    ("POST", "documents"),
    ("POST", "update"),
    ("POST", "rebuild"),
    ("POST", "remove"),
    ("DELETE", "documents/abc"),
    ("POST", "rollback"),
    ("DELETE", "changes/current"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("library")
    (folder / "甲.txt").write_text("甲文件講網絡。\n\n乙文件講水利。", encoding="utf-8")
    (folder / "乙.md").write_text("# 水利<b>\n\n乙文件講水利。", encoding="utf-8")
    build_index(folder, index_dir=folder / "index", model=str(tiny))
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "index", tmp_path / "index")
    return tmp_path


def client_of(folder: Path, **settings: Any) -> TestClient:
    services = Services(ServerSettings(str(folder / "index"), folder / "data", **settings))
    return TestClient(build_api(services))


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with client_of(folder, allow_upload=True, max_upload_bytes=1000, max_upload_files=2) as one:
        yield one


def upload(client: TestClient, *files: tuple[str, bytes], **headers: str) -> Any:
    sent = [("files", (name, content, "application/octet-stream")) for name, content in files]
    return client.post("/api/v1/documents", files=sent, headers=headers)


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status
    assert told["title"]
    assert re.fullmatch("urn:yinzheng:[0-9a-f]{8}", told["instance"])
    return str(told["detail"])


def ended(client: TestClient) -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        change: dict[str, Any] = client.get("/api/v1/changes/current").json()["change"]
        if change["state"] != "running":
            return change
        time.sleep(0.1)
    raise AssertionError("it took longer than three minutes")


def test_the_list_says_what_is_to_be_looked_after(client: TestClient, built: Path) -> None:
    told = client.get("/api/v1/library").json()
    assert (told["total"], told["matching"], told["may_change"]) == (2, 2, True)
    assert told["limits"]["files"] == 2
    by_name = {one["name"]: one for one in told["documents"]}
    assert list(by_name) == ["乙.md", "甲.txt"]
    first = by_name["甲.txt"]
    assert (first["kind"], first["paragraphs"], first["duplicates"]) == ("txt", 2, 1)
    assert (first["missing"], first["uploaded"]) == (False, False)
    assert first["path"] == str(built / "甲.txt")
    assert first["indexed"].startswith("20")
    assert by_name["乙.md"]["title"] == "水利<b>"


def test_the_list_is_searched_in_both_scripts_and_cut(client: TestClient) -> None:
    found = client.get("/api/v1/library", params={"search": "水利 md"}).json()
    assert [one["name"] for one in found["documents"]] == ["乙.md"]
    assert (found["total"], found["matching"]) == (2, 1)
    part = client.get("/api/v1/library", params={"offset": 1, "limit": 1}).json()
    assert [one["name"] for one in part["documents"]] == ["甲.txt"]
    assert client.get("/api/v1/library", params={"limit": 0}).status_code == 422


@pytest.mark.parametrize(("method", "door"), DOORS)
def test_a_reader_may_change_nothing(folder: Path, method: str, door: str) -> None:
    with client_of(folder) as client:
        detail = problem(client.request(method, f"/api/v1/{door}"), 403)
        assert "--allow-upload" in detail
        assert client.get("/api/v1/changes/current").json() == {"change": None}
        assert not (folder / "data").exists()


def test_a_reader_sees_no_path_and_no_generation(folder: Path) -> None:
    with client_of(folder) as client:
        told = client.get("/api/v1/library").json()
        assert not told["may_change"]
        assert told["limits"] is None
        assert {one["path"] for one in told["documents"]} == {None}
        assert str(folder) not in client.get("/api/v1/library").text
        problem(client.get("/api/v1/generations"), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_page_of_another_site_cannot_use_a_visitor_s_browser(
    client: TestClient, headers: dict[str, str]
) -> None:
    response = upload(client, ("a.txt", "甲。".encode()), **headers)
    assert "another site" in problem(response, 403)


def test_what_is_refused_is_said(client: TestClient, folder: Path) -> None:
    assert "larger than" in problem(upload(client, ("a.txt", b"a" * 1001)), 413)
    three = [(f"{n}.txt", b"abc") for n in range(3)]
    assert "At most 2 files" in problem(upload(client, *three), 413)
    assert "program" in problem(upload(client, ("a.txt", b"\x7fELF" + bytes(99))), 415)
    assert "No file" in problem(client.post("/api/v1/documents"), 422)
    same = [("a.txt", b"abc"), ("../a.txt", b"abc")]
    assert "same" not in problem(upload(client, same[0], ("b.exe", b"MZ\x00\x01" * 99)), 415)
    long_body = problem(upload(client, ("a.txt", bytes(2 << 20))), 413)
    assert "too large" in long_body
    broken = client.post(
        "/api/v1/documents", content=b"no form", headers={"content-type": "multipart/form-data"}
    )
    problem(broken, 422)
    problem(client.delete("/api/v1/documents/unknown"), 404)
    problem(client.post("/api/v1/remove", json={"documents": []}), 404)
    problem(client.post("/api/v1/rollback", json={"generation": "../x"}), 404)
    assert [path for path in (folder / "data").rglob("*") if path.is_file()] == []


def test_documents_are_uploaded_removed_and_brought_back(client: TestClient, folder: Path) -> None:
    before = client.get("/api/v1/generations").json()
    assert [one["in_use"] for one in before] == [True]
    hostile = "../../<img src=x onerror=1>\u202etxt.md"
    started = upload(client, (hostile, "# 丙\n\n丙文件講水利。".encode()))
    assert started.status_code == 202, started.text
    assert started.json()["state"] == "running"
    assert "add" in problem(client.post("/api/v1/rebuild"), 409)
    assert "add" in problem(upload(client, ("d.txt", b"abc")), 409)
    change = ended(client)
    assert (change["id"], change["state"]) == (started.json()["id"], "done")
    assert change["files"] == {"done": 1, "total": 1}
    assert change["report"]["totals"]["files"] == {"new": 1}
    (new,) = (one for one in client.get("/api/v1/library").json()["documents"] if one["uploaded"])
    assert new["name"].startswith("_img src=x onerror=1_txt~")
    assert Path(new["path"]).is_file()
    assert Path(new["path"]).is_relative_to(folder / "data" / "documents")

    assert client.delete(f"/api/v1/documents/{new['id']}").status_code == 202
    assert ended(client)["state"] == "done"
    assert client.get("/api/v1/library").json()["total"] == 2
    assert not Path(new["path"]).exists()

    assert client.post("/api/v1/rollback").status_code == 202
    assert ended(client)["generation"] == change["generation"]
    told = client.get("/api/v1/library").json()
    assert [one["missing"] for one in told["documents"] if one["uploaded"]] == [True]
    assert len(list_documents(folder / "index")) == 3


def test_stopping_the_server_cancels_a_change(folder: Path) -> None:
    with client_of(folder, allow_upload=True) as client:
        assert upload(client, ("a.txt", "甲。".encode())).status_code == 202
        services: Services = client.app.state.services
    change = services.changes.current()
    assert change is not None
    assert change.state == "cancelled"
    assert len(list_generations(folder / "index")) == 1
