"""The documents as resources: a list, and the clean text of each, in pages when it is long."""

from pathlib import PurePath

import mcp_types as types
from mcp import MCPError, UriTemplate

from index import Document, DocumentInfo
from qa.server.answering import Answering

_TEMPLATE = UriTemplate.parse("yinzheng://documents/{id}{?start,end}")
_LISTED = 100
_MOST_CHARACTERS = 50_000
"""Characters of a document given at once."""


def list_templates() -> list[types.ResourceTemplate]:
    """Return the form of a document's address."""
    return [
        types.ResourceTemplate(
            uri_template="yinzheng://documents/{id}{?start,end}",
            name="document",
            title="Text of a document",
            description="The clean text that quotes are taken from. start and end are characters, "
            f"as in references; at most {_MOST_CHARACTERS:,} characters are given at once.",
            mime_type="text/plain",
        )
    ]


def list_documents(answering: Answering, cursor: str | None) -> types.ListResourcesResult:
    """Return a page of the documents, by path.

    Args:
        answering: knows the index.
        cursor: where the page begins, as the page before it said.

    Raises:
        MCPError: there is no such page.
        YinzhengError: the index cannot be used.
    """
    first = _number(cursor, 0, "cursor")
    infos = answering.open_index().documents()
    page = infos[first : first + _LISTED]
    last = first + len(page)
    return types.ListResourcesResult(
        resources=[_resource(info) for info in page],
        next_cursor=str(last) if last < len(infos) else None,
    )


def _resource(info: DocumentInfo) -> types.Resource:
    return types.Resource(
        uri=_TEMPLATE.expand({"id": info.id}),
        name=PurePath(info.path).name,
        title=info.title,
        description=f"{info.path} ({info.kind}, {info.passages:,} passages)",
        mime_type="text/plain",
    )


def read_document(answering: Answering, uri: str) -> types.ReadResourceResult:
    """Return the text of a document, or as much of it as is given at once.

    Raises:
        MCPError: there is no such document, or no such place in it.
        YinzhengError: the index cannot be used.
    """
    asked = _TEMPLATE.match(uri)
    if asked is None:
        raise _wrong(f"{uri!r} is no document. Its address reads yinzheng://documents/<id>.")
    document = _document(answering, str(asked["id"]))
    start = _number(asked.get("start"), 0, "start")
    wanted = _number(asked.get("end"), len(document.text), "end")
    if start >= wanted or start >= len(document.text):
        raise _wrong(
            f"{uri!r} holds nothing: {document.title} has {len(document.text):,} characters. "
            "Check start and end."
        )
    end = min(wanted, len(document.text), start + _MOST_CHARACTERS)
    contents = [_contents(uri, document.text[start:end])]
    if end < min(wanted, len(document.text)):
        contents.append(_what_follows(document, start, end))
    return types.ReadResourceResult(contents=list(contents))


def _document(answering: Answering, document_id: str) -> Document:
    opened = answering.open_index()
    try:
        return opened.document(document_id)
    except KeyError:
        raise _wrong(
            f"The index holds no document {document_id!r}. List the resources to see those it has."
        ) from None


def _contents(uri: str, text: str) -> types.TextResourceContents:
    return types.TextResourceContents(uri=uri, mime_type="text/plain", text=text)


def _what_follows(document: Document, start: int, end: int) -> types.TextResourceContents:
    following = _TEMPLATE.expand({"id": document.id, "start": str(end)})
    return _contents(
        following,
        f"(Above: characters {start}-{end} of {len(document.text)}. To go on, read {following})",
    )


def _number(text: object, default: int, name: str) -> int:
    if text is None:
        return default
    digits = str(text)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise _wrong(f"{name} is {digits!r}. Give a number of characters from 0 on.")
    return int(digits)


def _wrong(message: str) -> MCPError:
    return MCPError(code=types.INVALID_PARAMS, message=message)
