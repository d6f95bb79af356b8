"""What every test runs with: its own default index folder and no network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import tiny_model

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


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is made in no time and knows nothing."""
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def _two_generations(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("generations")
    for text in ("甲文件講網絡。", "乙文件講水利。\n\n乙文件講網絡。"):
        (folder / "docs").mkdir(exist_ok=True)
        (folder / "docs" / "one.txt").write_text(text, encoding="utf-8")
        build_index(folder / "docs", index_dir=folder / "index", model=str(tiny))
    return folder / "index"


@pytest.fixture
def two_generations(_two_generations: Path, tmp_path: Path) -> Path:
    """A copy of an index of which the first generation holds one passage, the second two."""
    return Path(shutil.copytree(_two_generations, tmp_path / "two"))
