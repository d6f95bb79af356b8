"""Measuring without the reader leaves the setting as it was."""

import os

import pytest

from benchmarks.unread import unread
from qa.phrases import READER, is_wanted


@pytest.mark.parametrize("before", [None, "on", "off"])
def test_no_phrases_are_read_meanwhile(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READER, raising=False)
    if before is not None:
        monkeypatch.setenv(READER, before)

    @unread()
    def measure() -> bool:
        return is_wanted()

    assert measure() is False
    assert os.environ.get(READER) == before
    with pytest.raises(ValueError, match="stopped"), unread():
        raise ValueError("stopped")
    assert os.environ.get(READER) == before
