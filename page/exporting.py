"""A conversation → a file to keep: Markdown or JSON, every quote with its permanent reference."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from index import Index
from page.conversation import Messages, is_question, question_of, text_of
from page.links import Link, links_in
from page.markdown import from_markdown, in_blockquote, to_markdown
from page.messages import place_of, searched_in
from page.sources import find_source_again
from page.words import WORDS
from qa.language import language_of
from qa.types import Language

_LONGEST_NAME = 40
_UNSAFE = re.compile(r"[^\w]+")
_LINK_TARGET = re.compile(r" ?\[([^\[\]]*|\[[0-9]\])\]\(#[^()]*\)")
_LINE_TAG = re.compile(r"(?m)^(?:> ?|#{3,4} |- )")
_EMPHASIS = re.compile(r"(?m)^\*(.*)\*$")


@dataclass(frozen=True)
class Turn:
    """A question and its answer, as they are exported.

    Attributes:
        question: as it was asked.
        searched: what was searched for, where it was not the question.
        reply: what was answered, as plain text.
        status: ``answered``, ``not_found`` or ``none``.
        citations: what was quoted; when nothing was found, the closest passages.
    """

    question: str
    searched: str
    reply: str
    status: str
    citations: list[dict[str, Any]]


def exported(history: Messages, kind: str, index: Index, now: datetime) -> dict[str, str]:
    """Return a conversation as a file: its name, its type and its text."""
    turns = list(turns_of(history, index))
    first = turns[0].question if turns else ""
    name = f"{_UNSAFE.sub('-', f'yinzheng {first}'[:_LONGEST_NAME]).strip('-')}-{now:%Y%m%d-%H%M}"
    if kind == "json":
        return {"name": f"{name}.json", "type": "application/json", "text": _as_json(turns, now)}
    return {"name": f"{name}.md", "type": "text/markdown", "text": _as_markdown(turns, now)}


def turns_of(history: Messages, index: Index) -> Iterator[Turn]:
    """Return the turns of a conversation, each with what is quoted in it."""
    question = ""
    for message in history:
        if is_question(message):
            question = question_of(message)
            continue
        text = text_of(message)
        links = links_in(text)
        language = language_of(question)
        kinds = {link.kind for link in links}
        status = "answered" if "cite" in kinds else "not_found" if "near" in kinds else "none"
        citations = [_citation(link, index, language) for link in links]
        yield Turn(question, searched_in(text, language), plain_text(text), status, citations)


def plain_text(message: str) -> str:
    """Return the words of a message of ours, without the addresses of its links."""
    text = _LINK_TARGET.sub("", message)
    return from_markdown(_EMPHASIS.sub(r"\1", _LINE_TAG.sub("", text)))


def _citation(link: Link, index: Index, language: Language) -> dict[str, Any]:
    source = find_source_again(index, link)
    if source is None:
        shown = link.shown_before if link.kind == "cite" else ""
        return {"quote": shown, "place": "", "reference": link.reference, "status": "gone"}
    return {
        "quote": source.quote,
        "document": source.document.id,
        "title": source.document.title,
        "headings": list(source.headings),
        "page": source.page,
        "start": source.start,
        "end": source.end,
        "place": place_of(source.document, source.headings, source.page, language),
        "reference": source.reference,
        "status": source.status,
    }


def _as_json(turns: list[Turn], now: datetime) -> str:
    values = [
        {
            "question": one.question,
            "searched": one.searched,
            "status": one.status,
            "reply": one.reply,
            # Passages that do not answer are no citations.
            "citations": [] if one.status == "not_found" else one.citations,
            "closest": one.citations if one.status == "not_found" else [],
        }
        for one in turns
    ]
    whole = {
        "format": "yinzheng-conversation",
        "version": 1,
        "exported": now.isoformat(timespec="seconds"),
        "turns": values,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _as_markdown(turns: list[Turn], now: datetime) -> str:
    parts = [f"# 引證 Yinzheng\n\n{now:%Y-%m-%d %H:%M}"]
    for turn in turns:
        parts.append(f"## {to_markdown(' '.join(turn.question.split()))}")
        words = WORDS[language_of(turn.question)]
        if turn.searched:
            parts.append(f"*{words['searched'].format(to_markdown(turn.searched))}*")
        if turn.status == "answered":
            parts.append(words["found"])
        elif turn.status == "not_found":
            lines = [line for line in turn.reply.splitlines() if line]
            said = next(iter(lines[bool(turn.searched) :]), "")
            parts.append(f"**{to_markdown(said)}**\n\n{words['closest']}")
        else:
            parts.append(to_markdown(turn.reply))
        parts.extend(_citation_as_markdown(one) for one in turn.citations)
    return "\n\n".join(parts) + "\n"


def _citation_as_markdown(citation: dict[str, Any]) -> str:
    place = to_markdown(citation["place"])
    reference = f"`{citation['reference']}`" if citation["reference"] else ""
    return f"{in_blockquote(citation['quote'])}\n\n— {' · '.join(filter(None, [place, reference]))}"
