"""The OpenAPI document and the page that shows it, with nothing fetched from anywhere else."""

from importlib import metadata, resources
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, Response

from qa.server.models import OpenAIProblem, Problem
from qa.server.problems import PROBLEM_JSON

OPENAPI_URL = "/api/openapi.json"
_DOCS_URL = "/api/docs"

_TOLD = {
    400: "The request is not valid, or its body not JSON.",
    401: "The server asks for a login or a token, and none was sent.",
    403: "It is for administrators.",
    404: "There is no such thing.",
    409: "Another change is under way.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "The request is not valid.",
    429: "Too many requests were sent.",
    500: "The server failed; its log says more under the reference number.",
    503: "No index can be read, or too many questions wait.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how the OpenAPI document describes the problems an operation may end with."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _TOLD[status], "content": content}
        for status in sorted({401, 429, 500, *statuses})
    }


def openai_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the same for OpenAI's clients, which know another shape, and 400 in place of 422."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIProblem"}}}
    return {
        status: {"description": _TOLD[status], "content": content}
        for status in sorted({400, 401, 429, 500, *statuses})
    }


def add_documentation(server: FastAPI) -> None:
    """Add the OpenAPI document, and the page that shows it."""

    def openapi() -> dict[str, Any]:
        if server.openapi_schema is None:
            server.openapi_schema = _openapi_of(server)
        return server.openapi_schema

    server.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it

    @server.get(OPENAPI_URL, include_in_schema=False)
    def document() -> dict[str, Any]:
        return server.openapi()

    @server.get(_DOCS_URL, include_in_schema=False)
    def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{OPENAPI_URL}",
            title="Yinzheng API",
            swagger_js_url=f"{root}{_DOCS_URL}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_DOCS_URL}/swagger-ui.css",
            swagger_favicon_url="data:,",
            # Its default sends the document's address to a service that validates it.
            swagger_ui_parameters={"validatorUrl": None},
        )

    @server.get(f"{_DOCS_URL}/{{name}}", include_in_schema=False)
    def part(name: Literal["swagger-ui-bundle.js", "swagger-ui.css"]) -> Response:
        return FileResponse(Path(str(resources.files("fastapi_offline") / "static" / name)))


def _openapi_of(server: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Yinzheng",
        version=_version(),
        description="Ask your own Chinese documents: verbatim quotes with their exact place, "
        "or an honest 'not found'. Errors are RFC 9457 problems.",
        routes=server.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):  # where the framework takes for granted what is 400 there
            for operation in operations.values():
                operation["responses"].pop("422", None)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for shape in (Problem, OpenAIProblem):
        schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[shape.__name__] = schema
    return document


def _version() -> str:
    try:
        return metadata.version("yinzheng")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"
