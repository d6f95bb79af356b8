"""Answers as JSON values, the same through every door: command line, REST, MCP, OpenAI."""

from collections.abc import Sequence
from typing import Any

from qa.types import Answer, Citation, Hit, Place


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """Return all of an answer."""
    return {
        "question": answer.question,
        "searched": answer.searched,
        "language": answer.language,
        "status": answer.status,
        "confidence": round(answer.confidence, 4),
        "strictness": answer.strictness,
        "text": answer.text,
        "citations": [citation_as_json(citation) for citation in answer.citations],
        "hits": [hit_as_json(hit) for hit in answer.hits],
    }


def citation_as_json(citation: Citation) -> dict[str, Any]:
    """Return a quote and its place."""
    return {
        "quote": citation.quote,
        "document": citation.document.id,
        "title": citation.document.title,
        "headings": list(citation.headings),
        "start": citation.start,
        "end": citation.end,
        "page": citation.page,
        "score": round(citation.score, 4),
        "answer": citation.answer,
        "answer_start": citation.answer_start,
        "answer_end": citation.answer_end,
        "marks": [[mark.start, mark.end] for mark in citation.marks],
        "also_in": _places_as_json(citation.also_in),
        "reference": citation.reference,
    }


def _places_as_json(places: Sequence[Place]) -> list[dict[str, Any]]:
    return [
        {"document": place.document.id, "start": place.start, "end": place.end} for place in places
    ]


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """Return a passage retrieved, and its place."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "document": hit.document.id,
        "title": hit.document.title,
        "headings": list(hit.passage.headings),
        "start": hit.passage.start,
        "end": hit.passage.end,
        "page": hit.passage.page,
        "text": hit.passage.text,
        "also_in": _places_as_json(hit.also_in),
        "repeats": hit.repeats,
        "reference": hit.reference,
    }
