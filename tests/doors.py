"""The doors to one engine: the questions they are all asked, and what is the same through each.

A door is a function from questions and an index folder to what it tells. To add one, write such a
function with ``told_of_json`` and compare it in ``tests/test_doors.py``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from api_serving import ApiServer
from loops import run
from mcp import Client, StdioServerParameters
from openai import OpenAI

from qa import ask
from qa.server.settings import ServerSettings

ROOT = Path(__file__).parent.parent

# About the bundled report, in the three languages and mixtures of them.
ANSWERED = (
    "烏海市全程網辦事項量提升了多少？",
    "乌海市的电子证照关联事项量提升了多少？",
    "誰擔任主題教育領導小組組長？",
    "三端五防线",
    "What is Ordos's 三端五防線 model?",
    "包头市取消下放划转了多少项行政权力事项？",
    "呼和浩特市掛牌了多少家庭教育指導服務站？",
    "呼伦贝尔市的“三务合一”是什么？",
    "典型案例解剖式调研开展了几次？",
    "自治區政法各單位主要負責同志的職責是什麼？",
    "How much did Wuhai's online matters increase?",
)
SEVERAL = (
    "呼和浩特市、包头市和乌海市分别做了什么？",
    "烏海市和鄂爾多斯市各取得了哪些成績？",
    "第一批调研课题有哪些？",
)
NOT_FOUND = (
    "通辽市的人口是多少？",
    "What is the capital of France?",
    "今天天氣怎麼樣？",
    "谁写了红楼梦？",
    "你好",
    "Who won the football match yesterday?",
)
QUESTIONS = (*ANSWERED, *SEVERAL, *NOT_FOUND)


class Told(NamedTuple):
    """What a door tells of an answer, as far as every door can tell it."""

    status: str
    confidence: float
    citations: tuple[tuple[str, str], ...]
    """(permanent reference, quote) of each, best first."""


Door = Callable[[Sequence[str], Path], list[Told]]


def told_of_json(answer: Mapping[str, Any]) -> Told:
    """Return what an answer tells in the layout of ``qa.wire``."""
    citations = tuple((one["reference"], one["quote"]) for one in answer["citations"])
    return Told(answer["status"], answer["confidence"], citations)


def python_door(questions: Sequence[str], index: Path) -> list[Told]:
    """Ask from Python."""
    answers = [ask(question, index=index) for question in questions]
    return [
        Told(
            answer.status,
            round(answer.confidence, 4),
            tuple((one.reference, one.quote) for one in answer.citations),
        )
        for answer in answers
    ]


def cli_door(questions: Sequence[str], index: Path) -> list[Told]:
    """Ask the command line, all in one process, as each start of it loads the model."""
    asking = (
        "import sys; from qa.__main__ import main\n"
        "for question in sys.argv[2:]: main([question, '--index', sys.argv[1], '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking, str(index), *questions],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    return [told_of_json(answer) for answer in _documents(done.stdout)]


def _documents(text: str) -> list[dict[str, Any]]:
    """Return JSON documents that follow one another."""
    found, decoder = [], json.JSONDecoder()
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        found.append(document)
        text = text.lstrip()[end:]
    return found


def mcp_server(index: Path) -> StdioServerParameters:
    """Return how a client starts the MCP server of an index."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "qa", "mcp", "--index", str(index)],
        cwd=ROOT,
        env={**os.environ},
    )


def mcp_door(questions: Sequence[str], index: Path) -> list[Told]:
    """Ask the MCP server through a client that starts it."""

    async def asking() -> list[Told]:
        async with Client(mcp_server(index)) as client:
            results = [await client.call_tool("ask", {"question": one}) for one in questions]
        assert not any(result.is_error for result in results)
        return [told_of_json(result.structured_content) for result in results]

    return run(asking)


def rest_door(questions: Sequence[str], index: Path) -> list[Told]:
    """Ask a running server by REST."""
    with ApiServer(ServerSettings(index=str(index))) as api:
        asked = [api.post("/api/v1/ask", {"question": question}) for question in questions]
        return [told_of_json(response.raise_for_status().json()) for response in asked]


def openai_door(questions: Sequence[str], index: Path) -> list[Told]:
    """Ask a running server with the official client of OpenAI, by turns as a stream and whole."""
    with (
        ApiServer(ServerSettings(index=str(index))) as api,
        OpenAI(base_url=f"{api.url}/v1", api_key="none") as client,
    ):
        return [
            _streamed(client, question) if number % 2 else _whole(client, question)
            for number, question in enumerate(questions)
        ]


def _whole(client: OpenAI, question: str) -> Told:
    done = client.chat.completions.create(
        model="yinzheng", messages=[{"role": "user", "content": question}]
    )
    assert done.model_extra is not None
    told = told_of_json(done.model_extra["yinzheng"])
    content = done.choices[0].message.content or ""
    assert all(quote in content for _, quote in told.citations)
    return told


def _streamed(client: OpenAI, question: str) -> Told:
    chunks = list(
        client.chat.completions.create(
            model="yinzheng", messages=[{"role": "user", "content": question}], stream=True
        )
    )
    (answer,) = (
        chunk.model_extra["yinzheng"]
        for chunk in chunks
        if chunk.model_extra and "yinzheng" in chunk.model_extra
    )
    told = told_of_json(answer)
    content = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert all(quote in content for _, quote in told.citations)
    return told
