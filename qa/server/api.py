"""The server without the page: every door for programs."""

from fastapi import FastAPI

from qa.server.services import Services


def build_api(services: Services) -> FastAPI:
    """Return the ASGI application; the page can be mounted into it."""
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.state.services = services

    @server.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return server
