"""The MCP server's resources."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.server import Server
from mcp_processes import talk

from index import build_index, open_index
from qa import ask
from qa.mcp.service import Service
from qa.server.settings import ServerSettings

LINE = "第{}段講水利工程的第{}個問題。"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """An index of 205 short documents and a long one."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "docs").mkdir()
    for number in range(205):
        text = LINE.format(number, number)
        (folder / "docs" / f"{number:03}.txt").write_text(text, encoding="utf-8")
    long = "\n\n".join(f"{number}講{'水利工程' * 100}。" for number in range(300))
    (folder / "docs" / "長.txt").write_text(long, encoding="utf-8")
    build_index(folder / "docs", index_dir=folder / "index", model=str(tiny))
    return folder / "index"


@pytest.fixture(scope="module")
def server(many: Path) -> "Server[Any]":
    return Service(ServerSettings(index=str(many))).server


def read(server: "Server[Any]", uri: str) -> list[tuple[str, str]]:
    async def reading(client: Client) -> list[tuple[str, str]]:
        result = await client.read_resource(uri)
        return [(one.uri, one.text) for one in result.contents]  # type: ignore[union-attr]

    return talk(server, reading)


def test_all_documents_are_listed_page_by_page(server: "Server[Any]", many: Path) -> None:
    async def listing(client: Client) -> list[Any]:
        pages = [await client.list_resources()]
        while pages[-1].next_cursor is not None:
            pages.append(await client.list_resources(cursor=pages[-1].next_cursor))
        return pages

    pages = talk(server, listing)
    assert [len(page.resources) for page in pages] == [100, 100, 6]
    listed = [one for page in pages for one in page.resources]
    with open_index(many) as index:
        assert [one.uri for one in listed] == [
            f"yinzheng://documents/{info.id}" for info in index.documents()
        ]
    assert listed[0].name == "000.txt"
    assert listed[0].mime_type == "text/plain"


def test_a_document_is_its_clean_text(report_dir: Path) -> None:
    server = Service(ServerSettings(index=str(report_dir))).server
    citation = ask("三端五防线", index=report_dir).citations[0]
    uri = f"yinzheng://documents/{citation.document.id}"
    assert read(server, uri) == [(uri, citation.document.text)]
    place = f"{uri}?start={citation.start}&end={citation.end}"
    assert read(server, place) == [(place, citation.quote)]


def test_a_long_document_comes_in_pages_that_make_it_up(server: "Server[Any]", many: Path) -> None:
    with open_index(many) as index:
        (long,) = [one for one in index.documents() if one.path.endswith("長.txt")]
        text = index.document(long.id).text
    uri: str | None = f"yinzheng://documents/{long.id}"
    pages = []
    while uri is not None:
        (_, page), *rest = read(server, uri)
        pages.append(page)
        uri = rest[0][0] if rest else None
        assert all(f"To go on, read {uri})" in words for _, words in rest)
    assert "".join(pages) == text
    assert [len(page) for page in pages[:-1]] == [50_000, 50_000]


def test_the_template_is_told(server: "Server[Any]") -> None:
    async def looking(client: Client) -> Any:
        return await client.list_resource_templates()

    (template,) = talk(server, looking).resource_templates
    assert template.uri_template == "yinzheng://documents/{id}{?start,end}"


def error_of(server: "Server[Any]", work: Callable[[Client], Awaitable[object]]) -> MCPError:
    """Return the error that a client is told."""

    async def failing(client: Client) -> MCPError:
        with pytest.raises(MCPError) as raised:
            await work(client)
        return raised.value

    return talk(server, failing)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("yinzheng://documents/0123456789ab", "The index holds no document '0123456789ab'. List"),
        ("yinzheng://documents/..%2F..%2Fetc%2Fpasswd", "The index holds no document '../../etc"),
        ("file:///etc/passwd", "Its address reads yinzheng://documents/<id>."),
        ("yinzheng://documents/{}?start=99999999", "has 15 characters. Check start and end."),
        ("yinzheng://documents/{}?start=5&end=5", "holds nothing"),
        ("yinzheng://documents/{}?start=-1", "start is '-1'. Give a number"),
        ("yinzheng://documents/{}?end=٣", "end is '٣'. Give a number"),
    ],
)
def test_what_is_not_there_is_said(
    server: "Server[Any]", many: Path, uri: str, message: str
) -> None:
    with open_index(many) as index:
        first = index.documents()[0]
    asked = uri.replace("{}", first.id)
    error = error_of(server, lambda client: client.read_resource(asked))
    assert message in error.message
    assert error.code == -32602


def test_what_cannot_be_listed_is_said(server: "Server[Any]", tmp_path: Path) -> None:
    def listing(client: Client) -> Awaitable[object]:
        return client.list_resources(cursor="x")

    assert "cursor is 'x'" in error_of(server, listing).message
    gone = Service(ServerSettings(index=str(tmp_path / "none"))).server
    assert "cursor is 'x'" in error_of(gone, listing).message
    assert "There is no index in" in error_of(gone, Client.list_resources).message


def test_a_fault_of_ours_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = 5  # no folder: an error that nobody raises on purpose
    error = error_of(Service(ServerSettings(index=broken)).server, Client.list_resources)
    assert error.message.startswith("Something went wrong inside the server")
    assert "TypeError" in caplog.text
