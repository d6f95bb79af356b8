"""Starting, serving and ending, as a service manager sees it."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reverse_proxy import proxy_of
from serving import Server
from signing_in import PASSWORD, READER, READER_TOKEN, bearer, request, write_people

import app
from benchmarks.load import find_ask_event
from qa.server.running import is_loopback, warnings_about
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
        ("a..b", False),
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


def ask_in_page(port: int, questions: list[str]) -> None:
    """Ask as the page does, without waiting for the answers."""
    token = bearer(READER_TOKEN)
    config = json.loads(request(port, "/config", headers=token).text)
    event = find_ask_event(config)
    for question in questions:
        body = event.asking(question, "tests")
        joined = request(
            port,
            "/gradio_api/queue/join",
            method="POST",
            headers={**token, "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        assert joined.status == 200, joined.text


@pytest.fixture(scope="module")
def silent_proxy() -> Iterator[dict[str, str]]:
    """The settings of a proxy that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # its backlog takes them
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        settings = {name: address for each in names for name in (each, each.upper())}
        # Nothing is said to be exempt, nor to be offline.
        unset = ("no_proxy", "NO_PROXY", "HF_HUB_OFFLINE", "GRADIO_ANALYTICS_ENABLED")
        yield {**settings, **dict.fromkeys(unset, "")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def proxied(folder: Path, report_dir: Path, silent_proxy: dict[str, str]) -> Iterator[Server]:
    """A server under the path of a reverse proxy, on a machine with a silent outgoing one."""
    options = ["--data", str(folder), "--behind-proxy", "127.0.0.1", "--root-path", "/kb"]
    running = Server(*options, *write_people(folder), index=report_dir, environment=silent_proxy)
    yield running
    running.stop()


@pytest.mark.browser
def test_the_page_works_under_the_path_of_a_proxy(proxied: Server, chromium: "Browser") -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    with (
        proxy_of(proxied.port, "/kb", forwarded) as port,
        chromium.new_context(locale="en-US") as context,
    ):
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/kb/")
        assert page.url == f"http://127.0.0.1:{port}/kb/login"
        page.get_by_label("Name").fill(READER)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator("#question textarea").fill("呼伦贝尔的“三务合一”是什么？")
        page.keyboard.press("Enter")
        page.locator("#chat blockquote").first.wait_for()
        assert page.url == f"http://127.0.0.1:{port}/kb/"
        page.get_by_role("link", name="Sign out").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/kb/login")


def test_answers_being_given_are_finished_before_a_prompt_end(
    proxied: Server, folder: Path
) -> None:
    stream = http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=60)
    with closing(stream):
        ask_in_page(proxied.port, ["呼伦贝尔的“三务合一”是什么？"] * 6)
        stream.request(
            "GET", "/gradio_api/queue/data?session_hash=tests", headers=bearer(READER_TOKEN)
        )
        response = stream.getresponse()
        first = response.readline()
        assert first.startswith(b"data: ")
        begun = time.monotonic()
        proxied.tell_to_end()
        received = (first + response.read()).decode()
        response.close()
    assert proxied.wait() == 0
    assert time.monotonic() - begun < 60
    happened = [json.loads(line[6:]) for line in received.splitlines() if line.startswith("data: ")]
    finished = [one for one in happened if one["msg"] == "process_completed"]
    assert [one["success"] for one in finished] == [True] * 6
    assert received.count("黨務聯建") >= 6, "each in full"
    assert happened[-1]["msg"] == "close_stream"
    noted = (folder / "logs" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    assert "/gradio_api/queue/data" in {json.loads(line).get("route") for line in noted}
    assert "呼伦贝尔" not in "".join(noted)


def test_an_open_page_is_nothing_to_wait_for(proxied: Server) -> None:
    proxied.start()
    stream = http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=60)
    with closing(stream):
        stream.request("GET", "/gradio_api/heartbeat/tests", headers=bearer(READER_TOKEN))
        response = stream.getresponse()
        assert response.readline()
        begun = time.monotonic()
        proxied.tell_to_end()
        assert proxied.wait() == 0
        assert time.monotonic() - begun < 14, "less than the grace for answers being given"
        response.close()
