"""What each tool takes: the input schemas that clients see, and the check against them."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from index import QuestionError
from qa.server.answering import LONGEST_QUESTION, MOST_EARLIER, MOST_HITS
from qa.types import Strictness

_Question = Annotated[
    str,
    Field(
        description="In Simplified or Traditional Chinese, English, or a mixture; at most "
        f"{LONGEST_QUESTION:,} characters."
    ),
]
_TopK = Annotated[
    int,
    Field(ge=1, le=MOST_HITS, description="How many of the closest passages to list."),
]
_Earlier = Annotated[
    list[Annotated[str, Field(max_length=LONGEST_QUESTION)]],
    Field(
        max_length=50,
        description="The questions asked before in the same conversation, oldest first: a "
        "follow-up such as 那包头呢？ is completed from them. "
        f"The last {MOST_EARLIER} are looked at.",
    ),
]


class AskArguments(BaseModel, extra="forbid"):
    """What ``ask`` takes."""

    question: _Question
    strictness: Annotated[
        Strictness, Field(description="How sure an answer must be; strict refuses more, errs less.")
    ] = "balanced"
    top_k: _TopK = 5
    earlier: _Earlier = []


class RetrieveArguments(BaseModel, extra="forbid"):
    """What ``retrieve`` takes."""

    question: _Question
    top_k: _TopK = 5


class ShowArguments(BaseModel, extra="forbid"):
    """What ``show`` takes."""

    reference: Annotated[
        str,
        Field(
            description="The permanent reference of a quote, as ask gives it: "
            "yinzheng:<document hash>#<start>-<end>."
        ),
    ]


_Model = TypeVar("_Model", bound=BaseModel)


def checked(model: type[_Model], given: dict[str, Any]) -> _Model:
    """Return the arguments of a call.

    Raises:
        QuestionError: they are not what the tool takes.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(_in_words(one["loc"], one["msg"]) for one in error.errors())
        takes = ", ".join(model.model_fields)
        raise QuestionError(
            f"The arguments are not what the tool takes: {wrong}. It takes {takes}; "
            "see its input schema."
        ) from error


def _in_words(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message[:1].lower()}{message[1:]}"
