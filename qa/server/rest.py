"""REST: ask, retrieve, documents, passages, and whether the server is well; docs/api.md."""

from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from index import DocumentInfo, Index
from qa import resolve
from qa.references import Resolved
from qa.server import models
from qa.server.answering import Answering
from qa.server.bodies import JsonRoute
from qa.server.documentation import problems
from qa.server.services import Services
from qa.server.threads import ThreadsToAsk
from qa.server.visitors import visitor_of
from qa.types import Hit
from qa.wire import answer_as_json, hit_as_json

GENERATION = "Yinzheng-Generation"
"""The header that names the generation of the index a response comes from."""


def rest_router(services: Services, threads: ThreadsToAsk) -> APIRouter:
    """Return the routes of the REST door."""
    router = APIRouter(route_class=JsonRoute)
    _add_questions(router, services.answering, threads)
    _add_documents(router, services)
    _add_passages(router, services)
    _add_health(router, services)
    return router


def _add_questions(router: APIRouter, answering: Answering, threads: ThreadsToAsk) -> None:
    @router.post(
        "/api/v1/ask",
        tags=["questions"],
        summary="Answer a question with verbatim quotes",
        response_model=models.Answer,
        responses=problems(400, 413, 415, 422, 503),
    )
    async def ask(body: models.Ask) -> Response:
        def work(index: Index) -> dict[str, Any]:
            answer = answering.ask(
                body.question,
                earlier=body.earlier,
                strictness=body.strictness,
                top_k=body.top_k,
                door="rest",
                index=index,
            )
            return answer_as_json(answer)

        return await _in_thread(work, answering, threads)

    @router.post(
        "/api/v1/retrieve",
        tags=["questions"],
        summary="Return the passages closest to a question",
        response_model=models.Hits,
        responses=problems(400, 413, 415, 422, 503),
    )
    async def retrieve(body: models.Retrieve) -> Response:
        def work(index: Index) -> dict[str, Any]:
            hits = answering.retrieve(body.question, top_k=body.top_k, door="rest", index=index)
            return _hits_as_json(body.question, hits)

        return await _in_thread(work, answering, threads)


async def _in_thread(
    work: Callable[[Index], dict[str, Any]], answering: Answering, threads: ThreadsToAsk
) -> Response:
    """Return what is found out, with the generation of the index that it comes from."""

    def told() -> Response:
        index = answering.open_index()
        return _told(work(index), index.generation)

    return await threads.run(told)


def _told(content: dict[str, Any], generation: str) -> Response:
    return JSONResponse(content, headers={GENERATION: generation})


def _hits_as_json(question: str, hits: list[Hit]) -> dict[str, Any]:
    return {"question": question.strip(), "hits": [hit_as_json(hit) for hit in hits]}


class _Listing:
    """The list of documents, read once a generation: a large one takes time."""

    def __init__(self) -> None:
        self._kept: tuple[str, dict[str, DocumentInfo]] = ("", {})

    def of(self, index: Index) -> dict[str, DocumentInfo]:
        """Return the documents by id, in the order of their paths."""
        generation, listed = self._kept
        if generation != index.generation:
            listed = {info.id: info for info in index.documents()}
            self._kept = (index.generation, listed)
        return listed


def _add_documents(router: APIRouter, services: Services) -> None:
    listing = _Listing()

    @router.get(
        "/api/v1/documents",
        tags=["documents"],
        summary="List the documents",
        response_model=models.Documents,
        responses=problems(422, 503),
    )
    def documents(
        request: Request,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        index = services.answering.open_index()
        infos = list(listing.of(index).values())
        told = partial(_document_as_json, with_path=_may_see_paths(request, services))
        content = {
            "total": len(infos),
            "offset": offset,
            "limit": limit,
            "documents": [told(info) for info in infos[offset : offset + limit]],
        }
        return _told(content, index.generation)

    @router.get(
        "/api/v1/documents/{id}",
        tags=["documents"],
        summary="Return one document",
        response_model=models.Document,
        responses=problems(404, 422, 503),
    )
    def document(
        request: Request,
        id: Annotated[str, Path(min_length=1, max_length=64)],  # noqa: A002 (the address has it)
        text: Annotated[bool, Query(description="Whether to return its text.")] = False,
    ) -> Response:
        index = services.answering.open_index()
        info = listing.of(index).get(id)
        if info is None:
            raise HTTPException(
                404, "The index has no document of this id. /api/v1/documents lists what it has."
            )
        clean_text = index.document(id).text
        content = {
            **_document_as_json(info, with_path=_may_see_paths(request, services)),
            "characters": len(clean_text),
            "text": clean_text if text else None,
        }
        return _told(content, index.generation)


def _may_see_paths(request: Request, services: Services) -> bool:
    return visitor_of(request.scope, services.settings).may_change


def _document_as_json(info: DocumentInfo, *, with_path: bool) -> dict[str, Any]:
    return {
        "id": info.id,
        "title": info.title,
        "name": file_name(info.path),
        "path": info.path if with_path else None,
        "kind": info.kind,
        "encoding": info.encoding,
        "content_hash": info.content_hash,
        "passages": info.passages,
    }


def file_name(path: str) -> str:
    """Return the name of a file, or of the member of an archive; not where it lies."""
    return PurePath(path.replace("\\", "/")).name or path


def _add_passages(router: APIRouter, services: Services) -> None:
    @router.get(
        "/api/v1/passages/{reference}",
        tags=["documents"],
        summary="Follow a permanent reference",
        response_model=models.ResolvedPassage,
        responses=problems(404, 422, 503),
    )
    def passage(
        request: Request,
        reference: Annotated[
            str,
            Path(
                pattern="^yinzheng:[0-9a-f]{8,64}#[0-9]{1,12}-[0-9]{1,12}$",
                description="yinzheng:<document hash>#<start>-<end>, percent-encoded.",
            ),
        ],
        context: Annotated[
            int, Query(ge=0, le=5000, description="Characters to return on either side.")
        ] = 120,
    ) -> Response:
        index = services.answering.open_index()
        with_path = _may_see_paths(request, services)
        found = resolve(reference, index=index)
        return _told(
            _resolved_as_json(found, context=context, with_path=with_path), index.generation
        )


def _resolved_as_json(found: Resolved, *, context: int, with_path: bool) -> dict[str, Any]:
    document = found.document
    return {
        "reference": found.reference,
        "status": found.status,
        "quote": found.quote,
        "document": document.id,
        "title": document.title,
        "name": file_name(document.path),
        "path": document.path if with_path else None,
        "headings": list(found.headings),
        "page": found.page,
        "start": found.start,
        "end": found.end,
        "context": _context_of(found, context),
        "version": _version_as_json(found, with_path=with_path),
        "is_read_otherwise": found.is_read_otherwise,
    }


def _context_of(found: Resolved, characters: int) -> dict[str, str] | None:
    if found.start is None or found.end is None:
        return None
    text = found.document.text
    return {
        "before": text[max(0, found.start - characters) : found.start],
        "after": text[found.end : found.end + characters],
    }


def _version_as_json(found: Resolved, *, with_path: bool) -> dict[str, Any] | None:
    version = found.version
    if version is None:
        return None
    return {
        "document_id": version.document_id,
        "path": version.path if with_path else None,
        "content_hash": version.content_hash,
        "text_key": version.text_key.hex(),
        "generation": version.generation,
        "indexed": version.indexed,
    }


def _add_health(router: APIRouter, services: Services) -> None:
    # Monitors ask with HEAD as well.
    @router.head("/healthz", include_in_schema=False)
    @router.get(
        "/healthz",
        tags=["health"],
        summary="Say that the process is alive",
        response_model=models.Alive,
        responses=problems(),
    )
    async def healthz() -> Response:
        # Not in a thread: it answers also when every thread is busy.
        return JSONResponse({"status": "ok"})

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz",
        tags=["health"],
        summary="Say whether questions can be asked",
        response_model=models.Ready,
        responses=problems(503),
    )
    def readyz() -> Response:
        index = services.answering.open_index()
        _ = index.embedder  # loaded, or why it cannot be
        content = {
            "status": "ready",
            "generation": index.generation,
            "documents": index.info.documents,
            "passages": len(index),
            "is_fallback": bool(index.warning),
        }
        return _told(content, index.generation)

    @router.get(
        "/metrics",
        tags=["health"],
        summary="Return the figures that Prometheus reads",
        response_class=Response,
        responses={
            200: {"description": "The figures.", "content": {"text/plain": {}}},
            **problems(),
        },
    )
    def metrics(request: Request) -> Response:
        content, kind = services.metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": kind})
