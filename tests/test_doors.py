"""Every door gives the same citations for the same questions."""

from pathlib import Path

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
    python_door,
)

from index import Index
from qa import resolve

DOORS = {"command line": cli_door, "MCP": mcp_door}


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
