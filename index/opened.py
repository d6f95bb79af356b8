"""One generation, opened: its lease, its parts, and whether they agree. Never changes.

Opening is cheap: sizes, headers and counts are looked at, and the hash of the manifest. Whether
each byte is the one written, ``verification.py`` finds out.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from index import generation
from index.errors import IndexDamagedError
from index.lexical import LexicalIndex
from index.locks import Lease
from index.manifest import BUILD_AGAIN, MANIFEST, Manifest, SegmentFacts, read_manifest
from index.model_in_use import embedder_of
from index.part_vectors import PartVectorStore
from index.places import Places
from index.segmented import FolderStore, SegmentedLexical, SegmentedParts, SegmentedVectors
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
            places = Places.read(folder / generation.PLACES)
            self.parts: list[Segment] = [
                Segment(generation.segment(folder, number), facts, stack)
                for number, facts in enumerate(self.manifest.segments)
            ]
            if not self.parts:
                raise IndexDamagedError(f"{folder} has no segments. {BUILD_AGAIN}")
            lexical = LexicalIndex(folder / generation.LEXICAL)
            for fact in self._disagreements(places, lexical):
                raise IndexDamagedError(f"{fact}. {BUILD_AGAIN}")
            parts = self.parts
            self.store: FolderStore = FolderStore([one.store for one in parts], places)
            self.vectors: SegmentedVectors = SegmentedVectors([p.vectors for p in parts], places)
            self.tokens: SegmentedParts = SegmentedParts([p.tokens for p in parts], places)
            self.sentences: SegmentedParts = SegmentedParts([p.sentences for p in parts], places)
            self.lexical: SegmentedLexical = SegmentedLexical(lexical, places)
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
        index_dir = self.folder.parent.parent
        return embedder_of(self.manifest, self._model, index_dir, index_dir=index_dir)

    def use_embedder(self, embedder: "Embedder") -> None:
        """Encode questions by this embedder, which is of the generation's own model."""
        self.embedder = embedder

    # ---- what only a folder says -----------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the generation."""
        return self.folder.name

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        return str(self.folder)

    @property
    def lexical_kind(self) -> str:
        """How passages are found by their words."""
        return "BM25"

    def faults(self, *, deep: bool, taken_over: Collection[str]) -> Iterator[str]:
        """Yield everything that is wrong with it; see ``Index.verify``."""
        from index.verification import problems_of

        yield from map(str, problems_of(self.folder, deep=deep, taken_over=taken_over))

    def bytes_by_part(self) -> dict[str, int]:
        """Return how many bytes each part has in its files."""
        parts: Counter[str] = Counter()
        for name, size in generation.entries_of(self.folder).items():
            parts[generation.part_of(name)] += size
        return dict(parts)

    def _disagreements(self, places: Places, lexical: LexicalIndex) -> Iterator[str]:
        """Yield in which counts and dimensions the parts disagree with the manifest."""
        manifest, folder = self.manifest, self.folder
        yield from place_faults(manifest, folder / generation.PLACES, places)
        yield from lexical_faults(manifest, folder / generation.LEXICAL, lexical)
        for one in self.parts:
            for name, part in one.parts():
                yield from part_disagreements(manifest, one.facts, one.folder / name, part)


class Segment:
    """The parts of one segment, opened.

    Args:
        folder: of the segment.
        facts: what the manifest says of it.
        stack: closes its files.

    Raises:
        IndexDamagedError: a part cannot be read.
    """

    def __init__(self, folder: Path, facts: SegmentFacts, stack: ExitStack) -> None:
        self.folder = folder
        self.facts = facts
        self.store: Store = Store(folder / generation.PASSAGES)
        stack.callback(self.store.close)
        self.vectors: VectorIndex = VectorIndex(folder / generation.VECTORS)
        self.tokens: PartVectorStore = PartVectorStore(folder / generation.TOKENS)
        self.sentences: PartVectorStore = PartVectorStore(folder / generation.SENTENCES)

    def parts(self) -> list[tuple[str, "SegmentPart"]]:
        """Return its parts, each with its name."""
        return [
            (generation.VECTORS, self.vectors),
            (generation.TOKENS, self.tokens),
            (generation.SENTENCES, self.sentences),
            (generation.PASSAGES, self.store),
        ]


SegmentPart = VectorIndex | PartVectorStore | Store


def place_faults(manifest: Manifest, path: Path, places: Places) -> Iterator[str]:
    """Yield in what the places of passages disagree with the manifest."""
    counts = ((len(places), manifest.documents), (places.passages, manifest.passages))
    for (found, said), what in zip(counts, ("documents", "passages"), strict=True):
        if found != said:
            yield f"{path} has {found:,} {what}, the manifest says {said:,}"
    yield from (f"{path} {fact}" for fact in places.faults(manifest.segments))


def lexical_faults(manifest: Manifest, path: Path, lexical: LexicalIndex) -> Iterator[str]:
    """Yield in what the lexical index disagrees with the manifest."""
    if len(lexical) != manifest.passages:
        said = manifest.passages
        yield f"{path} has {len(lexical):,} passages, the manifest says {said:,}"


def part_disagreements(
    manifest: Manifest, segment: SegmentFacts, path: Path, part: SegmentPart
) -> list[str]:
    """Return in what one part of a segment disagrees with the manifest."""
    facts = []
    passages = part.passages if isinstance(part, Store) else len(part)
    if passages != segment.passages:
        facts.append(f"{path} has {passages:,} passages, the manifest says {segment.passages:,}")
    if isinstance(part, Store) and part.documents != segment.documents:
        facts.append(
            f"{path} has {part.documents:,} documents, the manifest says {segment.documents:,}"
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
