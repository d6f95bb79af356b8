"""The command line of the MCP server: what it refuses, and what it says then."""

import re
import socket
import sys
from pathlib import Path

import pytest
from mcp_processes import ROOT

from index import SettingError
from qa.__main__ import main
from qa.mcp.command import _parser
from qa.mcp.http import check
from qa.server.settings import ServerSettings

EVERYWHERE = ["0.0.0.0", "::"]  # noqa: S104  (refused)


def test_without_its_package_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT)])  # no installed package is on it
    assert main(["mcp"]) == 1
    said = capsys.readouterr()
    assert said.err == (
        "qa mcp: The MCP server needs the package mcp, which is not installed. "
        "Install it: pip install 'yinzheng[mcp]'\n"
    )
    assert said.out == ""
    (tmp_path / "mcp-1.30.0.dist-info").mkdir()
    old = "Metadata-Version: 2.1\nName: mcp\nVersion: 1.30.0\n"
    (tmp_path / "mcp-1.30.0.dist-info" / "METADATA").write_text(old, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert main(["mcp"]) == 1
    assert "needs the package mcp 2 or newer, not 1.30.0. Install it:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--index", "/no/such/folder"], 1, "qa mcp: There is no index in /no/such/folder"),
        (["--port", "80"], 2, "--port needs --transport http"),
        (["--transport", "http", "--port", "x"], 2, "'x' is not a port"),
        (["--transport", "http", "--host", EVERYWHERE[0]], 2, "Give --token-file FILE, or --insec"),
    ],
)
def test_bad_use_is_said_on_standard_error(
    arguments: list[str], status: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = main(["mcp", *arguments])
    except SystemExit as exited:  # as argparse ends
        ended = int(exited.code or 0)
    said = capfd.readouterr()
    assert ended == status
    assert message in said.err
    assert said.out == ""


def test_a_port_that_is_taken(report_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = main(["mcp", "--transport", "http", "--index", str(report_dir), "--port", port])
    assert ended == 2
    assert f"qa mcp: Port {port} on 127.0.0.1 is in use." in capfd.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    check(ServerSettings(host=host))


@pytest.mark.parametrize("host", [*EVERYWHERE, "192.168.1.2", "kb.example.org", "::2"])
def test_other_machines_do(host: str) -> None:
    with pytest.raises(SettingError, match="can be reached from other machines"):
        check(ServerSettings(host=host, allowed_hosts=("kb.example.org",)))
    check(ServerSettings(host=host, allowed_hosts=("kb.example.org",), token_file=Path("tokens")))
    check(ServerSettings(host=host, allowed_hosts=("kb.example.org",), insecure=True))


@pytest.mark.parametrize("host", EVERYWHERE)
def test_every_address_needs_a_name_to_be_called_by(host: str) -> None:
    with pytest.raises(SettingError, match="--allowed-host NAME"):
        check(ServerSettings(host=host, token_file=Path("tokens")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a-token-in-plain-text-0123456789\n", "line 1: not name:role:hash"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_hashed_tokens_is_refused_and_not_shown(
    content: str | None, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tokens"
    if content:
        file.write_text(content, encoding="utf-8")
    assert main(["mcp", "--transport", "http", "--port", "0", "--token-file", str(file)]) == 1
    said = capfd.readouterr()
    assert message in said.err
    assert "plain-text" not in said.err
    assert said.out == ""


def test_every_option_is_documented() -> None:
    told = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    for option in set(re.findall(r"--[a-z-]+", _parser().format_help())) - {"--help"}:
        assert option in told, option
