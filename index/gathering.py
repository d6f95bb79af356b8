"""Which documents the next generation holds, and what became of every file on the way there."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.errors import DocumentError
from index.loaders import Limits, Source, find_sources, shown
from index.loaders.sources import STDIN
from index.model_in_use import ModelInUse
from index.reading import (
    document_id,
    forced_encoding,
    read,
    way_of_reading,
    with_keys_of_today,
)
from index.reuse import OldGeneration
from index.segmented import SegmentedStore
from index.selecting import file_of
from index.spool import Spool, Waiting
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
        spool: where the documents that were read wait.
        fresh: whether every file is read again.

    Attributes:
        gone: the documents of the old generation that the next one does not hold, or holds as they
            were read now. It holds all others as they are.
    """

    old: OldGeneration | None
    model: ModelInUse
    options: ReadingOptions
    spool: Spool
    fresh: bool = False
    gone: set[str] = field(default_factory=set)
    reports: dict[str, FileReport] = field(default_factory=dict)
    _reported: dict[str, str] = field(default_factory=dict)
    """The id of each document in the reports, by path."""

    def keep_none(self) -> None:
        """Begin without the documents of the old generation."""
        self.gone = self.old.ids() if self.old is not None else set()

    def keep(self, ids: Iterable[str]) -> None:
        """Take documents over from the old generation as they are, and report them."""
        for one in ids:
            info = self.old.info(one) if self.old is not None else None
            if self.old is None or info is None:
                continue
            self.spool.drop(one)
            self.gone.discard(one)
            self._reported[info.path] = one
            self.reports[info.path] = FileReport(
                path=info.path,
                status="unchanged",
                encoding=info.encoding,
                kept=info.passages,
                facts=self.old.facts(one),
            )

    def kept_of(self, segment: int) -> Iterator[tuple[Waiting, int]]:
        """Yield what is known of the documents of a segment that are kept, and their first row."""
        if self.old is None:
            return
        self.old.check_segment(segment)
        store = self.old.stores[segment]
        first = {id_: rows.start for id_, rows in store.passage_ranges().items()}
        for info in store.infos():
            if info.id not in self.gone:
                yield Waiting(info.path, info.id, info.content_hash, info.passages), first[info.id]

    def kept(self, segment: int, document_id: str) -> Entry:
        """Return a document of the old generation as the next one holds it, by its rows there."""
        if self.old is None:
            raise KeyError(document_id)
        entry = self.old.stores[segment].entry(document_id)
        reading = entry.facts.reading
        is_of_today = reading == way_of_reading(forced_encoding(reading))
        return entry if is_of_today else with_keys_of_today(entry)

    @property
    def documents(self) -> int:
        """How many documents the next generation holds."""
        old = self.old.manifest.documents if self.old is not None else 0
        return len(self.spool) + old - len(self.gone)

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
        """Take a document of the old generation out, and report it as removed."""
        self.gone.add(info.id)
        self.reports[info.path] = FileReport(info.path, "removed", info.encoding, reason=reason)

    def note(self, path: str, reason: str, status: FileStatus | None = None) -> None:
        """Say more of a file that was reported."""
        report = self.reports[path]
        self.reports[path] = replace(report, reason=reason, status=status or report.status)

    def _encoding_of(self, known: str) -> str | None:
        """Return the encoding that a document of the old generation was forced into, if any."""
        return forced_encoding(self.old.facts(known).reading) if self.old else None

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
        known = self.old.info(document_id(path)) if self.old is not None else None
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
        if known is not None:
            self.gone.add(known.id)
        if is_same:
            self.note(entry.document.path, "Read again: not in the same way as before.")

    def _may_keep(self, known: str, encoding: str | None) -> bool:
        """Return whether a document of the same content would be read the same again."""
        if self.old is None or self.fresh or not self.model.is_that_of_old:
            return False
        return self.old.facts(known).reading == way_of_reading(encoding)

    def _take(self, entry: Entry, status: FileStatus, *, seconds: float = 0.0) -> None:
        document = entry.document
        self.spool.put(entry)
        self._reported[document.path] = document.id
        self.reports[document.path] = FileReport(
            path=document.path,
            status=status,
            encoding=document.encoding,
            kept=len(entry.passages),
            facts=entry.facts,
            seconds=seconds,
        )

    def _fail(self, path: str, reason: str, seconds: float = 0.0) -> None:
        if self._holds(document_id(path)):
            reason = f"{reason} {_KEPT_AS_IT_WAS}"
        path = shown(path)
        self.reports[path] = FileReport(path, "failed", reason=reason, seconds=seconds)

    def _holds(self, document: str) -> bool:
        """Return whether the next generation holds a document, as far as is known by now."""
        if document in self.spool:
            return True
        kept = self.old is not None and document not in self.gone
        return kept and self.old is not None and self.old.info(document) is not None

    @property
    def failed(self) -> list[FailedFile]:
        """The files that could not be read."""
        failed = (one for one in self.reports.values() if one.status == "failed")
        return [FailedFile(r.path, r.reason) for r in sorted(failed, key=lambda one: one.path)]

    @property
    def is_unchanged(self) -> bool:
        """Whether the next generation would hold what the old one holds."""
        return self.old is not None and not self.spool and not self.gone

    def renamed(self) -> dict[str, str]:
        """Return, by the id of each renamed document, the id it had."""
        if self.old is None:
            return {}
        gone = {info.content_hash: info for info in self._infos_gone() if info.id not in self.spool}
        found: dict[str, str] = {}
        for waiting in self.spool:
            before = gone.get(waiting.content_hash)
            if before is not None and waiting.id not in self.gone:
                del gone[waiting.content_hash]
                found[waiting.id] = before.id
        return found

    def _infos_gone(self) -> list[DocumentInfo]:
        """Return the documents of the old generation that are gone, by path."""
        old = self.old
        found = [] if old is None else [old.info(id_) for id_ in self.gone]
        return sorted((info for info in found if info is not None), key=lambda info: info.path)

    def file_reports(self, held: SegmentedStore) -> list[FileReport]:
        """Return what became of every file that was looked at, by path.

        Args:
            held: what the next generation holds, for counting what stands elsewhere too.
        """
        reports = dict(self.reports)
        gone = {info.id: info for info in self._infos_gone()}
        for info in gone.values():
            if info.id not in self.spool and info.path not in reports:
                reports[info.path] = FileReport(info.path, "removed", info.encoding)
        for id_, before in self.renamed().items():
            path = self.spool[id_].path
            reason = f"It was {gone[before].path}."
            reports[path] = replace(reports[path], status="renamed", reason=reason)
            reports.pop(gone[before].path, None)
        held_ids = {path: id_ for path, id_ in self._reported.items() if path in reports}
        counted = held.duplicates(set(held_ids.values()))
        for path, id_ in held_ids.items():
            if id_ in counted:
                reports[path] = replace(reports[path], duplicates=counted[id_])
        return [reports[path] for path in sorted(reports)]


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
