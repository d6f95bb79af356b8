"""The door for chat clients that speak OpenAI's chat completions.

Nothing is generated: the message is the quotes in their frame. Chat clients draw Markdown, and a
document may hold any: its words stand in code, where they are shown as they are.
"""

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from index import QuestionError
from qa import Answer, Citation, Strictness
from qa.framing import lead_in, page_text, searched_lead
from qa.server.bodies import LongJsonRoute
from qa.server.code import code_span, fenced
from qa.server.documentation import openai_problems
from qa.server.rest import GENERATION
from qa.server.services import Services
from qa.server.threads import ThreadsToAsk
from qa.types import Language
from qa.wire import answer_as_json

_MODELS: Mapping[str, Strictness] = {
    "yinzheng": "balanced",
    "yinzheng-strict": "strict",
    "yinzheng-lenient": "lenient",
}
_EVENT = {
    "type": "object",
    "properties": {
        "data": {"type": "string", "description": "A chunk as JSON; at the end, [DONE]."},
    },
    "required": ["data"],
}
_NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


class _Given(BaseModel):
    """What a client sends: what is not ours to understand is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Part(_Given):
    """A part of a message."""

    type: str
    text: str | None = None


class Message(_Given):
    """A message of the conversation."""

    role: str
    content: str | list[Part] | None = None

    def text(self) -> str:
        """Return its text, without parts of other kinds."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(_Given):
    """What else a stream holds."""

    include_usage: bool | None = None


class ChatRequest(_Given):
    """A conversation whose last user message is to be answered."""

    model: str = Field(default="yinzheng", json_schema_extra={"enum": list(_MODELS)})
    messages: list[Message] = Field(
        min_length=1,
        description="The last message of the role user is the question; those before it are what "
        "a follow-up is completed from.",
        examples=[[{"role": "user", "content": "烏海市全程網辦事項量提升了多少"}]],
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    strictness: Strictness | None = Field(
        default=None, description="How sure an answer must be; in place of what the model says."
    )


class Model(BaseModel):
    """A strictness, as a model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """What can be named as the model."""

    object: Literal["list"]
    data: list[Model]


class ChatCompletion(BaseModel):
    """An answer as a message; ``yinzheng`` holds it as the REST door gives it."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]
    yinzheng: dict[str, Any]


def openai_router(services: Services, threads: ThreadsToAsk) -> APIRouter:
    """Return the routes of the door for OpenAI's clients."""
    router = APIRouter(route_class=LongJsonRoute, tags=["OpenAI-compatible"])
    _add_models(router, services)

    @router.post(
        "/v1/chat/completions",
        summary="Answer the last question of a conversation",
        response_model=ChatCompletion,
        responses={
            200: {"content": {"text/event-stream": {"schema": _EVENT}}},
            **openai_problems(404, 413, 415, 503),
        },
    )
    async def complete(body: ChatRequest) -> Response:
        strictness = body.strictness or _strictness_of(body.model)
        question, earlier = _conversation(body.messages)

        def work() -> tuple[Answer, str]:
            index = services.answering.open_index()
            answer = services.answering.ask(
                question, earlier=earlier, strictness=strictness, door="openai", index=index
            )
            return answer, index.generation

        answer, generation = await threads.run(work)
        reply = _Reply(answer, body.model, generation)
        headers = {GENERATION: generation}
        if not body.stream:
            return JSONResponse(reply.whole(), headers=headers)
        has_usage = bool(body.stream_options and body.stream_options.include_usage)
        return StreamingResponse(
            _events(reply.chunks(has_usage=has_usage)),
            media_type="text/event-stream",
            headers={**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router


def _add_models(router: APIRouter, services: Services) -> None:
    def told(name: str) -> dict[str, Any]:
        built = services.answering.open_index().info.created
        created = int(built.timestamp())
        return {"id": name, "object": "model", "created": created, "owned_by": "yinzheng"}

    @router.get(
        "/v1/models",
        summary="List the strictnesses, as models",
        response_model=ModelList,
        responses=openai_problems(503),
    )
    def models() -> Response:
        return JSONResponse({"object": "list", "data": [told(name) for name in _MODELS]})

    @router.get(
        "/v1/models/{model}",
        summary="Return one of them",
        response_model=Model,
        responses=openai_problems(404, 503),
    )
    def model(model: Annotated[str, Path(max_length=100)]) -> Response:
        _strictness_of(model)
        return JSONResponse(told(model))


def _strictness_of(model: str) -> Strictness:
    strictness = _MODELS.get(model)
    if strictness is None:
        known = ", ".join(_MODELS)
        raise HTTPException(404, f"There is no model of this name. Choose one of: {known}.")
    return strictness


def _conversation(messages: Sequence[Message]) -> tuple[str, list[str]]:
    """Return the question, and the questions before it."""
    asked = [message for message in messages if message.role == "user"]
    if not asked:
        raise QuestionError(
            "No message of the role user is in messages. Put the question into one."
        )
    if isinstance(asked[-1].content, list) and any(p.type != "text" for p in asked[-1].content):
        raise QuestionError("The question has a part that is no text. Ask in words alone.")
    return asked[-1].text(), [message.text() for message in asked[:-1]]


class _Reply:
    """An answer as OpenAI's clients read it, whole or in chunks."""

    def __init__(self, answer: Answer, model: str, generation: str) -> None:
        self._answer = answer
        self._about = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": generation,
        }

    def whole(self) -> dict[str, Any]:
        """Return the answer as one completion."""
        message = {"role": "assistant", "content": "".join(content_parts(self._answer))}
        return {
            **self._about,
            "object": "chat.completion",
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            ],
            "usage": _NO_TOKENS,
            "yinzheng": answer_as_json(self._answer),
        }

    def chunks(self, *, has_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the answer quote by quote; the last chunk holds it as data."""
        yield self._chunk({"role": "assistant", "content": ""})
        for part in content_parts(self._answer):
            yield self._chunk({"content": part})
        last = self._chunk({}, finish_reason="stop")
        yield {**last, "yinzheng": answer_as_json(self._answer)}
        if has_usage:
            yield {**self._chunk({}), "choices": [], "usage": _NO_TOKENS}

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._about, "object": "chat.completion.chunk", "choices": [choice]}


async def _events(chunks: Iterator[dict[str, Any]]) -> AsyncIterator[str]:
    for chunk in chunks:
        yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def content_parts(answer: Answer) -> Iterator[str]:
    """Yield the message: what was searched for, the frame, each quote with its place."""
    if answer.searched != answer.question:
        yield f"{searched_lead(answer.language)}{code_span(' '.join(answer.searched.split()))}\n\n"
    if not answer.citations:
        yield answer.text
        return
    yield lead_in(answer.language, len(answer.citations))
    for number, citation in enumerate(answer.citations, start=1):
        yield _quote(number, citation, answer.language)


def _quote(number: int, citation: Citation, language: Language) -> str:
    """Return a quote with its place; a quote of one line keeps the line."""
    is_one_line = len(citation.quote.splitlines()) == 1
    # Two spaces at its end break the line.
    quote = f" {code_span(citation.quote)}  " if is_one_line else f"\n\n{fenced(citation.quote)}\n"
    title = citation.document.title
    path = [title, *(heading for heading in citation.headings if heading != title)]
    place = code_span(" ".join(" › ".join(path).split()))
    page = "" if citation.page is None else f" · {page_text(language, citation.page)}"
    return f"\n\n[{number}]{quote}\n— {place}{page} · {code_span(citation.reference)}"
