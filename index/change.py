"""A change of an index: the lock held, the next generation gathered, written and put in use."""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from index import generation
from index.errors import SettingError
from index.gathering import Gathering, ReadingOptions
from index.keys import text_key
from index.leftovers import remove_checkpoint
from index.loaders import shown
from index.loaders.sources import STDIN
from index.locations import default_index_dir
from index.model_in_use import ModelInUse, model_of_old
from index.quantiser import FEWEST_TRAINED, PIECE
from index.reader import Index
from index.reading import way_of_reading
from index.reuse import OldGeneration, open_old
from index.types import TOKEN_VECTOR_KINDS, BuildReport, TokenVectorKind, Version
from index.views import Plan, Progress, write_views

if TYPE_CHECKING:
    from index.embedder import Embedder

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

    def build_on(
        self,
        old: OldGeneration | None,
        model: str | None,
        kind: TokenVectorKind,
        options: ReadingOptions,
    ) -> None:
        """Begin with the old generation, if any, and a model of one's choice."""
        from index.embedder import model_setting

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
        self.gathering: Gathering = Gathering(old, self.model, options)

    def build_on_old(self, model: str | None, options: ReadingOptions) -> OldGeneration:
        """Begin with the generation in use and the model it was made with."""
        from index.embedder import model_setting

        old = self.stack.enter_context(open_old(self.index_dir))
        self.model = model_of_old(model_setting(model), old.manifest, self.index_dir)
        self.sources = old.manifest.sources
        self.kind = old.tokens.kind
        self.gathering = Gathering(old, self.model, options)
        return old

    def made_from(self, named: Iterable[str | Path]) -> None:
        """Record which paths the next generation is built from, so that it can be built again."""
        paths = (Path(name).expanduser().absolute() for name in named if str(name) != STDIN)
        self.sources = tuple(dict.fromkeys(shown(str(path)) for path in paths))

    def finish(self, *, rewrite: bool = False) -> BuildReport:
        """Write the new generation and swap it in; leave the old one when nothing has changed."""
        gathering = self.gathering
        old = gathering.old
        if old is not None and not rewrite and gathering.is_unchanged and self._is_as_old(old):
            shutil.rmtree(self.beside, ignore_errors=True)
            remove_checkpoint(self.index_dir)
            return self._report(Plan(gathering.ordered(), old, self.kind), old.name, self.kind)
        is_of_use = old is not None and self.model.is_that_of_old and not gathering.fresh
        plan = Plan(gathering.ordered(), old if is_of_use else None, self.kind)
        kind = write_views(
            self.beside,
            plan,
            self._versions(plan),
            self.model,
            remembering=self._remembering,
            told=self.told,
        )
        self._put_in_use(plan, kind)
        if kind != self.kind:
            self.notes.append(_TOO_FEW)
        return self._report(plan, self.beside.name, kind)

    def _is_as_old(self, old: OldGeneration) -> bool:
        manifest = old.manifest
        made = (self.kind, way_of_reading()) == (manifest.token_vectors, manifest.reading)
        return made and self.model.is_that_of_old

    def _put_in_use(self, plan: Plan, kind: TokenVectorKind) -> None:
        generation.seal(
            self.beside,
            model=self.model.name,
            model_revision=self.model.revision,
            dimension=self.model.dimension,
            max_tokens=self.model.max_tokens,
            token_vectors=kind,
            reading=way_of_reading(),
            documents=len(plan.entries),
            passages=len(plan.passages),
            sources=self.sources,
        )
        with Index(self.index_dir, folder=self.beside) as index:
            index.verify(deep=False)  # read back before anyone else does
        generation.swap(self.index_dir, self.beside)
        remove_checkpoint(self.index_dir)

    def _versions(self, plan: Plan) -> list[Version]:
        """Return the versions of the documents there are: those recorded, and those of today."""
        old = self.gathering.old
        recorded: dict[str, list[Version]] = {}
        for version in old.versions() if old is not None else ():
            recorded.setdefault(version.document_id, []).append(version)
        renamed = self.gathering.renamed()
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        versions: list[Version] = []
        for entry in plan.entries:
            document = entry.document
            before = recorded.get(renamed.get(document.id, document.id), ())
            versions.extend(replace(one, document_id=document.id) for one in before)
            today = Version(
                *(document.id, document.path, document.content_hash, text_key(document.text)),
                *(self.beside.name, now),
            )
            if not any(_is_same(today, one) for one in versions if one.document_id == document.id):
                versions.append(today)
        return versions

    @contextmanager
    def _remembering(self, embedder: "Embedder", plan: Plan) -> Iterator["Embedder"]:
        from index.checkpoint import Checkpoint
        from index.embedding_cache import CachedEmbedder

        if self.embedding_cache is not None:
            with CachedEmbedder(embedder, self.embedding_cache) as cached:
                yield cached
            return
        checkpoint = Checkpoint(
            embedder, self.index_dir, passages=plan.new_passages, sentences=plan.new_sentences
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

    def _report(self, plan: Plan, name: str, kind: TokenVectorKind) -> BuildReport:
        files = self.gathering.file_reports()
        is_new = name == self.beside.name
        if is_new and any(file.status in ("removed", "changed") for file in files):
            self.notes.append(_STILL_THERE)
        return BuildReport(
            index_dir=str(self.index_dir),
            generation=name,
            documents=len(plan.entries),
            passages=len(plan.passages),
            removed_noise=sum(entry.facts.removed_noise for entry in plan.entries),
            seconds=time.perf_counter() - self.started,
            failed=tuple(self.gathering.failed),
            token_vectors=kind,
            notes=tuple(self.notes),
            files=tuple(files),
            embedded=plan.embedded if is_new else 0,
            reused=plan.reused,
            is_new=is_new,
        )


def _is_same(a: Version, b: Version) -> bool:
    return (a.content_hash, a.text_key) == (b.content_hash, b.text_key)


@contextmanager
def changing(
    index_dir: str | Path | None,
    progress: Progress | None,
    embedding_cache: str | Path | None,
    *,
    wait: float,
) -> Iterator[Change]:
    """Hold the lock of an index folder, with a new folder for what will be the next generation."""
    started = time.perf_counter()
    folder = default_index_dir() if index_dir is None else Path(index_dir).expanduser()
    cache = None if embedding_cache is None else Path(embedding_cache).expanduser()
    with generation.building(folder, wait=wait) as beside, ExitStack() as stack:
        yield Change(folder, beside, progress or _tell_nobody, cache, stack, started=started)


def _tell_nobody(_stage: str, _done: int, _total: int) -> None:
    return
