"""What the documents say is so."""

import re
from pathlib import Path

import pytest

import app
import index.__main__
import qa.__main__
import qa.evaluation.command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


def first_commands(text: str) -> list[str]:
    return re.findall(r"```bash\n(python3 -m venv .*)\n```", text)


def test_both_readmes_begin_with_the_same_two_commands() -> None:
    start, test = first_commands(README)
    assert start.endswith("app.py")
    assert test.endswith("pytest")
    assert first_commands(CHINESE) == [start, test]
    assert README.index(test) < 1200, "on the first screen"


def test_ci_runs_the_readmes_test_command() -> None:
    assert first_commands(README)[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_and_pictures_exist() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (document.parent / target).is_file(), f"{document.name} links to {target}"


@pytest.mark.parametrize("module", [index.__main__, qa.__main__, qa.evaluation.command, app])
def test_every_option_is_in_the_readme(module: object) -> None:
    parser = module._parser()  # type: ignore[attr-defined]
    options = re.findall(r"--[a-z-]+", parser.format_help())
    for option in set(options) - {"--help"}:
        assert option in README, f"{option} of {parser.prog}"


def test_every_dependency_has_its_line() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^dependencies = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for name in re.findall(r'"([A-Za-z0-9-]+)', block):
        assert f"`{name}`" in table, name
