"""A permanent reference → the quote in its place, or what has become of it.

``yinzheng:<document hash>#<start>-<end>``: the SHA-256 of the source file's bytes, or its first
digits where these tell one document, and the characters of the document's clean text. The hash says
which state of a document is meant, wherever its file lies and whatever it is called.
"""

import re
from dataclasses import dataclass
from typing import Literal

from index import (
    Document,
    Index,
    IndexPlace,
    Passage,
    PlaceError,
    Version,
    document_as_it_was,
    find_words,
)
from qa.indexes import shared_index

_REFERENCE = re.compile(r"yinzheng:([0-9a-f]{8,64})#(\d{1,12})-(\d{1,12})")
_FORM = "A reference reads yinzheng:<document hash>#<start>-<end>."

ReferenceStatus = Literal["current", "moved", "changed"]
"""``current``: the document is as it was; ``moved``: its source has changed since, but still holds
the quote; ``changed``: it no longer does, or nobody can tell."""


@dataclass(frozen=True)
class Resolved:
    """What a permanent reference leads to.

    Attributes:
        reference: as it was given, without blanks around it.
        status: ``current``, ``moved`` or ``changed``.
        quote: the words referred to; None when no generation on the disk holds them any more.
        document: the document as the index has it now.
        start: first character of the quote in it; None when the status is ``changed``.
        end: one past its last character; None when the status is ``changed``.
        headings: the headings the quote stands under, outermost first.
        page: page number, for formats that have pages.
        version: the state of the document that is referred to, as it was recorded.
        is_read_otherwise: whether the same bytes gave another text in another build, so that the
            place may have shifted.
    """

    reference: str
    status: ReferenceStatus
    quote: str | None
    document: Document
    start: int | None
    end: int | None
    headings: tuple[str, ...]
    page: int | None
    version: Version | None
    is_read_otherwise: bool


def resolve(reference: str, *, index: str | IndexPlace | Index | None = None) -> Resolved:
    """Find the quote of a permanent reference.

    Args:
        reference: ``Citation.reference``, or with fewer digits of the hash, at least 8.
        index: an index folder, an address on a Milvus server, or an opened index; None = the
            default index.

    Raises:
        PlaceError: it is no reference, means several documents, or nothing in this index.
        IndexNotFoundError: the folder named holds no index.
    """
    text = reference.strip()
    matched = _REFERENCE.fullmatch(text)
    if matched is None:
        raise PlaceError(f"{text!r} is no reference. {_FORM}")
    content_hash, start, end = matched[1], int(matched[2]), int(matched[3])
    if start >= end:
        raise PlaceError(f"The place {start}-{end} of {text} holds nothing. {_FORM}")
    opened = shared_index(index)
    documents = opened.documents_of_content(content_hash)
    versions = opened.versions_of_content(content_hash)
    _check_one({d.content_hash for d in documents} | {v.content_hash for v in versions}, text)
    if documents:
        return _current(opened, text, documents[0], versions, (start, end))
    return _changed(opened, text, versions, (start, end))


def _check_one(hashes: set[str], text: str) -> None:
    if not hashes:
        raise PlaceError(
            f"{text} names no document of this index, neither as it is now nor as it was. "
            "Ask the index it was made with (--index), or add the document again."
        )
    if len(hashes) > 1:
        raise PlaceError(
            f"{text} could mean {len(hashes)} documents. Give more digits of the document hash."
        )


def _current(
    opened: Index, text: str, document: Document, versions: list[Version], place: tuple[int, int]
) -> Resolved:
    quote = _slice(document, place, text)
    passage = _passage_at(opened, document, place)
    return Resolved(
        reference=text,
        status="current",
        quote=quote,
        document=document,
        start=place[0],
        end=place[1],
        headings=passage.headings if passage else (),
        page=passage.page if passage else None,
        version=_version_of(versions, document.id),
        is_read_otherwise=_is_read_otherwise(versions),
    )


def _changed(opened: Index, text: str, versions: list[Version], place: tuple[int, int]) -> Resolved:
    version = versions[-1]
    document = opened.document(version.document_id)
    before = document_as_it_was(opened, version.document_id, version.content_hash)
    quote = _slice(before, place, text) if before is not None else None
    found = find_words(quote, document.text) if quote else None
    passage = _passage_at(opened, document, (found.start, found.end)) if found else None
    return Resolved(
        reference=text,
        status="moved" if found else "changed",
        quote=quote,
        document=document,
        start=found.start if found else None,
        end=found.end if found else None,
        headings=passage.headings if passage else (),
        page=passage.page if passage else None,
        version=version,
        is_read_otherwise=_is_read_otherwise(versions),
    )


def _slice(document: Document, place: tuple[int, int], text: str) -> str:
    start, end = place
    if end > len(document.text):
        raise PlaceError(
            f"{text} goes beyond {document.title}, which has {len(document.text):,} characters. "
            "Check the numbers behind the #."
        )
    return document.text[start:end]


def _passage_at(opened: Index, document: Document, place: tuple[int, int]) -> Passage | None:
    """Return the passage in which a place begins, else the first behind it."""
    passages = opened.passages_of(document.id)
    return next((one for one in passages if place[0] < one.end), None)


def _version_of(versions: list[Version], document_id: str) -> Version | None:
    return next((one for one in versions if one.document_id == document_id), None)


def _is_read_otherwise(versions: list[Version]) -> bool:
    by_document: dict[str, set[bytes]] = {}
    for one in versions:
        by_document.setdefault(one.document_id, set()).add(one.text_key)
    return any(len(keys) > 1 for keys in by_document.values())
