"""The security headers stand on every answer of every route."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT, Server
from signing_in import ADMINISTRATOR_TOKEN, Reply, bearer, request

from qa.server.headers import ALWAYS

NAMES = {name.decode() for name, _ in ALWAYS}


@pytest.fixture(scope="module")
def paths(report_dir: Path) -> list[str]:
    """Every route of the real application, its places filled in."""
    # In a process of its own: Gradio leaves an event loop behind.
    command = [sys.executable, "tests/list_routes.py", str(report_dir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    listed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=True
    )
    found = {re.sub(r"\{[^}]*\}", "x", path) for path in json.loads(listed.stdout)}
    assert {"/healthz", "/config", "/gradio_api/queue/join", "/gradio_api/upload"} <= found
    assert len(found) > 60
    return sorted(found)


def check(reply: Reply, path: str) -> None:
    assert reply.status, path
    missing = NAMES - set(reply.headers)
    assert not missing, f"{path} ({reply.status}) lacks {missing}"
    assert re.match(r"[0-9a-f]{8}$", reply.headers["x-request-id"]), path
    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert reply.headers["x-frame-options"] == "DENY"
    is_file = path.startswith(("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico"))
    assert is_file or "/pwa_icon" in path or "cache-control" in reply.headers, path


def test_every_route_has_them_for_whom_it_lets_in(login_server: Server, paths: list[str]) -> None:
    known = bearer(ADMINISTRATOR_TOKEN)
    statuses = set()
    for path in paths:
        for method in ("GET", "POST"):
            # Some streams never end: the headers are enough.
            reply = request(
                login_server.port, path, method=method, headers=known, body=b"", read=False
            )
            check(reply, path)
            statuses.add(reply.status)
    assert {200, 404, 405, 422} <= statuses


def test_every_route_is_closed_to_whom_nobody_knows(login_server: Server, paths: list[str]) -> None:
    for path in paths:
        if path == "/healthz":
            continue
        reply = request(login_server.port, path)
        check(reply, path)
        assert reply.status == (200 if path == "/login" else 401), path
        posted = request(login_server.port, path, method="POST", body=b"{}")
        assert posted.status == 401, path
        page = request(login_server.port, path, headers={"Accept": "text/html"})
        check(page, path)
        assert page.status == (200 if path == "/login" else 303), path
        assert page.headers["location" if page.status == 303 else "content-type"]


def test_pages_of_our_own_run_no_script_at_all(login_server: Server) -> None:
    html = {"Accept": "text/html"}
    for page in (
        request(login_server.port, "/login", headers=html),
        request(login_server.port, "/login", headers={**html, "Host": "evil.example"}),
    ):
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert page.headers["cache-control"] == "no-store"
