"""Whether a generation is, byte for byte, the one that was built; everything wrong is named."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from index import generation
from index.errors import IndexDamagedError, IndexFolderError
from index.lexical import LexicalIndex
from index.locks import GoneError, Lease
from index.manifest import MANIFEST, Manifest, read_manifest
from index.opened import lexical_faults, part_disagreements, place_faults
from index.part_vectors import PartVectors, PartVectorStore
from index.places import Places
from index.store import Store
from index.types import Passage
from index.vectors import FloatArray, VectorIndex

_MOST_NAMED = 20
"""Facts of one kind that are named; the others are counted."""
_FLOAT_SLACK = 1e-3
_INT8_SLACK = 0.03  # a number is off by half a level, of 127, at most; measured lengths are nearer
_AT_ONCE = 500

AnyPart = VectorIndex | PartVectorStore | LexicalIndex | Store | Places


@dataclass(frozen=True)
class Problem:
    """What is wrong with one file of a generation.

    Attributes:
        path: the file, or the folder of one view.
        fact: what is wrong with it; a sentence whose subject is the path.
    """

    path: str
    fact: str

    def __str__(self) -> str:
        return f"{self.path} {self.fact}"


def problems_of(
    folder: Path, *, deep: bool = True, taken_over: Collection[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with a generation; nothing when it is as it was built.

    Args:
        folder: of the generation.
        deep: look also at every vector, every span, and every id.
        taken_over: files that were linked from another generation, and are not read: a build
            looks at what it has written.
    """
    with ExitStack() as stack:
        try:
            stack.callback(Lease(folder / MANIFEST).release)
            manifest = read_manifest(folder)
        except (OSError, GoneError) as error:
            return [Problem(str(folder / MANIFEST), f"cannot be opened ({error})")]
        except IndexFolderError as error:
            return [_from_error(folder / MANIFEST, error)]
        try:
            sizes = generation.entries_of(folder)
        except IndexDamagedError as error:
            return [_from_error(folder, error)]
        facts = (
            *generation.differing(manifest, sizes),
            *generation.altered(folder, manifest, _without(sizes, taken_over)),
            *generation.unexpected(manifest, sizes),
        )
        found = [Problem(str(folder / name), fact) for name, fact in facts]
        parts = stack.enter_context(_Parts(folder, manifest))
        found += parts.broken
        found += _disagreements(manifest, parts)
        # What is inside is looked at where counts agree: every id is then one of each part.
        return found or [
            *_misplaced(parts, taken_over),
            *(_inside(parts) if deep else ()),
        ]


def _without(sizes: dict[str, int], names: Collection[str]) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if name not in names}


def _from_error(path: Path, error: IndexFolderError) -> Problem:
    """Say what an error says without its next step, and its subject only once."""
    fact = str(error).partition(". Build")[0].rstrip(".")
    own = fact.startswith(f"{path} ")
    return Problem(str(path), fact.removeprefix(f"{path} ") if own else f"is damaged: {fact}")


@dataclass
class _Parts:
    """The parts of a generation, each opened by itself: a damaged one does not hide another."""

    folder: Path
    manifest: Manifest
    opened: dict[str, AnyPart] = field(default_factory=dict)
    broken: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(len(self.manifest.segments)):
            for name, kind in (
                (generation.PASSAGES, Store),
                (generation.VECTORS, VectorIndex),
                (generation.TOKENS, PartVectorStore),
                (generation.SENTENCES, PartVectorStore),
            ):
                self._open(f"{generation.SEGMENTS}/{number}/{name}", kind)
        self._open(generation.LEXICAL, LexicalIndex)
        self._open(generation.PLACES, Places.read)

    def _open(self, name: str, kind: Callable[[Path], AnyPart]) -> None:
        try:
            self.opened[name] = kind(self.folder / name)
        except IndexDamagedError as error:
            self.broken.append(_from_error(self.folder / name, error))

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *_: object) -> None:
        for _name, store in self.stores():
            store.close()

    def stores(self) -> list[tuple[str, Store]]:
        """The stores of all segments, each with its name."""
        return [(name, part) for name, part in self.opened.items() if isinstance(part, Store)]

    def beside(self, name: str) -> Store:
        """Return the store of the segment that a part belongs to."""
        store = self.opened[f"{name.rpartition('/')[0]}/{generation.PASSAGES}"]
        assert isinstance(store, Store)  # noqa: S101  (nothing is broken here)
        return store


def _disagreements(manifest: Manifest, parts: _Parts) -> Iterator[Problem]:
    if not manifest.segments:
        yield Problem(str(parts.folder), "has no segments")
    for name, part in parts.opened.items():
        path = parts.folder / name
        for fact in _faults(manifest, name, path, part):
            yield Problem(str(path), fact.removeprefix(f"{path} "))


def _faults(manifest: Manifest, name: str, path: Path, part: AnyPart) -> Iterable[str]:
    if isinstance(part, Places):
        return place_faults(manifest, path, part)
    if isinstance(part, LexicalIndex):
        return lexical_faults(manifest, path, part)
    segment = manifest.segments[int(name.split("/")[1])]
    return part_disagreements(manifest, segment, path, part)


def _named(path: Path, facts: Iterable[str]) -> Iterator[Problem]:
    """Turn facts into problems; after the first ones only how many more."""
    each = iter(facts)
    try:
        yield from (Problem(str(path), fact) for fact in islice(each, _MOST_NAMED))
        more = sum(1 for _ in each)
    except IndexDamagedError as error:
        yield _from_error(path, error)
        return
    if more:
        yield Problem(str(path), f"has {more:,} more of these")


def _misplaced(parts: _Parts, taken_over: Collection[str]) -> Iterator[Problem]:
    for name, store in parts.stores():
        if name not in taken_over:
            yield from _named(
                parts.folder / name,
                (
                    f"has a passage {id_} that is not a slice of its document"
                    for id_ in store.misplaced()
                ),
            )


def _inside(parts: _Parts) -> Iterator[Problem]:
    """Look at every row, vector and span of parts that are whole and agree."""
    for name, part in parts.opened.items():
        path = parts.folder / name
        if isinstance(part, Store):
            yield from _named(path, _store_facts(part))
        elif isinstance(part, VectorIndex):
            yield from _named(path, _vector_facts(part))
        elif isinstance(part, LexicalIndex):
            yield from _named(path, _lexical_facts(part))
        elif isinstance(part, PartVectorStore):
            of_tokens = name.endswith(generation.TOKENS)
            look = _token_facts if of_tokens else _sentence_facts
            yield from _named(path, look(part, parts.beside(name)))


def _store_facts(store: Store) -> Iterator[str]:
    yield from (f"is no sound SQLite file: {fact}" for fact in store.faults())
    for document_id in store.document_ids():
        store.document(document_id)
    for start in range(0, store.passages, _AT_ONCE):
        store.duplicate_keys(range(start, min(start + _AT_ONCE, store.passages)))
    for _ in (*store.keys(), *store.versions()):
        pass  # reading them checks their types
    for passage in _passages(store):
        spans = [(sentence.start, sentence.end) for sentence in passage.sentences]
        if not all(passage.start <= start < end <= passage.end for start, end in spans):
            yield f"has a sentence outside of its passage {passage.id}"


def _vector_facts(vectors: VectorIndex) -> Iterator[str]:
    first = 0
    for block in vectors.blocks():
        for row in _not_unit(block, _FLOAT_SLACK):
            yield f"has a vector {first + row} that is not finite or not of length 1"
        first += len(block)


def _lexical_facts(lexical: LexicalIndex) -> Iterator[str]:
    if sorted(lexical.passage_ids()) != list(range(len(lexical))):
        yield "does not hold every passage once"


def _token_facts(tokens: PartVectorStore, store: Store) -> Iterator[str]:
    for passage in _passages(store):
        parts = _get(tokens, passage.id)
        if _not_unit(parts.vectors, _INT8_SLACK):
            yield f"has vectors of passage {passage.id} that are not finite or not of length 1"
        starts, ends = parts.spans[:, 0], parts.spans[:, 1]
        if np.any(starts > ends) or ends.max(initial=0) > len(passage.searchable):
            yield f"has tokens outside of passage {passage.id}"


def _sentence_facts(sentences: PartVectorStore, store: Store) -> Iterator[str]:
    for passage in _passages(store):
        parts = _get(sentences, passage.id)
        if _not_unit(parts.vectors, _INT8_SLACK):
            yield f"has vectors of passage {passage.id} that are not finite or not of length 1"
        offsets = [(s.start - passage.start, s.end - passage.start) for s in passage.sentences]
        if parts.spans.tolist() != [list(pair) for pair in offsets]:
            yield f"has other sentences of passage {passage.id} than {generation.PASSAGES}"


def _get(part: PartVectorStore, passage_id: int) -> PartVectors:
    with np.errstate(over="ignore", invalid="ignore"):  # to be found, not to be warned of
        return part.get(passage_id)


def _not_unit(vectors: FloatArray, slack: float) -> list[int]:
    """Return the rows that are neither of length 1 nor zero, which is what no known text gives."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    good = (np.abs(lengths - 1) <= slack) | (lengths == 0)  # False for NaN
    rows: list[int] = np.flatnonzero(~good).tolist()
    return rows


def _passages(store: Store) -> Iterator[Passage]:
    for start in range(0, store.passages, _AT_ONCE):
        yield from store.get_passages(range(start, min(start + _AT_ONCE, store.passages)))
