"""What the doors for documents take and tell; names of files are for who may change them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from index import script_of
from qa.server.changes import Change, ChangeKind, ChangeState
from qa.server.library import Line
from qa.server.progress import Count
from qa.server.visitors import Visitor


class CountOut(BaseModel):
    """So many of so many."""

    done: int
    total: int


class ChangeOut(BaseModel):
    """A change of the index: under way, or the last one there was."""

    id: str
    kind: ChangeKind
    state: ChangeState
    cancelling: bool = Field(description="Whether it was told to end.")
    stage: str = Field(description="start, read, embed, compress or write")
    files: CountOut | None = Field(description="Files read.")
    paragraphs: CountOut | None = Field(description="Paragraphs embedded, of those that must be.")
    seconds_left: float | None = Field(
        description="About how long it will still take, from the speed measured; null where "
        "that is not known."
    )
    seconds: float = Field(description="How long it has taken.")
    started_by: str
    started: datetime
    finished: datetime | None
    message: str = Field(description="What came of it, and what to do.")
    generation: str = Field(description="The generation in use when it ended.")
    report: dict[str, Any] | None = Field(
        description="What a build did with every file; only for who may change documents."
    )


class CurrentOut(BaseModel):
    """The change under way, else the last one, else null."""

    change: ChangeOut | None


class DocumentOut(BaseModel):
    """A document in the list."""

    id: str
    name: str
    title: str
    script: str = Field(description="zh-Hans, zh-Hant, or empty: how the title is to be set.")
    kind: str
    paragraphs: int
    indexed: datetime | None
    garbled: int | None = Field(description="Pieces that look garbled; null = nobody looked.")
    duplicates: int = Field(description="Paragraphs that stand elsewhere, too.")
    dropped: int = Field(description="Pieces of text that were left out.")
    notes: list[str] = Field(description="What else was noticed when it was read.")
    missing: bool = Field(description="Whether its file is gone; it is still quoted.")
    uploaded: bool = Field(description="Whether its file was uploaded.")
    path: str | None = Field(description="Where its file lies; only for who may change documents.")


class LimitsOut(BaseModel):
    """What may be uploaded."""

    files: int = Field(description="Files at a time.")
    bytes_each: int
    bytes_free: int = Field(description="What all uploads together may still take.")


class LibraryOut(BaseModel):
    """The documents that are indexed, and what the visitor may do with them."""

    generation: str
    created: datetime
    warning: str = Field(description="Why an older generation answers; empty when none does.")
    total: int
    matching: int
    documents: list[DocumentOut]
    may_change: bool
    limits: LimitsOut | None


class GenerationOut(BaseModel):
    """A complete version of the index on the disk."""

    name: str
    created: datetime | None
    documents: int
    paragraphs: int
    bytes_on_disk: int
    in_use: bool
    problem: str


class SelectionIn(BaseModel):
    """Documents, by id."""

    documents: list[str] = Field(default_factory=list, max_length=100_000)


class RollbackIn(BaseModel):
    """The generation to go back to; null = the newest one older than that in use."""

    generation: str | None = Field(default=None, max_length=100)


def change_out(change: Change, visitor: Visitor) -> ChangeOut:
    """Return a change as a visitor may see it: names of files are for who may change them."""
    progress = change.progress
    until = change.finished or datetime.now(change.started.tzinfo)
    shown = change.message
    if change.state == "failed" and not visitor.may_change:
        shown = "The change failed; the index is as it was."
    return ChangeOut(
        id=change.id,
        kind=change.kind,
        state=change.state,
        cancelling=change.is_cancelling,
        stage=progress.stage,
        files=_count(progress.files),
        paragraphs=_count(progress.paragraphs),
        seconds_left=progress.seconds_left,
        seconds=(until - change.started).total_seconds(),
        started_by=change.started_by,
        started=change.started,
        finished=change.finished,
        message=shown,
        generation=change.generation,
        report=dict(change.report) if change.report and visitor.may_change else None,
    )


def _count(count: Count | None) -> CountOut | None:
    return CountOut(done=count.done, total=count.total) if count is not None else None


def document_out(line: Line, visitor: Visitor) -> DocumentOut:
    """Return a document as a visitor may see it."""
    info, facts = line.details.info, line.details.facts
    return DocumentOut(
        id=info.id,
        name=line.name,
        title=info.title,
        script=script_of(info.title) or "",
        kind=info.kind,
        paragraphs=info.passages,
        indexed=line.indexed,
        garbled=facts.garbled,
        duplicates=line.details.duplicates,
        dropped=sum(one.count for one in facts.dropped),
        notes=list(facts.notes),
        missing=line.is_missing,
        uploaded=line.is_uploaded,
        path=info.path if visitor.may_change else None,
    )
