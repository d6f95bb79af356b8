"""The server without the page: every door for programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from qa.server.documentation import add_documentation
from qa.server.documents_api import documents_router
from qa.server.metrics import RequestMetrics
from qa.server.openai import openai_router
from qa.server.problems import Elsewhere, UnexpectedErrors, add_problem_handlers
from qa.server.rest import rest_router
from qa.server.services import Services
from qa.server.threads import ThreadsToAsk


def build_api(services: Services) -> FastAPI:
    """Return the ASGI application; the page can be mounted into it."""

    @asynccontextmanager
    async def closing(_server: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(services.close)

    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=closing)
    server.add_middleware(UnexpectedErrors)
    server.add_middleware(RequestMetrics, metrics=services.metrics)
    server.state.services = services
    threads = ThreadsToAsk(services.settings)
    server.include_router(rest_router(services, threads))
    server.include_router(openai_router(services, threads))
    server.include_router(documents_router(services))
    add_problem_handlers(server)
    add_documentation(server)
    # Behind all doors and before the page, which takes every path.
    server.router.routes.append(Elsewhere(server.router.routes))
    return server
