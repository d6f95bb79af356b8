"""What a start imports: nothing that is needed later only, and every name from where it stands."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import index
import qa

ENGINES = {
    *("faiss", "jieba", "lxml", "numpy", "opencc", "pypdfium2", "rich", "sqlite3"),
    *("sentence_transformers", "tantivy", "torch", "transformers"),
}


_HELP = "import runpy, sys; sys.argv = ['', '--help']; runpy.run_module({!r}, run_name='__main__')"


def imported(code: str) -> set[str]:
    """Return the modules that are there after a fresh interpreter has run some code."""
    # -X importtime says nothing of what is imported by import_module.
    told = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("package", ["index", "qa"])
def test_importing_a_package_imports_no_engine_and_no_other_module_of_it(package: str) -> None:
    modules = imported(f"import {package}")
    assert package in modules
    assert not modules & ENGINES
    assert not {name for name in modules if name.startswith(("index.", "qa."))}


def test_help_imports_no_engine() -> None:
    modules = imported(_HELP.format("qa"))
    assert "argparse" in modules
    assert not modules & ENGINES
    # lxml and pypdfium2 come with the limits of reading files, which the help tells.
    index_modules = imported(_HELP.format("index"))
    assert not index_modules & (ENGINES - {"lxml", "pypdfium2"})


def test_a_name_that_is_used_imports_what_it_needs() -> None:
    modules = imported("from index import IndexBusyError, default_index_dir")
    assert {"index.errors", "index.locations"} <= modules
    assert not modules & ENGINES
    assert "numpy" in imported("from index import open_index")


def homes_as_typed(package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield (name, (module, its name there)) as a reader of types sees it."""
    tree = ast.parse(Path(importlib.import_module(package).__file__ or "").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            yield alias.asname or alias.name, (node.module or "", alias.name)


@pytest.mark.parametrize("package", [index, qa], ids=["index", "qa"])
def test_every_name_comes_from_where_its_type_does(package: object) -> None:
    typed = dict(homes_as_typed(package.__name__))  # type: ignore[attr-defined]
    assert typed == package._HOMES  # type: ignore[attr-defined]
    assert set(typed) == set(package.__all__)  # type: ignore[attr-defined]
    for name, (module, own_name) in typed.items():
        assert getattr(package, name) is getattr(importlib.import_module(module), own_name)
    assert set(typed) <= set(dir(package))


def test_a_name_that_does_not_exist_is_told_as_ever() -> None:
    with pytest.raises(AttributeError, match="module 'index' has no attribute 'nothing'"):
        index.nothing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'qa'"):
        from qa import nothing  # type: ignore[attr-defined]  # noqa: F401
