"""The recipes of docs/recipes.md work as they are written."""

import importlib.util
from pathlib import Path

import pytest
from doc_examples import run_section, sections

RECIPES = sections(Path(__file__).parent.parent / "docs" / "recipes.md")
NEEDS = {
    "LangChain": "langchain_core",
    "LlamaIndex": "llama_index",
    "Haystack": "haystack",
    "No framework: let the documents decide whether a model speaks": "qa",
}


def test_every_recipe_is_run() -> None:
    assert {title for title, examples in RECIPES.items() if examples} == set(NEEDS)


@pytest.mark.parametrize("title", NEEDS)
def test_a_recipe(title: str, report_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec(NEEDS[title]) is None:
        pytest.skip(f"{NEEDS[title]} is not installed")
    monkeypatch.setenv("YINZHENG_INDEX", str(report_dir))
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    monkeypatch.delenv("LANGSMITH_TRACING", raising=False)
    printed, expected = run_section(RECIPES[title])
    assert printed == expected
