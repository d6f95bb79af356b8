"""The files of users and tokens, and the command that keeps them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from index import UsersFileError
from qa.server import passwords
from qa.server.credentials import CredentialsFile, a_name, others_may_read, read_credentials
from qa.server.passwords import hash_of, is_right
from qa.server.users_command import main

ROOT = Path(__file__).parent.parent


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    return main(arguments)


def test_users_are_added_listed_changed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "new" / "users")
    password = "山高月小 水落石出"
    assert run(monkeypatch, "add", file, "李明", "--administrator", typed=f"{password}\n") == 0
    assert run(monkeypatch, "add", file, "bob", typed="eight888") == 0
    written = Path(file).read_text(encoding="utf-8")
    assert password not in written
    assert "eight888" not in written
    assert "\n李明:administrator:$argon2id$v=19$m=65536,t=3,p=4$" in written
    assert Path(file).stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert run(monkeypatch, "list", file) == 0
    assert capsys.readouterr().out == "李明\tadministrator\nbob\treader\n"
    old = read_credentials(Path(file), "users")
    assert is_right(password, old["李明"].secret)
    assert run(monkeypatch, "passwd", file, "李明", typed="another one\n") == 0
    new = read_credentials(Path(file), "users")
    assert not is_right(password, new["李明"].secret)
    assert is_right("another one", new["李明"].secret)
    assert new["李明"].role == "administrator"
    assert new["李明"].fingerprint != old["李明"].fingerprint
    assert run(monkeypatch, "remove", file, "bob") == 0
    assert list(read_credentials(Path(file), "users")) == ["李明"]


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["add", "FILE", "a"], "short", "at least 8 characters"),
        (["add", "FILE", "a"], "x" * 1025, "at most 1,024 bytes"),
        (["add", "FILE", "a:b"], "long enough", "no colon"),
        (["add", "FILE", "#a"], "long enough", "does not begin with #"),
        (["add", "FILE", "a\u202eb"], "long enough", "printable"),
        (["add", "FILE", "bob"], "long enough", "is there already"),
        (["passwd", "FILE", "nobody"], "long enough", "nobody is not in"),
        (["remove", "FILE", "nobody"], "", "nobody is not in"),
        (["list", "NONE"], "", "cannot be read"),
    ],
)
def test_bad_use_is_said_and_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    arguments: list[str],
    typed: str,
    said: str,
) -> None:
    file = tmp_path / "users"
    run(monkeypatch, "add", str(file), "bob", typed="long enough")
    before = file.read_bytes()
    places = {"FILE": str(file), "NONE": str(tmp_path / "none")}
    assert run(monkeypatch, *[places.get(one, one) for one in arguments], typed=typed) == 1
    assert said in capsys.readouterr().err
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["users"]


def test_a_token_is_printed_once_and_only_its_hash_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tokens"
    assert run(monkeypatch, "token", str(file), "ci") == 0
    token = capsys.readouterr().out.strip()
    assert run(monkeypatch, "token", str(file), "desk", "--administrator") == 0
    other = capsys.readouterr().out.strip()
    assert token.startswith("yz_")
    assert len(token) == 46
    assert token not in file.read_text(encoding="utf-8")
    tokens = CredentialsFile(file, "tokens")
    found = tokens.holder(token)
    assert found is not None
    assert (found.name, found.role) == ("ci", "reader")
    assert getattr(tokens.holder(other), "role", None) == "administrator"
    for wrong in ("", "yz_", token[:-1], token.upper()):
        assert tokens.holder(wrong) is None
    assert run(monkeypatch, "token", str(file), "ci") == 1
    assert run(monkeypatch, "remove", str(file), "ci") == 0
    assert tokens.holder(token) is None, "at once, in the running server"


@pytest.mark.parametrize(
    "line",
    [
        "bob",
        "bob:reader",
        "bob:king:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        "bob:reader:my plain password",
        "bob:reader:$2b$12$abcdefghijklmnopqrstuvwxyz",
        ":reader:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    ],
)
def test_a_line_that_is_not_understood_is_named_but_not_shown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "users"
    file.write_text(f"# comment\n\n{line}\n", encoding="utf-8")
    with pytest.raises(UsersFileError, match="line 3") as raised:
        read_credentials(file, "users")
    assert "plain" not in str(raised.value)


def test_a_name_twice_is_refused_and_a_changed_file_read_again(tmp_path: Path) -> None:
    file, stored = tmp_path / "users", hash_of("long enough")
    file.write_text(f"a:reader:{stored}\n", encoding="utf-8")
    users = CredentialsFile(file, "users")
    assert set(users.people()) == {"a"}
    file.write_text(f"a:reader:{stored}\na:administrator:{stored}\n", encoding="utf-8")
    with pytest.raises(UsersFileError, match="second time"):
        users.people()
    with pytest.raises(UsersFileError, match="second time"):
        users.people()  # nobody comes in on the old list meanwhile
    file.unlink()
    with pytest.raises(UsersFileError, match="cannot be read"):
        users.people()
    file.write_text(f"b:reader:{stored}\n", encoding="utf-8")
    assert set(users.people()) == {"b"}


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps permissions elsewhere")
def test_a_file_that_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "users"
    file.write_text("", encoding="utf-8")
    file.chmod(0o640)
    assert not others_may_read(file)
    file.chmod(0o644)
    CredentialsFile(file, "users")
    assert f"chmod 600 {file}" in caplog.text


def test_an_unknown_name_is_compared_as_slowly_as_a_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verified: list[str] = []
    hasher = passwords._hasher()
    verify = type(hasher).verify

    def counting(self: object, stored: str, password: str) -> bool:
        verified.append(stored)
        return verify(self, stored, password)  # type: ignore[arg-type]

    monkeypatch.setattr(type(hasher), "verify", counting)
    stored = hash_of("long enough")
    assert is_right("long enough", stored)
    assert not is_right("wrong one", stored)
    assert not is_right("wrong one", None)
    kinds = [text.split("$")[1:4] for text in verified]
    assert kinds[0] == kinds[1] == kinds[2], "the same work each time"


def test_a_name_is_compared_however_it_was_typed() -> None:
    assert a_name(" Rene\u0301 ") == "Ren\xe9"


def test_the_command_line_knows_it(tmp_path: Path) -> None:
    def users(*arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "qa", "users", *arguments]
        return subprocess.run(
            command, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=60, check=False
        )

    done = users("add", str(tmp_path / "users"), "bob", typed="long enough\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "bob may sign in as reader.\n", "")
    done = users("add", str(tmp_path / "users"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
