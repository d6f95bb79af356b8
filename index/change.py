"""A change of an index: the lock held, the next generation gathered, written and put in use."""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from index import generation
from index.errors import IndexNotFoundError, SettingError
from index.gathering import Gathering, ReadingOptions
from index.keys import text_key
from index.leftovers import remove_checkpoint
from index.loaders import shown
from index.loaders.sources import STDIN
from index.locations import IndexPlace, index_place
from index.manifest import FileFacts
from index.milvus.address import MilvusAddress
from index.model_in_use import ModelInUse, model_of_old
from index.places import Places
from index.quantiser import FEWEST_TRAINED, PIECE
from index.reader import Index
from index.reading import way_of_reading
from index.reuse import OldGeneration, open_old
from index.segments import (
    Layout,
    Written,
    add_to_lexical,
    link_segments,
    next_places,
    write_whole_lexical,
)
from index.spool import Spool
from index.spread import Hands
from index.types import (
    TOKEN_VECTOR_KINDS,
    BuildReport,
    FileReport,
    TokenVectorKind,
    Version,
)
from index.views import Counts, Plan, Progress, Reuse, write_segment

if TYPE_CHECKING:
    from index.embedder import Embedder

_SPOOL = ".spool.sqlite"
_TOO_FEW = (
    f"Token vectors are stored as int8: a product quantiser needs {FEWEST_TRAINED:,} tokens to "
    "learn from, and there are fewer."
)
_STILL_THERE = (
    "The generation before this one still holds what was taken out, until another build or "
    "python -m index prune."
)


@dataclass
class Change:
    """A build on its way: the lock is held, a folder lent."""

    index_dir: Path
    beside: Path
    told: Progress
    embedding_cache: Path | None
    stack: ExitStack
    notes: list[str] = field(default_factory=list)
    sources: tuple[str, ...] = ()
    started: float = field(default_factory=time.perf_counter)
    place: IndexPlace | None = None
    hands: Hands = field(default_factory=Hands)

    def build_on(
        self,
        old: OldGeneration | None,
        model: str | None,
        kind: TokenVectorKind,
        options: ReadingOptions,
    ) -> None:
        """Begin with the old generation, if any, and a model of one's choice."""
        from index.models import model_setting

        if kind not in TOKEN_VECTOR_KINDS:
            raise SettingError(
                f"Token vectors cannot be stored as {kind!r}. "
                f"Choose one of {', '.join(TOKEN_VECTOR_KINDS)}."
            )
        self.model: ModelInUse = ModelInUse(model_setting(model), old.manifest if old else None)
        if kind == "pq" and self.model.dimension % PIECE:
            raise SettingError(
                f"The vectors of {self.model.name} have {self.model.dimension} numbers, which "
                f"cannot be divided by {PIECE} as pq needs. Store token vectors as int8."
            )
        self.kind: TokenVectorKind = kind
        self.gathering: Gathering = self._gathering(old, options)

    def build_on_old(self, model: str | None, options: ReadingOptions) -> OldGeneration:
        """Begin with the generation in use and the model it was made with."""
        from index.models import model_setting

        old = self.stack.enter_context(open_old(self.index_dir))
        self.model = model_of_old(model_setting(model), old.manifest, self.index_dir)
        self.sources = old.manifest.sources
        self.kind = old.kind
        self.gathering = self._gathering(old, options)
        return old

    def _gathering(self, old: OldGeneration | None, options: ReadingOptions) -> Gathering:
        spool = Spool(self.beside / _SPOOL)
        self.stack.callback(spool.close)
        return Gathering(old, self.model, options, spool)

    def made_from(self, named: Iterable[str | Path]) -> None:
        """Record which paths the next generation is built from, so that it can be built again."""
        paths = (Path(name).expanduser().absolute() for name in named if str(name) != STDIN)
        self.sources = tuple(dict.fromkeys(shown(str(path)) for path in paths))

    def finish(self, *, rewrite: bool = False) -> BuildReport:
        """Write the new generation and swap it in; leave the old one when nothing has changed."""
        gathering, old = self.gathering, self.gathering.old
        if old is not None and not rewrite and gathering.is_unchanged and self._is_as_old(old):
            return self._leave(old)
        is_of_use = old is not None and self.model.is_that_of_old and not gathering.fresh
        may_link = is_of_use and not rewrite and old is not None and self._is_as_old(old)
        layout = Layout.of(gathering, may_link=may_link)
        taken_over = link_segments(self.beside, old, layout.linked) if old is not None else {}
        kind, counts = self.kind, Counts()
        if layout.written or not layout.linked:
            kind, counts = write_segment(
                generation.segment(self.beside, len(layout.linked)),
                layout.written.entries(),
                self._versions(layout.written),
                Reuse(old if is_of_use else None, self.kind, bool(layout.linked)),
                self.model,
                remembering=self._remembering,
                told=self.told,
            )
        self.told("write", 1, 2)
        if may_link and old is not None and not gathering.gone:
            taken_over |= add_to_lexical(self.beside, layout, old)
            places = next_places(layout, old, same_numbers=True)
        else:
            write_whole_lexical(self.beside, layout, old)
            places = next_places(layout, old, same_numbers=False)
        places.write(self.beside / generation.PLACES)
        gathering.spool.close()
        self.told("write", 2, 2)
        files = self._put_in_use(layout, places, kind, taken_over)
        if kind != self.kind:
            self.notes.append(_TOO_FEW)
        return self._report(counts, layout, kind, files)

    def _leave(self, old: OldGeneration) -> BuildReport:
        """Leave the generation in use, and report that nothing has changed."""
        self.gathering.spool.close()
        shutil.rmtree(self.beside, ignore_errors=True)
        remove_checkpoint(self.index_dir)
        files = self.gathering.file_reports(old.store)
        layout = Layout(range(len(old.stores)))
        return self._report(Counts(), layout, self.kind, files, name=old.name)

    def _is_as_old(self, old: OldGeneration) -> bool:
        manifest = old.manifest
        made = (self.kind, way_of_reading()) == (manifest.token_vectors, manifest.reading)
        return made and self.model.is_that_of_old

    def _put_in_use(
        self,
        layout: Layout,
        places: Places,
        kind: TokenVectorKind,
        taken_over: Mapping[str, FileFacts],
    ) -> list[FileReport]:
        """Describe the new generation, read it back, and name it; return what became of files."""
        segments = layout.segments(self.gathering.old)
        generation.seal(
            self.beside,
            taken_over=taken_over,
            model=self.model.name,
            model_revision=self.model.revision,
            dimension=self.model.dimension,
            max_tokens=self.model.max_tokens,
            token_vectors=kind,
            reading=way_of_reading(),
            documents=len(places),
            passages=places.passages,
            segments=[asdict(facts) for facts in segments],
            sources=self.sources,
        )
        with Index(self.index_dir, folder=self.beside) as index:
            # Read back before anyone else does.
            index.verify(deep=False, taken_over=taken_over)
            files = index.reported(self.gathering.file_reports)
        generation.swap(self.index_dir, self.beside)
        remove_checkpoint(self.index_dir)
        return files

    def _versions(self, written: Written) -> Iterator[Version]:
        """Yield the versions of documents: those recorded, and those of today."""
        old = self.gathering.old
        renamed = self.gathering.renamed()
        before = [renamed.get(one.id, one.id) for one in written.known]
        recorded: dict[str, list[Version]] = {}
        for version in old.versions_of(before) if old is not None else ():
            recorded.setdefault(version.document_id, []).append(version)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        for entry, known_as in zip(written.entries(), before, strict=True):
            document = entry.document
            own = [replace(one, document_id=document.id) for one in recorded.get(known_as, ())]
            today = Version(
                *(document.id, document.path, document.content_hash, text_key(document.text)),
                *(self.beside.name, now),
            )
            yield from own
            if not any(_is_same(today, one) for one in own):
                yield today

    @contextmanager
    def _remembering(self, embedder: "Embedder", plan: Plan) -> Iterator["Embedder"]:
        others = self.hands.called(embedder.name)
        if others is None:
            with self._keeping(embedder, plan) as keeping:
                yield keeping
            return
        with closing(others), self._keeping(embedder.with_others(others), plan) as keeping:
            yield keeping

    @contextmanager
    def _keeping(self, embedder: "Embedder", plan: Plan) -> Iterator["Embedder"]:
        from index.checkpoint import Checkpoint
        from index.embedding_cache import CachedEmbedder

        if self.embedding_cache is not None:
            with CachedEmbedder(embedder, self.embedding_cache) as cached:
                yield cached
            return
        checkpoint = Checkpoint(
            embedder, self.index_dir, texts=plan.new_passages, sentences=plan.new_sentences
        )
        with checkpoint:
            if checkpoint.found:
                self.notes.append(
                    f"An earlier build was stopped: {checkpoint.found:,} of {plan.embedded:,} "
                    "embeddings were taken from where it left off."
                )
            yield checkpoint
        if checkpoint.was_damaged:
            self.notes.append(
                "What an earlier build left was damaged and was dropped; it was embedded again."
            )

    def _report(
        self,
        counts: Counts,
        layout: Layout,
        kind: TokenVectorKind,
        files: Sequence[FileReport],
        name: str = "",
    ) -> BuildReport:
        """Return what was done; ``name`` is that of the generation that was left in use."""
        if not name and any(file.status in ("removed", "changed") for file in files):
            self.notes.append(_STILL_THERE)
        segments = layout.segments(self.gathering.old)
        return BuildReport(
            index_dir=str(self.place or self.index_dir),
            generation=name or self.beside.name,
            documents=sum(facts.documents for facts in segments),
            passages=sum(facts.passages for facts in segments),
            removed_noise=sum(file.facts.removed_noise for file in files if file.facts),
            seconds=time.perf_counter() - self.started,
            failed=tuple(self.gathering.failed),
            token_vectors=kind,
            notes=tuple(self.notes),
            files=tuple(files),
            embedded=counts.embedded,
            reused=counts.reused + self._texts_of(layout.linked),
            is_new=not name,
        )

    def _texts_of(self, linked: Sequence[int]) -> int:
        """Return how many passages the segments have that were taken over."""
        old = self.gathering.old
        return sum(old.manifest.segments[number].passages for number in linked) if old else 0


def _is_same(a: Version, b: Version) -> bool:
    return (a.content_hash, a.text_key) == (b.content_hash, b.text_key)


@contextmanager
def changing(
    index_dir: str | IndexPlace | None,
    progress: Progress | None,
    embedding_cache: str | Path | None,
    *,
    wait: float,
    hands: Hands | None = None,
) -> Iterator[Change]:
    """Hold the lock of an index, with a new folder for what will be the next generation."""
    hands = hands or Hands()
    started = time.perf_counter()
    place, told = index_place(index_dir), progress or _tell_nobody
    cache = None if embedding_cache is None else Path(embedding_cache).expanduser()
    with (
        _folder_for(place, told, hands, wait=wait) as folder,
        generation.building(folder, wait=wait) as beside,
        ExitStack() as stack,
    ):
        yield Change(folder, beside, told, cache, stack, started=started, place=place, hands=hands)


@contextmanager
def _folder_for(place: IndexPlace, told: Progress, hands: Hands, *, wait: float) -> Iterator[Path]:
    """Lend the index folder in which an index is changed."""
    if isinstance(place, MilvusAddress):
        from index.milvus.opened import not_there
        from index.milvus.staging import staged

        with staged(place, told, hands, wait=wait) as folder:
            try:
                yield folder
            except IndexNotFoundError:
                raise not_there(place) from None
    else:
        yield place


def _tell_nobody(_stage: str, _done: int, _total: int) -> None:
    return
