"""Every door gives the same citations for the same questions."""

import json
from pathlib import Path
from typing import Any

import pytest
from doors import (
    ANSWERED,
    NOT_FOUND,
    QUESTIONS,
    SEVERAL,
    Door,
    Told,
    cli_door,
    mcp_door,
    openai_door,
    python_door,
    rest_door,
)
from serving import Server, Visit, Visits

from index import Index
from qa import resolve

DOORS = {
    "command line": cli_door,
    "MCP": mcp_door,
    "REST": rest_door,
    "OpenAI": openai_door,
}


@pytest.fixture(scope="module")
def from_python(report_dir: Path) -> list[Told]:
    return python_door(QUESTIONS, report_dir)


def test_the_questions_are_of_every_kind(from_python: list[Told], report_index: Index) -> None:
    told = dict(zip(QUESTIONS, from_python, strict=True))
    assert len(told) == 20
    assert {told[question].status for question in NOT_FOUND} == {"not_found"}
    assert {told[question].status for question in (*ANSWERED, *SEVERAL)} == {"answered"}
    assert max(len(told[question].citations) for question in SEVERAL) >= 2
    for one in from_python:
        for reference, quote in one.citations:
            assert resolve(reference, index=report_index).quote == quote


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_tells_what_python_tells(
    door: Door, from_python: list[Told], report_dir: Path
) -> None:
    assert door(QUESTIONS, report_dir) == from_python


@pytest.mark.browser
def test_the_page_tells_what_python_tells(
    server: Server, visit: Visits, from_python: list[Told]
) -> None:
    opened = visit(server)
    for question, told in zip(QUESTIONS, from_python, strict=True):
        opened.page.locator("#new").click()
        opened.page.wait_for_function("!document.querySelector('#chat .bot-row')")
        opened.ask(question)
        turn = exported(opened)["turns"][-1]
        assert turn["question"] == question
        # Of a greeting the page says neither that it was answered nor that nothing was found.
        assert turn["status"] == ("none" if question == "你好" else told.status)
        quoted = [(one["reference"], one["quote"]) for one in turn["citations"]]
        assert quoted == list(told.citations)


def exported(opened: Visit) -> Any:
    """Return the conversation as the page exports it."""
    opened.page.locator("#show-history").click()
    with opened.page.expect_download() as download:
        opened.page.locator("#history [data-kind=json]").click()
    opened.page.keyboard.press("Escape")
    return json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
