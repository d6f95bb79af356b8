"""Wrong tokens wait longer and longer; one that works never does."""

from pathlib import Path

from qa.server.attempts import Attempts
from qa.server.credentials import CredentialsFile, digest_of
from qa.server.tokens import Tokens


def test_the_wait_doubles_holds_for_one_address_and_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"a:reader:{digest_of('right')}\nb:reader:{digest_of('new')}\n", "utf-8")
    clock = [0.0]
    tokens = Tokens(CredentialsFile(file, "tokens"), Attempts(now=lambda: clock[0]))
    first = tokens.holder("right", "192.0.2.1")
    assert first is not None
    assert first.name == "a"
    for wait in (0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60):
        assert tokens.holder("wrong", "192.0.2.1") is None
        assert tokens.wait("192.0.2.1") == wait
        if wait:
            assert tokens.holder("new", "192.0.2.1") is None, "not looked at yet"
        clock[0] += wait
    tokens.holder("wrong", "192.0.2.1")
    assert tokens.holder("right", "192.0.2.1") == first
    elsewhere = tokens.holder("new", "192.0.2.2")
    assert elsewhere is not None
    clock[0] += 61
    assert tokens.holder("new", "192.0.2.1") == elsewhere
