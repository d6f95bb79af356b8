"""Starting, serving and ending, as a service manager sees it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import ROOT, Server
from signing_in import READER_TOKEN, bearer, request

import app
from qa.server.running import is_loopback, warnings_about
from qa.server.settings import ServerSettings

USERS = Path("users")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("no.such.host.invalid", False),
    ],
)
def test_which_addresses_are_this_machine_only(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "options",
    [["--host", "::"], ["--host", "192.0.2.1"], ["--behind-proxy", "127.0.0.1"]],
)
def test_other_machines_are_not_let_in_without_a_login(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main([*options, "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert "Other machines can reach this server" in said
    for step in ("--auth", "--token-file", "--insecure", "python -m qa users add"):
        assert step in said


def test_what_is_allowed_but_dangerous_is_said() -> None:
    open_to_all = ServerSettings(host="0.0.0.0", insecure=True)  # noqa: S104
    assert "nobody has to sign in" in warnings_about(open_to_all)[0]
    unencrypted = ServerSettings(host="192.168.1.5", users_file=USERS)
    assert "TLS" in warnings_about(unencrypted)[0]
    assert not warnings_about(ServerSettings())
    proxied = ServerSettings(users_file=USERS, behind_proxy=("127.0.0.1",))
    assert not warnings_about(proxied)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--auth", "/no/such/file"], 1, "/no/such/file cannot be read"),
        (["--token-file", "/no/such/file"], 1, "python -m qa users"),
        (["--data", "/dev/null/x"], 2, "The log cannot be written"),
        (["--data", "/dev/null/x", "--no-log-file", "--auth", "USERS"], 2, "sessions cannot be"),
    ],
)
def test_files_that_cannot_be_used_are_said_at_the_start(
    options: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "users").touch(mode=0o600)
    given = [str(tmp_path / "users") if one == "USERS" else one for one in options]
    assert app.main([*given, "--port", "0"]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--allowed-host", "a/b"],
        ["--allowed-host", "http://kb"],
        ["--behind-proxy", "proxy"],
        ["--root-path", "kb"],
        ["--root-path", "/k b"],
        ["--session-hours", "0"],
        ["--session-hours", "nan"],
        ["--requests-per-second", "-1"],
    ],
)
def test_bad_options_are_bad_use(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main(options)
    assert stopped.value.code == 2
    assert "give" in capsys.readouterr().err


def ask_in_page(port: int, questions: list[str]) -> http.client.HTTPResponse:
    """Ask as the page does, without waiting; return the stream of what happens."""
    token = bearer(READER_TOKEN)
    config = json.loads(request(port, "/config", headers=token).text)
    asks = next(
        one["id"]
        for one in config["dependencies"]
        if any(event == "submit" for _, event in one["targets"])
    )
    for question in questions:
        body = {"data": [question, [], "lenient"], "fn_index": asks, "session_hash": "tests"}
        joined = request(
            port,
            "/gradio_api/queue/join",
            method="POST",
            headers={**token, "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        assert joined.status == 200, joined.text
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/gradio_api/queue/data?session_hash=tests", headers=token)
    return connection.getresponse()


def test_answers_being_given_are_finished_before_the_end(login_server: Server) -> None:
    stream = ask_in_page(login_server.port, ["呼伦贝尔的“三务合一”是什么？"] * 6)
    first = stream.readline()
    assert first.startswith(b"data: ")
    begun = time.monotonic()
    login_server.tell_to_end()
    received = (first + stream.read()).decode()
    assert login_server.wait() == 0
    assert time.monotonic() - begun < 15
    happened = [json.loads(line[6:]) for line in received.splitlines() if line.startswith("data: ")]
    finished = [one for one in happened if one["msg"] == "process_completed"]
    assert [one["success"] for one in finished] == [True] * 6
    assert received.count("黨務聯建") >= 6, "each in full"
    assert happened[-1]["msg"] == "close_stream"
    login_server.start()
    assert request(login_server.port, "/whoami", headers=bearer(READER_TOKEN)).status == 200


def proxied_by(silent: socket.socket) -> dict[str, str]:
    """Return the settings of a proxy that takes connections and never answers."""
    address = f"http://127.0.0.1:{silent.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {name: address for each in names for name in (each, each.upper())}


def test_a_silent_proxy_in_the_environment_changes_nothing(
    report_dir: Path, tmp_path: Path
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # its backlog takes them, nobody reads
    environment = {
        **{name: value for name, value in os.environ.items() if name.lower() != "no_proxy"},
        **proxied_by(silent),
        "YINZHENG_INDEX": str(report_dir),
        "YINZHENG_DATA": str(tmp_path),
    }
    for name in ("HF_HUB_OFFLINE", "GRADIO_ANALYTICS_ENABLED"):
        environment.pop(name, None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == f"Yinzheng: http://127.0.0.1:{port}\n".encode()
            page = request(port, "/", headers={"Accept": "text/html"})
            assert page.status == 200
            begun = time.monotonic()
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=10) == 0
            assert time.monotonic() - begun < 5
        finally:
            silent.close()
            running.kill()
    assert (tmp_path / "logs" / "requests.jsonl").read_text(encoding="utf-8").count("\n") == 1
