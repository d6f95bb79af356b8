"""Entries → the files of a segment; vectors are copied from the old generation if it has them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.format import open_memmap

from index import generation
from index.durable import take_room, writing
from index.learning import MOST_AS_INT8, learn_early
from index.model_in_use import ModelInUse
from index.part_vectors import Coding, PartVectorWriter, compress
from index.quantiser import ProductQuantiser
from index.reuse import OldGeneration, Row
from index.rows import Rows, Sizes, Texts, Told, folded, sentences_of
from index.store import Entry, Store, write_store
from index.types import Span, TokenVectorKind, Version
from index.vectors import FloatArray, write_vectors

if TYPE_CHECKING:
    from index.embedder import Embedder, Encoded

_ROOM = ".vectors.npy"

Progress = Callable[[str, int, int], None]
"""Called with the stage (``read``, ``embed``, ``compress``, ``write``), how much is done, and of
how much."""


@dataclass(frozen=True)
class Reuse:
    """What may be copied into a segment, and how its token vectors are to be stored.

    Attributes:
        old: the generation whose vectors may be copied; None = nothing is.
        kind: how token vectors are to be stored.
        is_among_others: whether other segments are there already, so that its codes must mean what
            theirs do.
    """

    old: OldGeneration | None
    kind: TokenVectorKind
    is_among_others: bool = False


@dataclass(frozen=True)
class Counts:
    """How many distinct passages of a segment were embedded, and how many vectors were copied."""

    embedded: int = 0
    reused: int = 0


@dataclass(frozen=True)
class Plan:
    """What is embedded, and what is copied instead: each distinct text once.

    Attributes:
        store: of the segment, written already.
        reuse: what may be copied.
    """

    store: Store
    reuse: Reuse

    @cached_property
    def passages(self) -> Rows:
        """All passages, by row."""
        return Rows(self.store)

    @cached_property
    def sizes(self) -> Sizes:
        """How long each passage is."""
        return self.passages.sizes()

    @cached_property
    def by_text(self) -> "_Distinct":
        """The passages by their searchable text, in sentences."""
        old = self.reuse.old
        usable = old is not None and (old.kind == "int8" or self.reuse.kind == "pq")
        return _Distinct.of(list(self.store.keys()), old.rows if old and usable else None)

    @cached_property
    def new_passages(self) -> Sequence[str]:
        """The folded passages to embed."""
        return Told(self.passages, self.by_text.new, folded)

    @cached_property
    def new_sentences(self) -> Sequence[list[Span]]:
        """Where the sentences of the passages to embed stand in those."""
        return Told(self.passages, self.by_text.new, sentences_of)

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """The quantiser to go on with: where codes are copied, new ones must mean the same."""
        old = self.reuse.old
        if self.reuse.kind != "pq" or old is None:
            return None
        return old.quantiser if self.by_text.kept or self.reuse.is_among_others else None

    @property
    def embedded(self) -> int:
        """How many distinct passages are embedded."""
        return len(self.by_text.new)

    @property
    def counts(self) -> Counts:
        """How many are embedded, and how many copied."""
        return Counts(self.embedded, self.by_text.reused)


@dataclass(frozen=True)
class _Distinct:
    """Rows by their keys.

    Attributes:
        new: the first row of each key that has to be embedded.
        kept: by the segment of the old generation, pairs (row, row there).
        repeats: pairs (row, first row with the same key) of what is embedded once for several.
        reused: how many distinct keys are among those kept.
    """

    new: list[int] = field(default_factory=list)
    kept: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    repeats: list[tuple[int, int]] = field(default_factory=list)
    reused: int = 0

    @classmethod
    def of(
        cls, keys: Sequence[bytes], look_up: Callable[[Sequence[bytes]], Mapping[bytes, Row]] | None
    ) -> "_Distinct":
        old = look_up(list(dict.fromkeys(keys))) if look_up is not None else {}
        new, repeats = [], []
        kept: dict[int, list[tuple[int, int]]] = {}
        first: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            is_first = first.setdefault(key, row) == row
            if key in old:
                segment, of_old = old[key]
                kept.setdefault(segment, []).append((row, of_old))
            elif is_first:
                new.append(row)
            else:
                repeats.append((row, first[key]))
        return cls(new, kept, repeats, len(first) - len(new))


Remembering = Callable[["Embedder", Plan], AbstractContextManager["Embedder"]]
"""Lends an embedder that keeps what it computes."""


def write_segment(
    beside: Path,
    entries: Iterable[Entry],
    versions: Iterable[Version],
    reuse: Reuse,
    model: ModelInUse,
    *,
    remembering: Remembering,
    told: Progress,
) -> tuple[TokenVectorKind, Counts]:
    """Write the files of a segment.

    Args:
        beside: its folder, which is made.
        entries: every document of it, the passages numbered by their rows.
        versions: of these documents.
        reuse: what may be copied.
        model: what embeds the rest.
        remembering: lends an embedder that keeps what it computes.
        told: called as the work goes on.

    Returns:
        How token vectors are stored in the end, and how many passages were embedded and copied.
    """
    with writing(beside):
        beside.mkdir(parents=True)
    # First of all, so that no passage need be in memory until it is embedded.
    write_store(beside / generation.PASSAGES, entries, versions)
    with closing(Store(beside / generation.PASSAGES)) as store:
        plan = Plan(store, reuse)
        if plan.embedded:
            with remembering(model.embedder, plan) as embedder:
                kind = _write_vectors(beside, plan, model.dimension, embedder, told)
        else:
            kind = _write_vectors(beside, plan, model.dimension, None, told)
        counts = plan.counts
    if reuse.kind == "pq" and kind == "int8":
        shrunk = compress(beside / generation.TOKENS, partial(told, "compress"))
        kind = "pq" if shrunk else "int8"
    return kind, counts


def _write_vectors(
    beside: Path, plan: Plan, dimension: int, embedder: "Embedder | None", told: Progress
) -> TokenVectorKind:
    """Write the vectors of passages, of their tokens and of their sentences, from one pass.

    Returns:
        As what those of tokens are stored for now.
    """
    rows = plan.by_text
    room = beside / _ROOM
    vectors = _room_for(room, len(plan.passages), dimension)
    embedded = _counting(told, len(rows.new))
    tokens, kind = _token_writer(beside, plan, dimension, embedder, embedded)
    sentences = _sentence_writer(beside, plan, dimension)
    for old, segment, pairs in _kept(plan, rows):
        to, of_old = zip(*pairs, strict=True)
        vectors[list(to)] = old.vectors(segment, np.array(of_old, np.int64))
        tokens.copy(to, old.tokens(segment), of_old)
        sentences.copy(to, old.sentences(segment), of_old)
    if rows.new:
        embedded(0)
    for done, (at, encoded) in enumerate(_encoded(embedder, plan), start=1):
        row = rows.new[at]
        vectors[row] = encoded.vector
        tokens.write(row, encoded.tokens)
        sentences.write_rows(sentences.rows_of(row), encoded.sentences)
        embedded(done)
    if rows.repeats:
        to, of_first = zip(*rows.repeats, strict=True)
        vectors[list(to)] = vectors[list(of_first)]
        tokens.copy(to, tokens, of_first)
        sentences.copy(to, sentences, of_first)
    tokens.close()
    sentences.close()
    write_vectors(beside / generation.VECTORS, vectors)
    del vectors
    room.unlink()
    return kind


def _room_for(path: Path, count: int, dimension: int) -> FloatArray:
    """Return room for vectors on the disk: those of a million passages take 1.5 GB."""
    with writing(path):
        room: FloatArray = open_memmap(path, "w+", np.float32, shape=(count, dimension))
        take_room(path)
    return room


def _encoded(embedder: "Embedder | None", plan: Plan) -> "Iterable[tuple[int, Encoded]]":
    if embedder is None:
        return ()
    return embedder.encode_passage_tokens(plan.new_passages, plan.new_sentences)


def _counting(told: Progress, total: int) -> Callable[[int], None]:
    """Return what tells how many passages are embedded; those that come twice do not count."""
    most = 0

    def embedded(done: int) -> None:
        nonlocal most
        most = max(most, done)
        told("embed", most, total)

    return embedded


def _token_writer(
    beside: Path,
    plan: Plan,
    dimension: int,
    embedder: "Embedder | None",
    embedded: Callable[[int], None],
) -> tuple[PartVectorWriter, TokenVectorKind]:
    """Begin the vectors of tokens; return also as what they are stored for now."""
    counts = _token_counts(plan, embedder)
    coding = _coding(plan, counts, embedder, embedded)
    writer = PartVectorWriter(
        beside / generation.TOKENS,
        counts,
        dimension,
        longest=plan.sizes.searchable.max(initial=0),
        quantiser=coding,
    )
    return writer, "int8" if coding is None else "pq"


def _coding(
    plan: Plan,
    counts: Sequence[int],
    embedder: "Embedder | None",
    embedded: Callable[[int], None],
) -> Coding | None:
    """Return what tokens are encoded with as they come; None: they are stored as int8."""
    from index.checkpoint import Checkpoint

    checkpoint = embedder if isinstance(embedder, Checkpoint) else None
    coding: Coding | None = plan.quantiser
    is_free = plan.reuse.kind == "pq" and not plan.by_text.kept
    if coding is None and is_free and embedder is not None:
        coding = checkpoint.learned() if checkpoint is not None else None
        if coding is None and sum(counts) > MOST_AS_INT8:
            repeats = dict(plan.by_text.repeats)
            coding = learn_early(counts, Texts(plan.passages), repeats, embedder, embedded)
    if checkpoint is not None:
        checkpoint.keep_codes(coding)
    return coding


def _sentence_writer(beside: Path, plan: Plan, dimension: int) -> PartVectorWriter:
    """Begin the vectors of sentences, with where these stand in their passages."""
    writer = PartVectorWriter(
        beside / generation.SENTENCES,
        plan.sizes.sentences.tolist(),
        dimension,
        longest=plan.sizes.text.max(initial=0),
    )
    for passage in plan.passages:
        spans = np.array([(s.start, s.end) for s in passage.sentences], np.int64).reshape(-1, 2)
        writer.spans[writer.rows_of(passage.id)] = spans - passage.start
    return writer


def _token_counts(plan: Plan, embedder: "Embedder | None") -> list[int]:
    """Return how many tokens each passage has."""
    rows = plan.by_text
    counts = np.zeros(len(plan.passages), np.int64)
    for old, segment, pairs in _kept(plan, rows):
        to, of_old = np.array(pairs, np.int64).T
        bounds = old.tokens(segment).bounds
        counts[to] = bounds[of_old + 1] - bounds[of_old]
    if embedder is not None and rows.new:
        counts[rows.new] = embedder.token_counts(plan.new_passages)
    for row, first in rows.repeats:
        counts[row] = counts[first]
    found: list[int] = counts.tolist()
    return found


def _kept(
    plan: Plan, rows: _Distinct
) -> Iterator[tuple[OldGeneration, int, Sequence[tuple[int, int]]]]:
    """Yield what is copied: the old generation, a segment of it, and pairs (row, row there)."""
    if plan.reuse.old is not None:
        for segment, pairs in rows.kept.items():
            yield plan.reuse.old, segment, pairs
