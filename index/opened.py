"""One generation, opened: its lease, its parts, and whether they agree. Never changes.

Opening is cheap: sizes, headers and counts are looked at, and the hash of the manifest. Whether
each byte is the one written, ``verification.py`` finds out.
"""

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from index import generation
from index.errors import (
    IndexDamagedError,
    ModelMismatchError,
    ModelNotFoundError,
)
from index.lexical import LexicalIndex
from index.locks import Lease
from index.manifest import BUILD_AGAIN, MANIFEST, Manifest, read_manifest
from index.model_in_use import refuse_brought_model
from index.part_vectors import PartVectorStore
from index.store import Store
from index.types import Document, Passage
from index.vectors import VectorIndex

if TYPE_CHECKING:
    from index.embedder import Embedder


class OpenedGeneration:
    """A generation that stays on the disk for as long as this object, or until ``close``.

    Args:
        folder: of a sealed generation.
        model: the embedding model asked for; None = ``YINZHENG_MODEL`` or the index's own.

    Raises:
        IndexDamagedError: a part is missing, altered in size or structure, or disagrees.
        IndexFormatError: it was written by a version with another layout.
        GoneError, FileNotFoundError: it was removed just now.
    """

    def __init__(self, folder: Path, model: str | None = None) -> None:
        self.folder = folder
        self._model = model
        with ExitStack() as stack:
            lease = Lease(folder / MANIFEST)
            stack.callback(lease.release)
            self.manifest: Manifest = read_manifest(folder)
            generation.check_sizes(folder, self.manifest)
            self.store: Store = Store(folder / generation.PASSAGES)
            stack.callback(self.store.close)
            self.lexical: LexicalIndex = LexicalIndex(folder / generation.LEXICAL)
            self.vectors: VectorIndex = VectorIndex(folder / generation.VECTORS)
            self.tokens: PartVectorStore = PartVectorStore(folder / generation.TOKENS)
            self.sentences: PartVectorStore = PartVectorStore(folder / generation.SENTENCES)
            for fact in self.disagreements():
                raise IndexDamagedError(f"{fact}. {BUILD_AGAIN}")
            stack.pop_all()
        # Let go when nobody asks any more: a question under way may outlive a refresh. The files
        # are not closed then but with their parts: a call may still be inside of one.
        self._finalizer = weakref.finalize(self, lease.release)
        # Every hit names its document, and every question draws the older sources again.
        document = lru_cache(maxsize=64)(self.store.document)
        self.document: Callable[[str], Document] = document
        self._passages_of = lru_cache(maxsize=16)(self.store.passages_of)

    def close(self) -> None:
        """Close the files and let the generation go; does nothing the second time."""
        self.store.close()
        self._finalizer()

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        return list(self._passages_of(document_id))

    @cached_property
    def embedder(self) -> "Embedder":
        """The model the generation was made with.

        Raises:
            ModelMismatchError: another model was asked for, or its weights have changed.
            ModelNotFoundError: it is not on this machine.
            ModelError: it lies inside the index folder, and nobody asked for it.
        """
        from index.embedder import load_embedder, model_setting

        manifest = self.manifest
        wanted = model_setting(self._model)
        if wanted is None:
            refuse_brought_model(manifest, self.folder.parent.parent)
            wanted = manifest.model
        try:
            embedder = load_embedder(wanted)
        except ModelNotFoundError:
            if wanted == manifest.model:
                raise
            raise self._mismatch(wanted, "which is not on this machine") from None
        made_with = (manifest.model, manifest.model_revision, manifest.dimension)
        if (embedder.name, embedder.revision, embedder.dimension) != made_with:
            described = f"revision {embedder.revision}, {embedder.dimension} dimensions"
            raise self._mismatch(embedder.name, described)
        return embedder

    def _mismatch(self, name: str, described: str) -> ModelMismatchError:
        manifest = self.manifest
        return ModelMismatchError(
            f"The index in {self.folder.parent.parent} was made with {manifest.model} "
            f"(revision {manifest.model_revision}, {manifest.dimension} dimensions), "
            f"but the model in use is {name} ({described}). Leave --model and YINZHENG_MODEL unset "
            f"to use the index's own model, or build again with --model {name}."
        )

    def disagreements(self) -> list[str]:
        """Return in which counts and dimensions the parts disagree with the manifest."""
        return [
            *part_disagreements(self.manifest, self.folder / generation.VECTORS, self.vectors),
            *part_disagreements(self.manifest, self.folder / generation.TOKENS, self.tokens),
            *part_disagreements(self.manifest, self.folder / generation.SENTENCES, self.sentences),
            *part_disagreements(self.manifest, self.folder / generation.LEXICAL, self.lexical),
            *part_disagreements(self.manifest, self.folder / generation.PASSAGES, self.store),
        ]


def part_disagreements(
    manifest: Manifest,
    path: Path,
    part: VectorIndex | PartVectorStore | LexicalIndex | Store,
) -> list[str]:
    """Return in what one part of a generation disagrees with the manifest."""
    facts = []
    passages = part.passages if isinstance(part, Store) else len(part)
    if passages != manifest.passages:
        facts.append(f"{path} has {passages:,} passages, the manifest says {manifest.passages:,}")
    if isinstance(part, Store) and part.documents != manifest.documents:
        facts.append(
            f"{path} has {part.documents:,} documents, the manifest says {manifest.documents:,}"
        )
    if isinstance(part, VectorIndex) and part.dimension != manifest.dimension:
        facts.append(
            f"{path} has vectors of {part.dimension} dimensions, "
            f"the manifest says {manifest.dimension}"
        )
    if isinstance(part, PartVectorStore):
        # Those of sentences are always int8.
        kind = manifest.token_vectors if path.name == generation.TOKENS else "int8"
        if (part.kind, part.dimension) != (kind, manifest.dimension):
            facts.append(
                f"{path} has vectors that are {part.kind} of {part.dimension} dimensions, "
                f"the manifest says {kind} of {manifest.dimension}"
            )
    return facts
