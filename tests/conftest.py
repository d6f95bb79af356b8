"""What every test runs with: its own default index folder and no network."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from api_serving import ApiServer
from milvus_serving import LITE, SERVER, LiteProcess, MilvusProcess, python_of
from serving import COPIES, HOSTILE, Server, Visit, Visits
from signing_in import write_people
from tiny_models import tiny_model

from index import REPORT, Index, build_index, open_index
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YINZHENG_INDEX", str(tmp_path / "default-index"))
    monkeypatch.setenv("YINZHENG_DATA", str(tmp_path / "default-data"))
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


@pytest.fixture(scope="session")
def hostile_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / "<b>file.txt"
    source.write_text("\n".join(HOSTILE), encoding="utf-8")
    build_index(source, index_dir=folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def hostile_index(hostile_dir: Path) -> Iterator[Index]:
    with open_index(hostile_dir) as index:
        yield index


@pytest.fixture(scope="session")
def api(report_dir: Path) -> Iterator[ApiServer]:
    """The doors for programs, without the page."""
    with ApiServer(ServerSettings(index=str(report_dir))) as running:
        yield running


@pytest.fixture(scope="session")
def server(report_dir: Path) -> Iterator[Server]:
    running = Server(index=report_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def hostile_server(hostile_dir: Path, report_dir: Path) -> Iterator[Server]:
    running = Server("--index", str(hostile_dir), index=report_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def copies_server(tmp_path_factory: pytest.TempPathFactory, report_dir: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("copies")
    for number, text in enumerate(COPIES):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    build_index(folder, index_dir=folder / "index")
    running = Server("--index", str(folder / "index"), index=report_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def login_server(tmp_path_factory: pytest.TempPathFactory, report_dir: Path) -> Iterator[Server]:
    """A server into which only the people and programs of ``signing_in`` are let."""
    folder = tmp_path_factory.mktemp("login")
    arguments = write_people(folder)
    # Administrators come in, and may change it.
    index = Path(shutil.copytree(report_dir, folder / "index"))
    running = Server("--data", str(folder / "data"), *arguments, index=index)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, but these tests must run here")
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments.split())
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: "Browser") -> Iterator[Visits]:
    """Open pages; afterwards, none asked another host for anything or complained."""
    visits: list[tuple[Visit, Server]] = []

    def open_page(server: Server, **settings: Any) -> Visit:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **settings}
        page = chromium.new_context(**settings).new_page()
        opened = Visit(page)
        visits.append((opened, server))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                opened.complaints.append(f"{said.text} ({said.location.get('url')})")
                if said.type == "error"
                else None
            ),
        )
        page.goto(server.url)
        page.locator("#question textarea").wait_for()
        page.evaluate("window.opened = true")
        return opened

    yield open_page
    for opened, server in visits:
        outside = {
            url
            for url in opened.requests
            if urlsplit(url).scheme not in {"data", "blob"}
            and urlsplit(url).netloc != urlsplit(server.url).netloc
        }
        assert not outside
        assert not opened.complaints
        assert opened.page.evaluate("window.opened === true && window.hurt === undefined")
        opened.page.context.close()


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusProcess]:
    """A real Milvus, version 2.3.5; not for all tests: idle, it keeps a quarter of a core busy."""
    process = MilvusProcess(python_of(SERVER), tmp_path_factory.mktemp("milvus") / "data")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteProcess]:
    """Milvus Lite, which has BM25."""
    process = LiteProcess(python_of(LITE), tmp_path_factory.mktemp("lite") / "data")
    yield process
    process.stop()
