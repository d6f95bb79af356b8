"""What each tool gives: the output schemas of ``qa.wire``'s JSON that clients see.

A test holds both against each other, so that no field is added to one of them only.
"""

from typing import Annotated

from pydantic import BaseModel, Field

from qa.references import ReferenceStatus
from qa.types import Language, Status, Strictness

_Document = Annotated[
    str, Field(description="Id of the document; its text is yinzheng://documents/<id>.")
]
_Start = Annotated[int, Field(description="First character in the document's text.")]
_End = Annotated[int, Field(description="One past the last character.")]
_Page = Annotated[int | None, Field(description="Page number, for formats that have pages.")]
_Headings = Annotated[
    list[str], Field(description="The headings it stands under, outermost first.")
]
_Reference = Annotated[str, Field(description="Permanent reference; show follows it.")]


class PlaceOutput(BaseModel):
    """A place where the same words stand once more."""

    document: _Document
    start: _Start
    end: _End


class CitationOutput(BaseModel):
    """A verbatim quote and its place."""

    quote: Annotated[str, Field(description="The document's own words, character by character.")]
    document: _Document
    title: str
    headings: _Headings
    start: _Start
    end: _End
    page: _Page
    score: float
    answer: Annotated[
        str | None,
        Field(description="The phrase in the quote that answers, if one was read."),
    ]
    answer_start: Annotated[int | None, Field(description="Where it begins in the document.")]
    answer_end: Annotated[int | None, Field(description="Where it ends.")]
    marks: Annotated[
        list[list[int]],
        Field(description="Ranges in the document's text: the words that decided for the quote."),
    ]
    also_in: list[PlaceOutput]
    reference: _Reference


class HitOutput(BaseModel):
    """A passage retrieved."""

    rank: Annotated[int, Field(description="1 for the best.")]
    score: float
    document: _Document
    title: str
    headings: _Headings
    start: _Start
    end: _End
    page: _Page
    text: str
    also_in: list[PlaceOutput]
    repeats: Annotated[int, Field(description="In how many other places the same words stand.")]
    reference: _Reference


class AskOutput(BaseModel):
    """An answer."""

    question: str
    searched: Annotated[
        str, Field(description="What was searched for: a follow-up is completed from earlier.")
    ]
    language: Language
    status: Annotated[Status, Field(description="not_found: the documents hold no sure answer.")]
    confidence: Annotated[
        float, Field(ge=0, le=1, description="How likely the first quote answers.")
    ]
    strictness: Strictness
    text: Annotated[str, Field(description="The quotes in a short frame, for people.")]
    citations: Annotated[list[CitationOutput], Field(description="Best first.")]
    hits: Annotated[
        list[HitOutput],
        Field(description="The closest passages; with not_found they do not answer."),
    ]


class RetrieveOutput(BaseModel):
    """The passages closest to a question."""

    question: str
    hits: Annotated[list[HitOutput], Field(description="Best first.")]


class VersionOutput(BaseModel):
    """The state of a document that a reference means."""

    document_id: str
    path: str
    content_hash: str
    text_key: str
    generation: str
    indexed: str


class ShowOutput(BaseModel):
    """What a permanent reference leads to."""

    reference: _Reference
    status: Annotated[
        ReferenceStatus,
        Field(
            description="current: the document is as it was; moved: its source has changed, but "
            "still holds the quote; changed: it no longer does."
        ),
    ]
    quote: Annotated[str | None, Field(description="None when nothing holds the words any more.")]
    document: _Document
    title: str
    path: str
    headings: _Headings
    page: _Page
    start: int | None
    end: int | None
    version: VersionOutput | None
    is_read_otherwise: bool
