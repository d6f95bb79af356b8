"""``python app.py``: its options, and the server it starts."""

import socket
from pathlib import Path

import pytest
from serving import Server

import app


def test_a_port_in_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert app.main(["--port", str(port)]) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_a_folder_without_an_index_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["--index", str(tmp_path / "none"), "--port", "0"]) == 1
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_phrases_are_read_for_unless_told_not_to() -> None:
    told = [app._settings(app._parser().parse_args(one)) for one in ([], ["--no-reader"])]
    assert [one.reads_phrases for one in told] == [True, False]


@pytest.mark.parametrize("port", ["65536", "-1", "http", "٣"])
def test_a_wrong_port_is_bad_use(port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main(["--port", port])
    assert stopped.value.code == 2


def test_the_server_forbids_other_hosts_and_inner_pages(server: Server) -> None:
    status, headers, page = server.get("")
    assert status == 200
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "form-action 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert int(headers["content-length"]) == len(page.encode())
    assert server.get("monitoring/summary")[0] == 403
