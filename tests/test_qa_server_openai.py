"""The door for chat clients, by the official client over real HTTP."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from api_serving import ApiServer
from markdown_it import MarkdownIt
from openai.types.chat import ChatCompletionMessageParam

from index import Index
from qa import Answer, ask
from qa.server import models
from qa.server.openai import content_parts
from qa.server.settings import ServerSettings
from qa.wire import answer_as_json

QUESTION = "烏海市全程網辦事項量提升了多少"
UNANSWERED = "今天天氣怎麼樣"


@pytest.fixture(scope="module")
def client(api: ApiServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def said(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def check_quoted(content: str, answer: Answer) -> None:
    """Each quote stands word for word behind its number, then its place and reference."""
    at = 0
    for number, citation in enumerate(answer.citations, start=1):
        for words in (f"[{number}]", citation.quote, citation.headings[-1], citation.reference):
            at = content.index(words, at) + len(words)


def test_an_answer_is_that_of_the_library(client: openai.OpenAI, report_index: Index) -> None:
    completion = client.chat.completions.create(model="yinzheng", messages=said(QUESTION))
    answer = ask(QUESTION, index=report_index)
    extension: dict[str, Any] = (completion.model_extra or {})["yinzheng"]
    assert models.Answer.model_validate(extension) == models.Answer.model_validate(
        answer_as_json(answer)
    )
    (choice,) = completion.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert choice.message.content is not None
    assert choice.message.content.startswith("文件原文：\n\n[1] ")
    check_quoted(choice.message.content, answer)
    assert completion.object == "chat.completion"
    assert completion.system_fingerprint == report_index.generation
    assert completion.usage is not None
    assert completion.usage.total_tokens == 0


@pytest.mark.parametrize("question", [QUESTION, "乌海和鄂尔多斯的治理成效", UNANSWERED, "你好"])
def test_a_stream_says_the_same_quote_by_quote(client: openai.OpenAI, question: str) -> None:
    whole = client.chat.completions.create(model="yinzheng-lenient", messages=said(question))
    chunks = list(
        client.chat.completions.create(
            model="yinzheng-lenient",
            messages=said(question),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    parts = [chunk.choices[0].delta.content for chunk in chunks[1:-2]]
    assert "".join(part or "" for part in parts) == whole.choices[0].message.content
    last, usage = chunks[-2:]
    assert last.choices[0].finish_reason == "stop"
    extension: dict[str, Any] = (last.model_extra or {})["yinzheng"]
    assert extension == (whole.model_extra or {})["yinzheng"]
    citations = len(extension["citations"])
    assert len(parts) == (citations + 1 if citations else 1)
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.total_tokens == 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_ends_as_the_protocol_says(api: ApiServer) -> None:
    response = api.post(
        "/v1/chat/completions", {"messages": said(QUESTION), "stream": True, "unknown": [1]}
    )
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: {") for event in events[:-2])


def test_a_question_without_an_answer_gets_none(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="yinzheng", messages=said(UNANSWERED))
    assert completion.choices[0].message.content == "在文件中沒有找到答案。"
    extension: dict[str, Any] = (completion.model_extra or {})["yinzheng"]
    assert extension["status"] == "not_found"
    assert extension["citations"] == []


def test_how_sure_an_answer_must_be(client: openai.OpenAI) -> None:
    def strictness_of(model: str, **more: Any) -> str:
        completion = client.chat.completions.create(
            model=model, messages=said(QUESTION), extra_body=more
        )
        extension: dict[str, Any] = (completion.model_extra or {})["yinzheng"]
        return str(extension["strictness"])

    assert strictness_of("yinzheng") == "balanced"
    assert strictness_of("yinzheng-strict") == "strict"
    assert strictness_of("yinzheng-lenient") == "lenient"
    assert strictness_of("yinzheng", strictness="strict") == "strict"


def test_the_last_question_is_asked_and_those_before_it_are_its_context(
    client: openai.OpenAI, report_index: Index
) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": [{"type": "text", "text": "三端五防线"}]},
        {"role": "assistant", "content": "…"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "烏海市全程網辦"},
                {"type": "text", "text": "事項量提升了多少"},
            ],
        },
        {"role": "assistant", "content": "還沒有回答"},
    ]
    completion = client.chat.completions.create(model="yinzheng", messages=messages)
    extension: dict[str, Any] = (completion.model_extra or {})["yinzheng"]
    question = "烏海市全程網辦\n事項量提升了多少"
    answer = ask(question, index=report_index, earlier=["三端五防线"])
    assert extension["question"] == question
    assert extension["searched"] == answer.searched
    assert [one["quote"] for one in extension["citations"]] == [
        one.quote for one in answer.citations
    ]


def test_models_are_the_strictnesses(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["yinzheng", "yinzheng-strict", "yinzheng-lenient"]
    assert client.models.retrieve("yinzheng-strict").id == "yinzheng-strict"
    with pytest.raises(openai.NotFoundError, match="Choose one of: yinzheng,"):
        client.models.retrieve("gpt")
    with pytest.raises(openai.NotFoundError, match="Choose one of: yinzheng,"):
        client.chat.completions.create(model="gpt", messages=said(QUESTION))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "q"}],
        said(""),
        said("問" * 1001),
        said("\x00"),
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"role": "user", "content": None}],
        [{"role": "user"}],
        [{"content": "q"}],
        [{"role": "user", "content": 5}],
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_asked_is_an_error_of_openais_shape(
    client: openai.OpenAI, messages: Any, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="yinzheng", messages=messages, stream=stream)
    models.OpenAIProblem.model_validate(refused.value.response.json())
    assert refused.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (rb'{"messages": [{"role": "user", "content": "\ud800"}]}', 400),
        (b'{"messages": "' + b"q" * (1 << 20) + b'"}', 413),
    ],
    ids=["half", "deep", "surrogate", "large"],
)
def test_what_is_no_request_is_one_too(api: ApiServer, body: bytes, status: int) -> None:
    response = api.post("/v1/chat/completions", body)
    assert response.status_code == status
    models.OpenAIProblem.model_validate(response.json())


def test_a_busy_server_is_no_answer_and_can_be_asked_again(report_dir: Any) -> None:
    settings = ServerSettings(index=str(report_dir), max_running=1, max_waiting=0)
    with (
        ApiServer(settings) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        with (
            server.services.answering._gate.passing(),
            pytest.raises(openai.InternalServerError, match="Ask again in a moment"),
        ):
            client.chat.completions.create(model="yinzheng", messages=said(QUESTION))
        client.chat.completions.create(model="yinzheng", messages=said(QUESTION))


@pytest.mark.parametrize("number", ["一", "二", "三", "四", "五", "六", "七", "八", "九"])
def test_a_document_cannot_put_markup_into_a_message(hostile_index: Index, number: str) -> None:
    answer = ask(f"攻擊{number}號是什麼", index=hostile_index, strictness="lenient")
    assert answer.citations
    content = "".join(content_parts(answer))
    for citation in answer.citations:
        assert citation.quote in content
    drawn = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tags = {token.type for token in flat(drawn.parse(content))}
    assert tags <= {
        *("paragraph_open", "paragraph_close", "inline", "text", "code_inline"),
        *("softbreak", "hardbreak", "fence"),
    }


def flat(tokens: Any) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])
