"""Citation links → what they point to, checked: a browser may have made them up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from index import Document, Index, Passage, PlaceError, duplicate_key
from page.links import HASH_DIGITS, Link
from page.markdown import in_blockquote
from qa import Resolved, resolve

SourceStatus = Literal["current", "moved", "changed"]
"""``current``: it stands where the link says; ``moved``: the document has changed, but still has
the words; ``changed``: it no longer has them."""


@dataclass(frozen=True)
class Source:
    """A citation link that holds, and the document and passage it stands in.

    Attributes:
        link: the link.
        document: as the index has it now.
        passage: where the quote stands; None when it no longer does, or cuts passages.
        status: whether it still stands there.
        found: what the link's permanent reference led to, where the link itself did not hold.
    """

    link: Link
    document: Document
    passage: Passage | None
    found: Resolved | None = None

    @property
    def status(self) -> SourceStatus:
        """Whether the quote still stands where it stood."""
        return self.found.status if self.found else "current"

    @property
    def start(self) -> int:
        """Where the quote stands now; where it stood, when it no longer does."""
        moved = self.found.start if self.found else None
        return self.link.start if moved is None else moved

    @property
    def end(self) -> int:
        """One past the quote's last character."""
        moved = self.found.end if self.found else None
        return self.link.end if moved is None else moved

    @property
    def quote(self) -> str:
        """The words at the link's place, or, when they are gone, those that stood there."""
        if self.found is not None and self.found.status == "changed":
            return self.found.quote or ""
        return self.document.text[self.start : self.end]

    @property
    def marks(self) -> Sequence[int]:
        """Where in the quote the words that decided begin and end, by turns."""
        return () if self.found else self.link.marks

    @property
    def answer(self) -> Sequence[int]:
        """Where in the quote the phrase that answers begins and ends; none = there is none."""
        return () if self.found else self.link.answer

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings it stands under."""
        return self.found.headings if self.found else self.passage.headings if self.passage else ()

    @property
    def page(self) -> int | None:
        """The page it stands on."""
        return self.found.page if self.found else self.passage.page if self.passage else None

    @property
    def place(self) -> Link:
        """A link to where the quote stands now."""
        if self.found is None:
            return self.link
        place = replace(self.link, document_id=self.document.id, start=self.start, end=self.end)
        content = self.document.content_hash[:HASH_DIGITS]
        return replace(place, content=content, marks=(), answer=())

    @property
    def reference(self) -> str:
        """The permanent reference of the quote."""
        if self.status == "changed":
            return self.link.reference
        return f"yinzheng:{self.document.content_hash}#{self.start}-{self.end}"


def find_source(index: Index, link: Link, same_as: str = "") -> Source | None:
    """Return what a link points to; None unless exactly that can be shown.

    The browser sends the conversation back, and the index may have been rebuilt since. So a place
    must lie inside a passage, and what stands there now must be the quote that the message shows,
    or, for a further place, have the words of ``same_as``.
    """
    place = find_place(index, link)
    return place if place is not None and _holds(place, same_as) else None


def find_place(index: Index, link: Link) -> Source | None:
    """Return the place of a link, if it lies inside a passage, whatever words stand there."""
    try:
        document, passages = index.document(link.document_id), index.passages_of(link.document_id)
    except KeyError:
        return None
    for passage in passages:
        if passage.start <= link.start < link.end <= passage.end:
            return Source(link, document, passage)
    return None


def find_source_again(index: Index, link: Link) -> Source | None:
    """Return what a link points to, or what has become of it since; None when nobody can tell."""
    return find_source(index, link) or _found_again(index, link)


def _found_again(index: Index, link: Link) -> Source | None:
    # A closest passage's words are not in the message: nothing tells whether the reader had them.
    if link.kind != "cite" or not link.content:
        return None
    try:
        found = resolve(link.reference, index=index)
    except (PlaceError, KeyError):
        return None
    if not found.quote or not _is_shown(link, found.quote):
        return None
    return Source(link, found.document, None, found)


def _holds(source: Source, same_as: str) -> bool:
    link, passage = source.link, source.passage
    if link.kind == "near":
        is_whole = passage is not None and (link.start, link.end) == (passage.start, passage.end)
        return is_whole and not (link.marks or link.answer)
    if link.kind == "also":
        is_plain = not (link.marks or link.answer)
        return is_plain and duplicate_key(source.quote) == duplicate_key(same_as)
    return are_in_order(link) and _is_shown(link, source.quote)


def _is_shown(link: Link, quote: str) -> bool:
    """Return whether a message shows a quote before its link."""
    return link.before.endswith(in_blockquote(quote, link.answer))


def are_in_order(link: Link) -> bool:
    """Return whether the marks of a link, and its answer, lie inside its quote, in order."""
    length = link.end - link.start
    marks, answer = [0, *link.marks, length], [0, *link.answer, length]
    return len(marks) % 2 == 0 and marks == sorted(marks) and answer == sorted(answer)
