"""What is shipped: every module, and the marks that say that the types are complete."""

import ast
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
ROOMS = ("index", "page", "qa")


def test_every_package_is_named() -> None:
    (listed,) = re.findall(r"^packages = \[(.*?)\]", PROJECT, re.MULTILINE | re.DOTALL)
    found = {
        file.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in ROOMS
        for file in ROOT.glob(f"{room}/**/__init__.py")
    }
    assert set(re.findall(r'"([^"]+)"', listed)) == found


@pytest.mark.parametrize("room", ["index", "qa"])
def test_the_types_are_declared_complete(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()
    (data,) = re.findall(rf"^{room} = \[(.*?)\]", PROJECT, re.MULTILINE)
    assert '"py.typed"' in data


def test_what_was_installed_holds_everything() -> None:
    """The wheel, that is: a package that is installed, and not only linked to, came from one."""
    try:
        files = importlib.metadata.files("yinzheng") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("yinzheng is not installed here, but run from its checkout")
    shipped = {file.as_posix() for file in files}
    if "index/__init__.py" not in shipped:
        pytest.skip("yinzheng is installed here as a link to its checkout")
    wanted = {
        file.relative_to(ROOT).as_posix()
        for room in ROOMS
        for pattern in ("**/*.py", "py.typed", "data/*", "static/*")
        for file in ROOT.glob(f"{room}/{pattern}")
    }
    assert wanted - shipped == set()


@pytest.mark.parametrize("room", ["index", "qa"])
def test_every_function_of_the_document_has_its_types_checked(room: str) -> None:
    """By ``tests/typed_consumer.py``, which mypy reads."""
    (checked,) = [
        {alias.name for alias in node.names}
        for node in ast.parse((ROOT / "tests" / "typed_consumer.py").read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module == room
    ]
    document = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    shown = {
        name
        for line in re.findall(rf"^from {room} import (.+)$", document, re.MULTILINE)
        for name in line.split(", ")
        if name[0].islower()
    }
    assert shown - checked == set()
