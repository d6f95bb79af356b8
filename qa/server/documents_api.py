"""The doors through which documents come and go: upload, update, rebuild, remove, roll back.

Whoever may not change anything is told so before a byte of what they send is read.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Annotated, Any, BinaryIO
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from index import (
    DocumentError,
    IndexBusyError,
    IndexNotFoundError,
    UploadError,
    UploadKindError,
    UploadTooLargeError,
    YinzhengError,
    list_generations,
    script_of,
)
from qa.indexes import shared_index
from qa.server.changes import Change, ChangeKind, ChangeState, Order
from qa.server.documentation import problems
from qa.server.library import Line
from qa.server.problems import Problem, problem_of, problem_response
from qa.server.progress import Count
from qa.server.services import Services
from qa.server.uploads import Batch
from qa.server.visitors import Visitor, visitor_of

_FORM_OVERHEAD = 1 << 20  # bytes for the names and boundaries of a form
_READING = frozenset(("GET", "HEAD", "OPTIONS"))

# ---- what is sent --------------------------------------------------------------------------------


class CountOut(BaseModel):
    """So many of so many."""

    done: int
    total: int


class ChangeOut(BaseModel):
    """A change of the index: under way, or the last one there was."""

    id: str
    kind: ChangeKind
    state: ChangeState
    cancelling: bool = Field(description="Whether it was told to end.")
    stage: str = Field(description="start, read, embed, embed sentences, compress or write")
    files: CountOut | None = Field(description="Files read.")
    paragraphs: CountOut | None = Field(description="Paragraphs embedded, of those that must be.")
    sentences: CountOut | None = Field(description="Sentences embedded.")
    seconds_left: float | None = Field(
        description="About how long it will still take, from the speed measured; null where "
        "that is not known."
    )
    seconds: float = Field(description="How long it has taken.")
    started_by: str
    started: datetime
    finished: datetime | None
    message: str = Field(description="What came of it, and what to do.")
    generation: str = Field(description="The generation in use when it ended.")
    report: dict[str, Any] | None = Field(
        description="What a build did with every file; only for who may change documents."
    )


class CurrentOut(BaseModel):
    """The change under way, else the last one, else null."""

    change: ChangeOut | None


class DocumentOut(BaseModel):
    """A document in the list."""

    id: str
    name: str
    title: str
    script: str = Field(description="zh-Hans, zh-Hant, or empty: how the title is to be set.")
    kind: str
    paragraphs: int
    indexed: datetime | None
    garbled: int | None = Field(description="Pieces that look garbled; null = nobody looked.")
    duplicates: int = Field(description="Paragraphs that stand elsewhere, too.")
    dropped: int = Field(description="Pieces of text that were left out.")
    notes: list[str] = Field(description="What else was noticed when it was read.")
    missing: bool = Field(description="Whether its file is gone; it is still quoted.")
    uploaded: bool = Field(description="Whether its file was uploaded.")
    path: str | None = Field(description="Where its file lies; only for who may change documents.")


class LimitsOut(BaseModel):
    """What may be uploaded."""

    files: int = Field(description="Files at a time.")
    bytes_each: int
    bytes_free: int = Field(description="What all uploads together may still take.")


class LibraryOut(BaseModel):
    """The documents that are indexed, and what the visitor may do with them."""

    generation: str
    created: datetime
    warning: str = Field(description="Why an older generation answers; empty when none does.")
    total: int
    matching: int
    documents: list[DocumentOut]
    may_change: bool
    limits: LimitsOut | None


class GenerationOut(BaseModel):
    """A complete version of the index on the disk."""

    name: str
    created: datetime | None
    documents: int
    paragraphs: int
    bytes_on_disk: int
    in_use: bool
    problem: str


class SelectionIn(BaseModel):
    """Documents, by id."""

    documents: list[str] = Field(default_factory=list, max_length=100_000)


class RollbackIn(BaseModel):
    """The generation to go back to; null = the newest one older than that in use."""

    generation: str | None = Field(default=None, max_length=100)


def _change_out(change: Change, visitor: Visitor) -> ChangeOut:
    """Return a change as a visitor may see it: names of files are for who may change them."""
    progress = change.progress
    until = change.finished or datetime.now(change.started.tzinfo)
    shown = change.message
    if change.state == "failed" and not visitor.may_change:
        shown = "The change failed; the index is as it was."
    return ChangeOut(
        id=change.id,
        kind=change.kind,
        state=change.state,
        cancelling=change.is_cancelling,
        stage=progress.stage,
        files=_count(progress.files),
        paragraphs=_count(progress.paragraphs),
        sentences=_count(progress.sentences),
        seconds_left=progress.seconds_left,
        seconds=(until - change.started).total_seconds(),
        started_by=change.started_by,
        started=change.started,
        finished=change.finished,
        message=shown,
        generation=change.generation,
        report=dict(change.report) if change.report and visitor.may_change else None,
    )


def _count(count: Count | None) -> CountOut | None:
    return CountOut(done=count.done, total=count.total) if count is not None else None


def _document_out(line: Line, visitor: Visitor) -> DocumentOut:
    info, facts = line.details.info, line.details.facts
    return DocumentOut(
        id=info.id,
        name=line.name,
        title=info.title,
        script=script_of(info.title) or "",
        kind=info.kind,
        paragraphs=info.passages,
        indexed=line.indexed,
        garbled=facts.garbled,
        duplicates=line.details.duplicates,
        dropped=sum(one.count for one in facts.dropped),
        notes=list(facts.notes),
        missing=line.is_missing,
        uploaded=line.is_uploaded,
        path=info.path if visitor.may_change else None,
    )


# ---- what is refused -----------------------------------------------------------------------------


class _ForbiddenError(YinzhengError):
    """Who asked may not change the documents."""


_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (_ForbiddenError, 403, "Not allowed"),
    (IndexBusyError, 409, "Another change is under way"),
    (UploadTooLargeError, 413, "Too much at once"),
    (UploadKindError, 415, "A file of no kind that can be read"),
    (UploadError, 422, "The files cannot be taken"),
    (DocumentError, 404, "No such document"),
    (IndexNotFoundError, 404, "No index"),
)


def _problem(error: YinzhengError, request: Request) -> Response:
    """Return an error as every door for programs tells it."""
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return problem_response(request.scope, Problem(status, "", title, str(error)))
    return problem_response(request.scope, problem_of(error))


def _route(services: Services) -> type[APIRoute]:
    """Return a route that asks for permission before it reads, and tells problems."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_or_tell(request: Request) -> Response:
                try:
                    if request.method not in _READING:
                        _check_may_change(request, services)
                    return await handle(request)
                except YinzhengError as error:
                    return _problem(error, request)

            return handle_or_tell

    return Route


def _check_may_change(request: Request, services: Services) -> None:
    if not visitor_of(request.scope, services.settings).may_change:
        raise _ForbiddenError(
            "Only an administrator may change the documents. Sign in as one; where nobody signs "
            "in, the server must be started with --allow-upload."
        )
    if _comes_from_elsewhere(request):
        raise _ForbiddenError(
            "The request comes from a page of another site. Use the page of this server."
        )


def _comes_from_elsewhere(request: Request) -> bool:
    """Return whether a page of another site made the browser send this; programs say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            }
        },
    }
}

# ---- the doors -----------------------------------------------------------------------------------


def documents_router(services: Services) -> APIRouter:
    """Return the routes through which documents are listed and changed."""
    router = APIRouter(prefix="/api/v1", tags=["documents"], route_class=_route(services))
    services.uploads.clear_arrivals()
    _add_reading(router, services)
    _add_changing(router, services)
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
        _check_may_change(request, services)
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
        documents=[_document_out(line, visitor) for line in found.lines],
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
        openapi_extra=_FORM,
    )
    async def upload(request: Request) -> ChangeOut:
        services.changes.check_free()
        batch = await _received(request, services)
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
    return CurrentOut(change=None if change is None else _change_out(change, visitor))


def _begin(services: Services, request: Request, order: Order) -> ChangeOut:
    visitor = visitor_of(request.scope, services.settings)
    return _change_out(services.changes.start(order, by=visitor.name), visitor)


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


async def _received(request: Request, services: Services) -> Batch:
    """Store the files of a form, and let go of what the form itself has kept."""
    settings = services.settings
    most = min(settings.max_upload_files * settings.max_upload_bytes, services.uploads.room())
    counted = Request(request.scope, _Counted(request, most + _FORM_OVERHEAD))
    try:
        form = await counted.form(max_files=settings.max_upload_files, max_fields=10)
    except HTTPException as error:
        if "Too many files" in str(error.detail):
            raise UploadTooLargeError(
                f"At most {settings.max_upload_files} files can be uploaded at a time. "
                "Upload the others afterwards."
            ) from error
        raise UploadError(
            f"This is no form with files ({error.detail}). Send multipart/form-data."
        ) from error
    try:
        sent = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
        files: list[tuple[str, BinaryIO]] = [(one.filename or "", one.file) for one in sent]
        return await run_in_threadpool(services.uploads.receive, files)
    finally:
        await form.close()


class _Counted:
    """Receives a request's body, and refuses one that is too long while it comes."""

    def __init__(self, request: Request, most: int) -> None:
        self._request, self._left = request, most

    async def __call__(self) -> Message:
        message = await self._request.receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise UploadTooLargeError(
                "The files are too large together. Upload fewer at a time, or remove documents."
            )
        return message
