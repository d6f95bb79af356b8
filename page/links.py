"""Citation links: the conversation itself remembers what was quoted, and where.

What the browser sends back is unchecked: ``page.panel`` checks each link against the index.
"""

import re
from dataclasses import dataclass, replace

from page.conversation import Messages, is_question, question_of, text_of
from page.markdown import from_markdown

MOST_TURNS = 10
MOST_CLOSEST = 3
_MOST_LINKS = 5
MOST_ELSEWHERE = 3
MOST_MARKS = 40
# What stands before the address is ours: in a document's words the brackets are escaped.
_LINK = re.compile(
    r"(?: \[\[[0-9]\]|[0-9])\]\(#(cite|near|also)-([0-9]{1,6})-([0-9a-f]{1,64})"
    r"-([0-9]{1,9})-([0-9]{1,9})(?:-([0-9a-f]{16}))?((?:\.[0-9]{1,5}){0,80})"
    r"(?:_([0-9]{1,5})\.([0-9]{1,5}))?\)"
)
HASH_DIGITS = 16


@dataclass(frozen=True)
class Link:
    """A link from a message to a place in a document; one read from a message is unchecked.

    Attributes:
        kind: ``cite`` behind a quote, ``near`` for a closest passage that does not answer, ``also``
            for another place that has a quote's words.
        marks: where in the quote the words that decided begin and end, by turns.
        answer: where in the quote the phrase that answers begins and ends; none = there is none.
        before: the message's text up to the link.
        content: first digits of the hash of the document quoted, as it was then; may be missing.
        also_in: the links to the other places.
    """

    kind: str
    turn: int
    document_id: str
    start: int
    end: int
    marks: tuple[int, ...] = ()
    answer: tuple[int, ...] = ()
    before: str = ""
    also_in: "tuple[Link, ...]" = ()
    content: str = ""

    @property
    def reference(self) -> str:
        """The permanent reference, with as many digits of the hash as the link has."""
        return f"yinzheng:{self.content}#{self.start}-{self.end}" if self.content else ""

    @property
    def shown_before(self) -> str:
        """The words of the block quote that the link stands behind."""
        lines: list[str] = []
        for line in reversed(self.before.rstrip(" ").split("\n")):
            if not line.startswith(">"):
                break
            lines.append(line[1:].removeprefix(" "))
        return from_markdown("\n".join(reversed(lines)))

    @property
    def address(self) -> str:
        """The link's target; unique in the page."""
        marks = "".join(f".{at}" for at in self.marks)
        content = f"-{self.content[:HASH_DIGITS]}" if self.content else ""
        place = f"{self.document_id}-{self.start}-{self.end}"
        answer = "_{}.{}".format(*self.answer) if self.answer else ""
        return f"{self.kind}-{self.turn}-{place}{content}{marks}{answer}"

    def to_markdown(self, number: int) -> str:
        """Return the link as it stands in a message."""
        return f"[[{number}]](#{self.address})"


@dataclass(frozen=True)
class Turn:
    """A question and the citation links of its answer."""

    question: str
    links: tuple[Link, ...]


def turns_in(history: Messages) -> dict[int, Turn]:
    """Return the turns of a conversation that have citation links, by number."""
    turns: dict[int, Turn] = {}
    question = ""
    for message in history:
        text = text_of(message)
        if is_question(message):
            question = question_of(message)
            continue
        links = links_in(text)
        if links:
            number = links[0].turn
            same = dict.fromkeys(link for link in links if link.turn == number)
            turns[number] = Turn(question, tuple(same)[:_MOST_LINKS])
    return turns


def links_in(text: str) -> list[Link]:
    """Return the links of a message, each with the links to its other places."""
    links: list[Link] = []
    for link in map(_to_link, _LINK.finditer(text)):
        if link.kind != "also":
            links.append(link)
        elif links and link.turn == links[-1].turn:
            also_in = (*links[-1].also_in, link)[:MOST_ELSEWHERE]
            links[-1] = replace(links[-1], also_in=also_in)
    return links


def link_at(address: str) -> Link | None:
    """Return the link with an address; None when it is none."""
    match = _LINK.fullmatch(f" [[1]](#{address})")
    return _to_link(match) if match else None


def _to_link(match: re.Match[str]) -> Link:
    kind, turn, document_id, start, end, content, marks, *answer = match.groups()
    return Link(
        kind=kind,
        turn=int(turn),
        document_id=document_id,
        start=int(start),
        end=int(end),
        marks=tuple(int(at) for at in marks.split(".")[1:]),
        answer=tuple(int(at) for at in answer if at is not None),
        before=match.string[: match.start()],
        content=content or "",
    )
