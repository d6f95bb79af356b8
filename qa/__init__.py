"""A question → verbatim quotes with their place, or "not found": ``ask`` and ``retrieve``."""

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
