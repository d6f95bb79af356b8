"""What every test runs with: its own default index folder and no network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from index import REPORT, Index, build_index, open_index


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YINZHENG_INDEX", str(tmp_path / "default-index"))
    monkeypatch.delenv("YINZHENG_MODEL", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def report_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the bundled report, built once."""
    folder = tmp_path_factory.mktemp("report") / "index"
    build_index(REPORT, index_dir=folder)
    return folder


@pytest.fixture(scope="session")
def report_index(report_dir: Path) -> Iterator[Index]:
    with open_index(report_dir) as index:
        yield index
