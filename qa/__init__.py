"""A question → verbatim quotes with their place, or "not found": ``ask`` and ``retrieve``."""

from qa.answers import ask, retrieve
from qa.types import Answer, Citation, Hit, Place, Strictness

__all__ = ["Answer", "Citation", "Hit", "Place", "Strictness", "ask", "retrieve"]
