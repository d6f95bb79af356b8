"""Which documents the next generation holds, and what became of every file on the way there."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.errors import DocumentError
from index.loaders import Limits, Source, find_sources, shown
from index.loaders.sources import STDIN
from index.model_in_use import ModelInUse
from index.reading import (
    document_id,
    forced_encoding,
    numbered,
    read,
    way_of_reading,
    with_keys_of_today,
)
from index.reuse import OldGeneration
from index.selecting import file_of
from index.store import Entry
from index.types import DocumentInfo, FailedFile, FileReport, FileStatus

_KEPT_AS_IT_WAS = "What the index held of it is kept."


@dataclass(frozen=True)
class ReadingOptions:
    """How files are found and read.

    Attributes:
        encoding: of text files; None = it is found out, file by file.
        limits: what is refused; None = the defaults.
        follow_links: whether symbolic links in a folder may lead out of it.
    """

    encoding: str | None = None
    limits: Limits | None = None
    follow_links: bool = False


@dataclass(frozen=True)
class Found:
    """The documents that paths name.

    Attributes:
        sources: each of them, or why it cannot be read.
        passed_over: what lies in their folders and archives and is hidden or of no known kind.
    """

    sources: Sequence[Source | FailedFile]
    passed_over: Sequence[str] = ()

    @classmethod
    def of(cls, paths: Iterable[str | Path], options: ReadingOptions) -> "Found":
        """Find them.

        Raises:
            DocumentError: a named path does not exist.
        """
        passed_over: list[str] = []
        sources = find_sources(
            paths,
            limits=options.limits,
            follow_links=options.follow_links,
            on_skip=passed_over.append,
        )
        return cls(list(sources), passed_over)


@dataclass
class Gathering:
    """The documents of the next generation, gathered one by one.

    Args:
        old: the generation in use, if there is one to build on.
        model: what counts the tokens of passages.
        options: how files are read.
        fresh: whether every file is read again.
    """

    old: OldGeneration | None
    model: ModelInUse
    options: ReadingOptions
    fresh: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)
    reports: dict[str, FileReport] = field(default_factory=dict)
    was_read: bool = False
    """Whether any document comes from its file and not from the old generation."""

    def keep(self, ids: Iterable[str]) -> None:
        """Take documents over from the old generation as they are."""
        if self.old is None:
            return
        for one in ids:
            entry = self.old.entries[one]
            if entry.facts.reading != way_of_reading(forced_encoding(entry.facts.reading)):
                entry = with_keys_of_today(entry)
            self._take(entry, "unchanged")

    def read_all(self, found: Found, told: Callable[[str, int, int], None]) -> None:
        """Take documents from their files; what cannot be read is reported and left out."""
        for done, source in enumerate(found.sources, start=1):
            if isinstance(source, FailedFile):
                self._fail(source.path, source.reason)
            else:
                self._read_one(source, self.options.encoding)
            told("read", done, len(found.sources))
        for path in map(shown, found.passed_over):
            reason = "Hidden, or of no kind that can be read."
            self.reports.setdefault(path, FileReport(path, "passed over", reason=reason))

    def read_again(
        self, infos: Collection[DocumentInfo], told: Callable[[str, int, int], None], *, prune: bool
    ) -> None:
        """Take known documents from their files; what cannot be read stays as it is.

        Args:
            infos: the documents.
            told: called with the stage, how many are done, and of how many.
            prune: whether documents whose file is gone are left out.
        """
        files = {file_of(info.path) for info in infos if info.path != STDIN}
        found = _sources_of(files, self.options)
        for done, info in enumerate(infos, start=1):
            source = found.get(info.id)
            if info.path == STDIN:
                self.keep([info.id])
                self.note(info.path, "Standard input cannot be read again.")
            elif source is not None:
                self.keep([info.id])
                self._read_one(source, self.options.encoding or self._encoding_of(info.id))
            elif prune:
                self.leave_out(info, "Its file is gone.")
            else:
                self.keep([info.id])
                self.note(info.path, f"Its file is gone. {_KEPT_AS_IT_WAS}", "vanished")
            told("read", done, len(infos))

    def leave_out(self, info: DocumentInfo, reason: str = "") -> None:
        """Report a document of the old generation as removed."""
        self.reports[info.path] = FileReport(info.path, "removed", info.encoding, reason=reason)

    def note(self, path: str, reason: str, status: FileStatus | None = None) -> None:
        """Say more of a file that was reported."""
        report = self.reports[path]
        self.reports[path] = replace(report, reason=reason, status=status or report.status)

    def _encoding_of(self, known: str) -> str | None:
        """Return the encoding that a document of the old generation was forced into, if any."""
        return forced_encoding(self.old.entries[known].facts.reading) if self.old else None

    def _read_one(self, source: Source, encoding: str | None) -> None:
        started = time.perf_counter()
        try:
            content = source.read()
            self._take_content(source.path, content, encoding, started)
        except (DocumentError, OSError) as error:
            self._fail(source.path, str(error), time.perf_counter() - started)

    def _take_content(
        self, path: str, content: bytes, encoding: str | None, started: float
    ) -> None:
        content_hash = hashlib.sha256(content).hexdigest()
        known = self.old.infos.get(document_id(path)) if self.old is not None else None
        is_same = known is not None and known.content_hash == content_hash
        if is_same and known is not None and self._may_keep(known.id, encoding):
            self.keep([known.id])
            return
        entry = read(
            path,
            content,
            self.model.count_tokens,
            self.model.max_tokens,
            encoding=encoding,
            limits=self.options.limits,
        )
        status: FileStatus = "new" if known is None else "unchanged" if is_same else "changed"
        self._take(entry, status, seconds=time.perf_counter() - started)
        self.was_read = True
        if is_same:
            self.note(entry.document.path, "Read again: not in the same way as before.")

    def _may_keep(self, known: str, encoding: str | None) -> bool:
        """Return whether a document of the same content would be read the same again."""
        if self.old is None or self.fresh or not self.model.is_that_of_old:
            return False
        return self.old.entries[known].facts.reading == way_of_reading(encoding)

    def _take(self, entry: Entry, status: FileStatus, *, seconds: float = 0.0) -> None:
        document = entry.document
        self.entries[document.id] = entry
        self.reports[document.path] = FileReport(
            path=document.path,
            status=status,
            encoding=document.encoding,
            kept=len(entry.passages),
            facts=entry.facts,
            seconds=seconds,
        )

    def _fail(self, path: str, reason: str, seconds: float = 0.0) -> None:
        if document_id(path) in self.entries:
            reason = f"{reason} {_KEPT_AS_IT_WAS}"
        path = shown(path)
        self.reports[path] = FileReport(path, "failed", reason=reason, seconds=seconds)

    @property
    def failed(self) -> list[FailedFile]:
        """The files that could not be read."""
        return [FailedFile(r.path, r.reason) for r in self.file_reports() if r.status == "failed"]

    @property
    def is_unchanged(self) -> bool:
        """Whether the next generation would hold what the old one holds."""
        return (
            self.old is not None
            and not self.was_read
            and self.entries.keys() == self.old.infos.keys()
        )

    def ordered(self) -> list[Entry]:
        """Return the documents by path, their passages numbered.

        The order is that of their paths, whatever way they came, so that an index depends on its
        documents only and not on its history.
        """
        entries, first = [], 0
        for entry in sorted(self.entries.values(), key=lambda e: (e.document.path, e.document.id)):
            entries.append(numbered(entry, first))
            first += len(entry.passages)
        return entries

    def renamed(self) -> dict[str, str]:
        """Return, by the id of each renamed document, the id it had."""
        if self.old is None:
            return {}
        gone = {
            info.content_hash: info
            for info in self.old.infos.values()
            if info.id not in self.entries
        }
        found: dict[str, str] = {}
        for id_, entry in self.entries.items():
            before = gone.get(entry.document.content_hash)
            if before is not None and id_ not in self.old.infos:
                del gone[entry.document.content_hash]
                found[id_] = before.id
        return found

    def file_reports(self) -> list[FileReport]:
        """Return what became of every file, by path."""
        reports = dict(self.reports)
        infos = self.old.infos if self.old is not None else {}
        renamed = self.renamed()
        for info in infos.values():
            if info.id not in self.entries and info.path not in reports:
                reports[info.path] = FileReport(info.path, "removed", info.encoding)
        for id_, before in renamed.items():
            path = self.entries[id_].document.path
            reason = f"It was {infos[before].path}."
            reports[path] = replace(reports[path], status="renamed", reason=reason)
            reports.pop(infos[before].path, None)
        for path, count in self._duplicates().items():
            reports[path] = replace(reports[path], duplicates=count)
        return [reports[path] for path in sorted(reports)]

    def _duplicates(self) -> Counter[str]:
        keys = [(e.document.path, one.duplicate) for e in self.entries.values() for one in e.keys]
        counted = Counter(key for _, key in keys)
        return Counter(path for path, key in keys if counted[key] > 1)


def _sources_of(files: Collection[str], options: ReadingOptions) -> dict[str, Source]:
    """Return what can be found in files, by the id of its document."""
    found: dict[str, Source] = {}
    for file in sorted(files):
        if not Path(file).is_file():
            continue
        try:
            sources = Found.of([file], options).sources
        except DocumentError:  # gone since
            continue
        found.update({document_id(s.path): s for s in sources if isinstance(s, Source)})
    return found
