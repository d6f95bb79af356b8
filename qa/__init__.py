"""A question → verbatim quotes with their place, or "not found": ``ask`` and ``retrieve``.

As in ``index``, a module is imported with the first of its names that is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.answers import ask, retrieve
    from qa.references import ReferenceStatus, Resolved, resolve
    from qa.types import Answer, Citation, Hit, Place, Strictness

__all__ = [
    "Answer",
    "Citation",
    "Hit",
    "Place",
    "ReferenceStatus",
    "Resolved",
    "Strictness",
    "ask",
    "resolve",
    "retrieve",
]

_NAMES = {
    "qa.answers": ("ask", "retrieve"),
    "qa.references": ("ReferenceStatus", "Resolved", "resolve"),
    "qa.types": ("Answer", "Citation", "Hit", "Place", "Strictness"),
}
_HOMES = {name: (module, name) for module, names in _NAMES.items() for name in names}

if not TYPE_CHECKING:  # a reader of types would take it for a promise that any name exists

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, own_name = _HOMES[name]
        found = globals()[name] = getattr(import_module(module), own_name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
