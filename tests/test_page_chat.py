"""What a question in the chat leads to."""

from pathlib import Path

import pytest

from page.chat import Caller, answered
from qa.server.answering import Answering
from qa.server.settings import ServerSettings


def test_an_unexpected_error_is_no_answer_and_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, hostile_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("/home/somebody/secret")

    answering = Answering(ServerSettings(index=str(hostile_dir)))
    monkeypatch.setattr(answering, "ask", fails)
    reply = answered("人口是多少", [], "balanced", answering, Caller("0a1b2c3d"))
    parts = reply.parts
    assert reply.sources is None
    assert "0a1b2c3d" in parts[0]
    assert "出错了" in parts[0]
    assert "没有找到答案" not in parts[0]
    assert "secret" not in parts[0]
    assert "secret" in caplog.text
