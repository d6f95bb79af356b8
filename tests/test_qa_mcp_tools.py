"""The MCP server's tools, asked through a real client in the same process."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from loops import run
from mcp import Client
from mcp.server import Server
from mcp_processes import talk

from qa import ask, retrieve
from qa.mcp.service import Service
from qa.mcp.texts import answer_as_text
from qa.mcp.tools import call_tool, list_tools
from qa.server.settings import ServerSettings
from qa.wire import answer_as_json, hit_as_json

SEVERAL = "呼和浩特市、包头市和乌海市分别做了什么？"


@pytest.fixture(scope="module")
def service(report_dir: Path) -> Iterator["Server[Any]"]:
    return Service(ServerSettings(index=str(report_dir))).server  # type: ignore[return-value]


def call(server: "Server[Any]", tool: str, **arguments: object) -> tuple[str, Any, bool]:
    """Return what a tool gives: text, structured content, and whether it is an error."""

    async def calling(client: Client) -> tuple[str, Any, bool]:
        result = await client.call_tool(tool, arguments)
        (content,) = result.content
        return content.text, result.structured_content, result.is_error  # type: ignore[union-attr]

    return talk(server, calling)


def test_clients_are_told_what_the_tools_do(service: "Server[Any]") -> None:
    async def looking(client: Client) -> Any:
        return await client.list_tools()

    tools = {tool.name: tool for tool in talk(service, looking).tools}
    assert list(tools) == ["ask", "retrieve", "show"]
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.idempotent_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.open_world_hint is False
        for name, one in tool.input_schema["properties"].items():
            assert one.get("description"), f"{tool.name}: {name}"
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
    assert tools["ask"].input_schema["required"] == ["question"]
    strictness = tools["ask"].input_schema["properties"]["strictness"]
    assert strictness["enum"] == ["lenient", "balanced", "strict"]


def test_an_answer_is_the_same_json_as_through_every_door(
    service: "Server[Any]", report_dir: Path
) -> None:
    text, structured, is_error = call(service, "ask", question=SEVERAL, top_k=2)
    answer = ask(SEVERAL, index=report_dir, top_k=2)
    assert not is_error
    assert structured == answer_as_json(answer)
    assert len(structured["citations"]) > 1
    assert text.startswith(answer.text)
    for number, citation in enumerate(answer.citations, start=1):
        assert f"“{citation.quote}”" in text
        assert re.search(rf"^\[{number}\] .*: {citation.reference}$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("通辽市的人口是多少？", ["没有找到", "它们没有回答"]),
        ("東京的人口是多少？這裡有寫嗎？", ["沒有找到", "它們沒有回答"]),
        ("What is the capital of France?", ["hold no answer", "which do not answer"]),
    ],
)
def test_not_found_is_no_error_and_says_so(
    service: "Server[Any]", report_dir: Path, question: str, words: list[str]
) -> None:
    text, structured, is_error = call(service, "ask", question=question)
    assert not is_error
    assert (structured["status"], structured["citations"]) == ("not_found", [])
    assert [word for word in words if word not in text] == []
    closest = ask(question, index=report_dir).closest
    assert closest[0].passage.text in text


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("三端五防线", "检索的问题：{x} 是什么？\n"),
        ("三端五防線這模式", "檢索的問題：{x} 是什么？\n"),
        ("What is Ordos's 三端五防線 model?", "Searched for: {x} 是什么？\n"),
    ],
)
def test_another_question_that_was_searched_for_is_told(
    question: str, words: str, report_dir: Path
) -> None:
    answer = ask(question, index=report_dir)
    assert not answer_as_text(answer).startswith(words)
    assert answer_as_text(replace(answer, searched="{x} 是什么？")).startswith(words)


def test_a_page_is_told_in_the_language_of_the_question(report_dir: Path) -> None:
    answer = ask("三端五防线", index=report_dir)
    on_a_page = [replace(citation, page=7) for citation in answer.citations]
    assert "第 7 页: yinzheng:" in answer_as_text(replace(answer, citations=on_a_page))


def test_a_greeting_offers_no_passages(service: "Server[Any]") -> None:
    text, structured, _ = call(service, "ask", question="你好")
    assert text == structured["text"]


def test_strictness_and_earlier_questions_reach_the_engine(
    service: "Server[Any]", report_dir: Path
) -> None:
    earlier = ["乌海市做了什么？"]
    for strictness in ("lenient", "strict"):
        _, structured, _ = call(
            service, "ask", question="那包头呢？", strictness=strictness, earlier=earlier
        )
        answer = ask("那包头呢？", index=report_dir, strictness=strictness, earlier=earlier)
        assert structured == answer_as_json(answer)
        assert structured["strictness"] == strictness


def test_retrieve_lists_the_closest_passages(service: "Server[Any]", report_dir: Path) -> None:
    text, structured, _ = call(service, "retrieve", question="三端五防线", top_k=3)
    hits = retrieve("三端五防线", index=report_dir, top_k=3)
    assert structured == {"question": "三端五防线", "hits": [hit_as_json(hit) for hit in hits]}
    assert text.startswith(f"1. {hits[0].passage.text}")
    assert all(hit.passage.text in text for hit in hits)


def test_show_follows_a_reference(service: "Server[Any]", report_dir: Path) -> None:
    citation = ask("三端五防线", index=report_dir).citations[0]
    text, structured, _ = call(service, "show", reference=citation.reference)
    assert structured["status"] == "current"
    assert (structured["quote"], structured["start"]) == (citation.quote, citation.start)
    assert f"【{citation.quote}】" in text


def test_what_the_tools_give_is_all_in_their_output_schemas(
    service: "Server[Any]", report_dir: Path
) -> None:
    schemas = {tool.name: _closed(tool.output_schema) for tool in list_tools()}
    reference = ask("三端五防线", index=report_dir).citations[0].reference
    for tool, arguments in (
        ("ask", {"question": SEVERAL}),
        ("ask", {"question": "你好"}),
        ("retrieve", {"question": SEVERAL}),
        ("show", {"reference": reference}),
    ):
        _, structured, _ = call(service, tool, **arguments)
        jsonschema.validate(structured, schemas[tool])


def _closed(schema: Any) -> Any:
    """Return a schema that allows no field but those it names."""
    if isinstance(schema, dict):
        closed = {key: _closed(value) for key, value in schema.items()}
        return closed | {"additionalProperties": False} if "properties" in schema else closed
    return schema


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("ask", {"question": " "}, "The question is empty. Type a question."),
        ("ask", {"question": "問" * 1001}, "at most 1,000 are read. Ask something shorter."),
        ("ask", {}, "question: field required. It takes question, strictness, top_k, earlier"),
        ("ask", {"question": "甲", "top_k": 0}, "top_k: input should be greater than or equal to"),
        ("ask", {"question": "甲", "strictness": "none"}, "'lenient', 'balanced' or 'strict'"),
        ("ask", {"question": "甲", "index": "/etc"}, "index: extra inputs are not permitted"),
        ("retrieve", {"question": ["甲"]}, "question: input should be a valid string"),
        ("show", {"reference": "yinzheng:x"}, "A reference reads yinzheng:<document hash>#"),
        ("show", {"reference": f"yinzheng:{'0' * 64}#0-1"}, "names no document of this index"),
        ("answer", {}, "There is no tool 'answer'. Call one of: ask, retrieve, show."),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    service: "Server[Any]", tool: str, arguments: dict[str, object], message: str
) -> None:
    text, structured, is_error = call(service, tool, **arguments)
    assert is_error
    assert structured is None
    assert message in text
    assert "Traceback" not in text


def test_an_index_that_is_gone_is_a_tool_error(tmp_path: Path) -> None:
    server = Service(ServerSettings(index=str(tmp_path / "none"))).server
    text, _, is_error = call(server, "ask", question="三端五防线")
    assert is_error
    assert text.startswith(f"There is no index in {tmp_path / 'none'}. Build one: ")


def test_a_fault_of_ours_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = 5  # no folder: an error that nobody raises on purpose
    server = Service(ServerSettings(index=broken)).server
    text, _, is_error = call(server, "ask", question="三端五防线")
    assert is_error
    assert text.startswith("Something went wrong inside the server")
    assert "TypeError" not in text
    assert "TypeError" in caplog.text


def test_too_many_at_once_are_told_so(report_dir: Path) -> None:
    """A question waits for its turn, as through every door, and what is too much is refused."""
    service = Service(ServerSettings(index=str(report_dir), max_running=1, max_waiting=1))
    calls, answering = service.calls, service.answering

    async def asking() -> tuple[str, bool]:
        arguments, go_on = {"question": "三端五防线"}, threading.Event()
        asked = partial(call_tool, "ask", arguments, answering=answering, calls=calls)
        async with anyio.create_task_group() as tasks:
            while not calls.is_full:
                tasks.start_soon(partial(calls.run, go_on.wait))
                await anyio.sleep(0)
            refused = await asked()
            go_on.set()
        assert calls.under_way == 0
        assert not (await asked()).is_error
        return refused.content[0].text, refused.is_error  # type: ignore[union-attr]

    assert run(asking) == (
        "The server is busy: too many questions are waiting. Ask again in a moment.",
        True,
    )


def test_a_question_waits_for_its_turn_and_its_times_are_counted(report_dir: Path) -> None:
    service = Service(ServerSettings(index=str(report_dir), max_running=1, max_waiting=0))
    with service.answering._gate.passing():
        text, _, is_error = call(service.server, "ask", question="三端五防线")
    assert is_error
    assert "as many as this server takes" in text
    assert not call(service.server, "ask", question="三端五防线")[2]
    assert not call(service.server, "retrieve", question="三端五防线")[2]
    counted = service.metrics.registry.get_sample_value
    for outcome in ("busy", "answered", "retrieved"):
        labels = {"door": "mcp", "outcome": outcome}
        assert counted("yinzheng_ask_seconds_count", labels) == 1.0, outcome
    assert counted("yinzheng_stage_seconds_count", {"stage": "embed"}) == 2.0
