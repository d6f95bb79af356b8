"""The examples of docs/python.md work as they are written, from top to bottom."""

import re
from pathlib import Path

import pytest
from doc_examples import run_section, sections

import index
import qa

DOCUMENT = Path(__file__).parent.parent / "docs" / "python.md"


def test_the_examples_print_what_stands_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = [one for found in sections(DOCUMENT).values() for one in found]
    assert len(examples) == DOCUMENT.read_text(encoding="utf-8").count("```python")
    printed, expected = run_section(examples)
    assert printed == expected


def test_everything_the_command_lines_do_is_shown() -> None:
    """Each of these is a command of ``python -m index`` or ``python -m qa``."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in (
        *("build_index", "add_documents", "update_documents", "remove_documents", "rollback"),
        *("list_documents", "list_generations", "verify", "prune", "write_report", "copy_index"),
    ):
        assert hasattr(index, name)
        assert re.search(rf"\b{name}\(", text), name
    for name in ("ask", "retrieve", "resolve"):
        assert hasattr(qa, name)
        assert re.search(rf"\b{name}\(", text), name
