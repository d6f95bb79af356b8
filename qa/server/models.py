"""What the REST door takes and gives, as its OpenAPI document describes it.

The values themselves come from ``qa.wire``; a test holds the two together.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qa.server.answering import LONGEST_QUESTION, MOST_HITS
from qa.types import Language, Status, Strictness

# Something that can be read: not only blanks, control characters and marks without a shape.
_VISIBLE = (
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200b\u200e\u200f"
    r"\u2028-\u202f\u205f-\u2069\u3000\ufeff]"
)
_Text = Annotated[str, Field(max_length=LONGEST_QUESTION)]
Question = Annotated[
    str,
    Field(
        max_length=LONGEST_QUESTION,
        description="In Simplified or Traditional Chinese, English, or a mixture.",
        examples=["烏海市全程網辦事項量提升了多少"],
        json_schema_extra={"minLength": 1, "pattern": _VISIBLE},
    ),
]


def _whole(value: object) -> object:
    """Take 5.0 for 5: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


TopK = Annotated[
    int,
    Field(ge=1, le=MOST_HITS, description="How many of the closest passages to return."),
    BeforeValidator(_whole),
]


class _Given(BaseModel):
    """What a program sends: nothing is guessed, and no field is overlooked."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Told(BaseModel):
    """What a program gets."""

    model_config = ConfigDict(extra="forbid")


class Ask(_Given):
    """A question to be answered."""

    question: Question
    earlier: list[_Text] = Field(
        default=[],
        max_length=50,
        description="The questions before it in the same conversation, oldest first: a follow-up "
        "is completed from them. The last 20 are looked at.",
    )
    strictness: Strictness = Field(
        default="balanced",
        description="How sure an answer must be; strict refuses more and errs less.",
    )
    top_k: TopK = 5


class Retrieve(_Given):
    """A question for which passages are wanted."""

    question: Question
    top_k: TopK = 5


class Place(_Told):
    """Where the same words stand once more."""

    document: str
    start: int
    end: int


class Citation(_Told):
    """A verbatim quote and its place: characters start to end of the document's text."""

    quote: str
    document: str = Field(description="Id of the document, for /api/v1/documents/{id}.")
    title: str
    headings: list[str] = Field(description="The headings it stands under, outermost first.")
    start: int
    end: int
    page: int | None = Field(description="Page number, for formats that have pages.")
    score: float
    answer: str | None = Field(description="The phrase in the quote that answers, if one was read.")
    answer_start: int | None = Field(description="Where it begins in the document's text.")
    answer_end: int | None = Field(description="Where it ends.")
    marks: list[tuple[int, int]] = Field(
        description="Ranges of the document's text inside the quote: the words that decided."
    )
    also_in: list[Place]
    reference: str = Field(description="Permanent reference, for /api/v1/passages/{reference}.")


class Hit(_Told):
    """A passage retrieved."""

    rank: int
    score: float
    document: str
    title: str
    headings: list[str]
    start: int
    end: int
    page: int | None
    text: str
    also_in: list[Place]
    repeats: int = Field(description="In how many other places the same words stand.")
    reference: str


class Answer(_Told):
    """Verbatim quotes, or that the documents hold no answer."""

    question: str
    searched: str = Field(description="What was searched for: a follow-up as it was completed.")
    language: Language
    status: Status
    confidence: float = Field(ge=0, le=1, description="How likely the first quote answers.")
    strictness: Strictness
    text: str = Field(description="The quotes in a frame in the question's language.")
    citations: list[Citation]
    hits: list[Hit] = Field(description="The closest passages, whatever the status.")


class Hits(_Told):
    """The closest passages, best first."""

    question: str
    hits: list[Hit]


class DocumentSummary(_Told):
    """A document in the list."""

    id: str
    title: str
    name: str = Field(description="Name of its file.")
    path: str | None = Field(description="Where its file lay; told to administrators only.")
    kind: str
    encoding: str
    content_hash: str = Field(description="SHA-256 of the file's bytes.")
    passages: int


class Documents(_Told):
    """A page of the list of documents, by path."""

    total: int
    offset: int
    limit: int
    documents: list[DocumentSummary]


class Document(DocumentSummary):
    """A document."""

    characters: int
    text: str | None = Field(description="Its clean text, when asked for.")


class Version(_Told):
    """The state of a document that a reference means."""

    document_id: str
    path: str | None = Field(description="Where its file lay; told to administrators only.")
    content_hash: str
    text_key: str
    generation: str
    indexed: str


class Context(_Told):
    """The document's text on either side of a quote."""

    before: str
    after: str


class ResolvedPassage(_Told):
    """What a permanent reference leads to.

    ``current``: the document is as it was; ``moved``: it has changed, but still holds the quote;
    ``changed``: it no longer does.
    """

    reference: str
    status: Literal["current", "moved", "changed"]
    quote: str | None
    document: str
    title: str
    name: str
    path: str | None = Field(description="Where its file lies; told to administrators only.")
    headings: list[str]
    page: int | None
    start: int | None
    end: int | None
    context: Context | None
    version: Version | None
    is_read_otherwise: bool


class Alive(_Told):
    """The process answers."""

    status: Literal["ok"]


class Ready(_Told):
    """Questions can be asked."""

    status: Literal["ready"]
    generation: str
    documents: int
    passages: int
    is_fallback: bool = Field(
        description="Whether an older generation answers, because the newest is damaged."
    )


class FaultyValue(BaseModel):
    """What is wrong with one value of a request."""

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the body.")
    parameter: str | None = Field(default=None, description="Name of a parameter of the address.")


class Problem(BaseModel):
    """Why there is no answer, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="urn:yinzheng:<reference number in the server's log>")
    errors: list[FaultyValue] | None = None


class OpenAIError(BaseModel):
    """Why there is no answer, as OpenAI's clients read it."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str | None
    instance: str


class OpenAIProblem(BaseModel):
    """An error of the door for OpenAI's clients."""

    error: OpenAIError
