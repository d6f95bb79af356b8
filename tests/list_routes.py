"""Prints every route of the real application, as JSON: ``list_routes.py INDEX_FOLDER``."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from page import build_server
from qa.server.services import Services
from qa.server.settings import ServerSettings


def paths(routes: list[Any], before: str = "") -> Iterator[str]:
    for route in routes:
        path = before + getattr(route, "path", "")
        # Newer versions of FastAPI keep the routes of an included router apart.
        router = getattr(route, "original_router", None)
        inner = getattr(route, "routes", None) or getattr(router, "routes", None)
        if inner:
            yield from paths(inner, path)
        else:
            yield path or "/"


if __name__ == "__main__":
    server = build_server(Services(ServerSettings(index=sys.argv[1])))
    print(json.dumps(sorted(set(paths(server.routes)))))  # noqa: T201  (a program)
