"""The server without the page: every door for programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from qa.server.documents_api import documents_router
from qa.server.headers import SecurityHeaders
from qa.server.services import Services


def build_api(services: Services) -> FastAPI:
    """Return the ASGI application; the page can be mounted into it."""

    @asynccontextmanager
    async def closing(_server: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(services.close)

    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=closing)
    server.add_middleware(SecurityHeaders)
    server.state.services = services

    @server.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    server.include_router(documents_router(services))
    return server
