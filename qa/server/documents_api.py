"""The doors through which documents come and go: upload, update, rebuild, remove, roll back."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from index import DocumentError, IndexNotFoundError, list_generations
from qa.indexes import shared_index
from qa.server.changes import Order
from qa.server.documentation import problems
from qa.server.documents_guard import check_may_change, guarded_route
from qa.server.documents_models import (
    ChangeOut,
    CurrentOut,
    GenerationOut,
    LibraryOut,
    LimitsOut,
    RollbackIn,
    SelectionIn,
    change_out,
    document_out,
)
from qa.server.forms import FORM, received
from qa.server.services import Services
from qa.server.visitors import visitor_of


def documents_router(services: Services) -> APIRouter:
    """Return the routes through which documents are listed and changed."""
    router = APIRouter(prefix="/api/v1", tags=["documents"], route_class=guarded_route(services))
    services.uploads.clear_arrivals()
    _add_reading(router, services)
    _add_changing(router, services)
    _add_rebuilding(router, services)
    _add_change(router, services)
    return router


def _add_reading(router: APIRouter, services: Services) -> None:
    @router.get(
        "/library",
        summary="The documents, and what may be done with them",
        responses=problems(422, 503),
    )
    def library(
        request: Request,
        search: Annotated[str, Query(max_length=200)] = "",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> LibraryOut:
        return _library(services, request, search, offset, limit)

    @router.get(
        "/generations",
        summary="The versions of the index on the disk; for who may change documents",
        responses=problems(403, 404, 503),
    )
    def generations(request: Request) -> list[GenerationOut]:
        check_may_change(request, services)
        return [
            GenerationOut(
                name=one.name,
                created=one.created,
                documents=one.documents,
                paragraphs=one.passages,
                bytes_on_disk=one.bytes_on_disk,
                in_use=one.is_in_use,
                problem=one.problem,
            )
            for one in list_generations(services.settings.index)
        ]


def _library(
    services: Services, request: Request, search: str, offset: int, limit: int
) -> LibraryOut:
    settings, visitor = services.settings, visitor_of(request.scope, services.settings)
    found = services.library.lines(search=search, offset=offset, limit=limit)
    limits = LimitsOut(
        files=settings.max_upload_files,
        bytes_each=settings.max_upload_bytes,
        bytes_free=services.uploads.room(),
    )
    return LibraryOut(
        generation=found.index.generation,
        created=found.index.info.created,
        warning=found.index.warning,
        total=found.total,
        matching=found.matching,
        documents=[document_out(line, visitor) for line in found.lines],
        may_change=visitor.may_change,
        limits=limits if visitor.may_change else None,
    )


def _add_changing(router: APIRouter, services: Services) -> None:
    begin = partial(_begin, services)

    @router.post(
        "/documents",
        status_code=202,
        summary="Upload documents, and add them to the index",
        responses=problems(403, 409, 413, 415, 422, 503),
        openapi_extra=FORM,
    )
    async def upload(request: Request) -> ChangeOut:
        services.changes.check_free()
        batch = await received(request, services)
        return await run_in_threadpool(begin, request, Order("add", batch=batch))

    @router.delete(
        "/documents/{id}",
        status_code=202,
        summary="Take a document out of the index",
        responses=problems(403, 404, 409, 413, 415, 422, 503),
    )
    def remove_one(id: str, request: Request) -> ChangeOut:  # noqa: A002
        return begin(request, Order("remove", _known(services, [id])))

    @router.post(
        "/remove",
        status_code=202,
        summary="Take documents out of the index",
        responses=problems(403, 404, 409, 413, 415, 422, 503),
    )
    def remove(selection: SelectionIn, request: Request) -> ChangeOut:
        return begin(request, Order("remove", _known(services, selection.documents)))


def _add_rebuilding(router: APIRouter, services: Services) -> None:
    begin = partial(_begin, services)

    @router.post(
        "/update",
        status_code=202,
        summary="Read the files of documents again; none named = of all",
        responses=problems(403, 404, 409, 413, 415, 422, 503),
    )
    def update(request: Request, selection: SelectionIn | None = None) -> ChangeOut:
        chosen = selection.documents if selection else []
        return begin(request, Order("update", _known(services, chosen) if chosen else []))

    @router.post(
        "/rebuild",
        status_code=202,
        summary="Read the files of all documents again, and embed everything anew",
        responses=problems(403, 409, 503),
    )
    def rebuild(request: Request) -> ChangeOut:
        return begin(request, Order("rebuild"))

    @router.post(
        "/rollback",
        status_code=202,
        summary="Put an earlier version of the index back into use",
        responses=problems(403, 404, 409, 413, 415, 422, 503),
    )
    def roll_back(request: Request, to: RollbackIn | None = None) -> ChangeOut:
        name = to.generation if to else None
        if name is not None:
            _check_generation(services, name)
        return begin(request, Order("rollback", generation=name))


def _add_change(router: APIRouter, services: Services) -> None:
    @router.get(
        "/changes/current",
        summary="The change under way, else the last one",
        responses=problems(503),
    )
    def current(request: Request) -> CurrentOut:
        return _current(services, request)

    @router.delete(
        "/changes/current",
        status_code=202,
        summary="Cancel the change under way; the old index goes on answering",
        responses=problems(403),
    )
    def cancel(request: Request) -> CurrentOut:
        services.changes.cancel()
        return _current(services, request)


def _current(services: Services, request: Request) -> CurrentOut:
    change = services.changes.current()
    visitor = visitor_of(request.scope, services.settings)
    return CurrentOut(change=None if change is None else change_out(change, visitor))


def _begin(services: Services, request: Request, order: Order) -> ChangeOut:
    visitor = visitor_of(request.scope, services.settings)
    return change_out(services.changes.start(order, by=visitor.name), visitor)


def _known(services: Services, wanted: list[str]) -> list[str]:
    """Return ids of documents, after checking that there are such.

    Raises:
        DocumentError: there is no such document, or none is named.
    """
    known = {one[0] for one in shared_index(services.settings.index).document_list()}
    unknown = next((one for one in wanted if one not in known), None)
    if unknown is not None or not wanted:
        raise DocumentError(
            "The index holds no such document. See what it holds: GET /api/v1/library"
        )
    return wanted


def _check_generation(services: Services, name: str) -> None:
    if name not in {one.name for one in list_generations(services.settings.index)}:
        raise IndexNotFoundError(
            "There is no such generation. See which there are: GET /api/v1/generations"
        )
