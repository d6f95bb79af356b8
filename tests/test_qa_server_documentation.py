"""The OpenAPI document, its page in a real browser, and the API behind the page of the chat."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from api_serving import ApiServer
from fastapi.testclient import TestClient
from serving import Server

from qa.server.api import build_api
from qa.server.services import Services
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OPERATIONS = [
    "GET /api/v1/documents",
    "GET /api/v1/documents/{id}",
    "GET /api/v1/passages/{reference}",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "POST /api/v1/ask",
    "POST /api/v1/retrieve",
    "POST /v1/chat/completions",
]


def operations_of(document: str) -> list[str]:
    paths = json.loads(document)["paths"]
    return sorted(f"{method.upper()} {path}" for path in paths for method in paths[path])


def test_every_operation_is_described_with_its_problems(api: ApiServer) -> None:
    text = api.get("/api/openapi.json").text
    assert set(OPERATIONS) <= set(operations_of(text))
    document = json.loads(text)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert "500" in operation["responses"]
            assert (
                path.startswith("/v1/")
                or "application/problem+json" in (operation["responses"]["500"]["content"])
            )
    assert "HTTPValidationError" not in text


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_page_shows_every_operation_and_asks_nobody_else(
    server: Server, chromium: "Browser", locale: str
) -> None:
    context = chromium.new_context(locale=locale)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{server.url}api/docs")
    page.locator(".opblock").first.wait_for()
    shown = page.eval_on_selector_all(
        ".opblock",
        """blocks => blocks.map(one =>
          one.querySelector(".opblock-summary-method").innerText + " " +
          one.querySelector(".opblock-summary-path").dataset.path)""",
    )
    assert sorted(shown) == operations_of(server.get("api/openapi.json")[2])
    # It works, too: an operation can be sent from the page.
    block = page.locator("#operations-health-readyz_readyz_get")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    response = block.locator(".live-responses-table tbody .response-col_status").first
    response.wait_for()
    assert response.inner_text().split()[0] == "200"
    context.close()
    assert all(url.startswith((server.url, "data:", "blob:")) for url in asked)
    assert not complaints


@pytest.mark.parametrize(
    ("path", "status"),
    [("api/v1/ask", 405), ("api/nothing", 404), ("v1/nothing", 404), ("readyz", 200)],
)
def test_the_page_of_the_chat_does_not_stand_before_the_doors(
    server: Server, path: str, status: int
) -> None:
    found, headers, body = server.get(path)
    assert found == status
    assert headers["content-security-policy"]
    if status != 200 and path.startswith("api/"):
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize("before", ["", "/kb"])
def test_behind_a_proxy_the_page_finds_its_parts(report_dir: Path, before: str) -> None:
    """A proxy that puts /kb before every address takes it off, or leaves it on."""
    services = Services(ServerSettings(index=str(report_dir)))
    client = TestClient(build_api(services), root_path="/kb")
    page = client.get(f"{before}/api/docs")
    assert page.status_code == 200
    parts = re.findall(r'"(/kb/api/[^"]+)"|\'(/kb/api/[^\']+)\'', page.text)
    addresses = {one or other for one, other in parts}
    assert addresses == {
        "/kb/api/openapi.json",
        "/kb/api/docs/swagger-ui-bundle.js",
        "/kb/api/docs/swagger-ui.css",
    }
    for address in addresses:
        assert client.get(address.removeprefix("/kb") if not before else address).status_code == 200
    assert "http" not in re.sub("https?://www.w3.org[^\"']*", "", page.text)
    assert client.get(f"{before}/api/v1/ask").status_code == 405
    shape = client.get(f"{before}/v1/nothing").json()
    assert list(shape) == ["error"]
