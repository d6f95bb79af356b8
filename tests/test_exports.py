"""What the packages offer, and the tree of errors."""

import inspect
import re

import pytest

import index
import index.errors
import qa
import qa.evaluation


@pytest.mark.parametrize(
    "package", [index, qa, qa.evaluation], ids=["index", "qa", "qa.evaluation"]
)
def test_every_exported_name_exists_and_is_listed_once_in_order(package: object) -> None:
    names: list[str] = package.__all__  # type: ignore[attr-defined]
    assert all(hasattr(package, name) for name in names)
    by_kind = sorted(set(names), key=lambda n: (not n.isupper(), n[0].islower(), n))
    assert names == by_kind


def test_signatures_are_the_documented_ones() -> None:
    def parameters(function: object) -> list[str]:
        return list(inspect.signature(function).parameters)  # type: ignore[arg-type]

    assert parameters(index.build_index)[:3] == ["paths", "index_dir", "model"]
    assert parameters(index.open_index)[0] == "index_dir"
    assert parameters(qa.retrieve) == ["question", "top_k", "index", "reader"]
    assert parameters(qa.ask)[:2] == ["question", "index"]


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn = re.findall(r"[├└]── (\w+)", index.errors.__doc__ or "")
    real = {
        name
        for name, value in vars(index.errors).items()
        if inspect.isclass(value)
        and value is not index.YinzhengError
        and not issubclass(value, Warning)
    }
    assert set(drawn) == real
    assert all(issubclass(getattr(index.errors, name), index.YinzhengError) for name in real)
