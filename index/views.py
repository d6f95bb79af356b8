"""Entries → the files of a segment; vectors are copied from the old generation if it has them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index import generation
from index.durable import writing
from index.folding import fold
from index.learning import MOST_AS_INT8, learn_early
from index.model_in_use import ModelInUse
from index.part_vectors import Coding, PartVectorWriter, compress
from index.quantiser import ProductQuantiser
from index.reuse import OldGeneration, Row
from index.store import Entry, write_store
from index.types import Passage, Span, TokenVectorKind, Version
from index.vectors import write_vectors

if TYPE_CHECKING:
    from index.embedder import Embedder, Encoded

Progress = Callable[[str, int, int], None]
"""Called with the stage (``read``, ``embed``, ``compress``, ``write``), how much is done, and of
how much."""


@dataclass(frozen=True)
class Plan:
    """What is embedded, and what is copied instead: each distinct text once.

    Attributes:
        entries: every document of the segment, its passages numbered by their rows.
        old: the generation whose vectors may be copied; None = nothing is.
        kind: how token vectors are to be stored.
        is_among_others: whether other segments are there already, so that its codes must mean what
            theirs do.
    """

    entries: Sequence[Entry]
    old: OldGeneration | None
    kind: TokenVectorKind
    is_among_others: bool = False

    @cached_property
    def passages(self) -> list[Passage]:
        """All passages, by row."""
        return [passage for entry in self.entries for passage in entry.passages]

    @cached_property
    def by_text(self) -> "_Distinct":
        """The passages by their searchable text, in sentences."""
        keys = [one.vectors for entry in self.entries for one in entry.keys]
        usable = self.old is not None and (self.old.kind == "int8" or self.kind == "pq")
        return _Distinct.of(keys, self.old.rows if self.old and usable else None)

    @cached_property
    def new_passages(self) -> list[str]:
        """The folded passages to embed."""
        return [fold(self.passages[row].searchable) for row in self.by_text.new]

    @cached_property
    def new_sentences(self) -> list[list[Span]]:
        """Where the sentences of the passages to embed stand in those."""
        return [self.passages[row].searchable_sentences for row in self.by_text.new]

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """The quantiser to go on with: where codes are copied, new ones must mean the same."""
        if self.kind != "pq" or self.old is None:
            return None
        return self.old.quantiser if self.by_text.kept or self.is_among_others else None

    @property
    def embedded(self) -> int:
        """How many distinct passages are embedded."""
        return len(self.by_text.new)

    @property
    def reused(self) -> int:
        """How many distinct passages have their vectors from the old generation."""
        return self.by_text.reused


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
    plan: Plan,
    versions: Iterable[Version],
    model: ModelInUse,
    *,
    remembering: Remembering,
    told: Progress,
) -> TokenVectorKind:
    """Write the files of a segment; return how token vectors are stored in the end."""
    with writing(beside):
        beside.mkdir(parents=True)
    if plan.embedded:
        with remembering(model.embedder, plan) as embedder:
            kind = _write_vectors(beside, plan, model.dimension, embedder, told)
    else:
        kind = _write_vectors(beside, plan, model.dimension, None, told)
    if plan.kind == "pq" and kind == "int8":
        shrunk = compress(beside / generation.TOKENS, partial(told, "compress"))
        kind = "pq" if shrunk else "int8"
    told("write", 1, 2)
    write_store(beside / generation.PASSAGES, plan.entries, versions)
    told("write", 2, 2)
    return kind


def _write_vectors(
    beside: Path, plan: Plan, dimension: int, embedder: "Embedder | None", told: Progress
) -> TokenVectorKind:
    """Write the vectors of passages, of their tokens and of their sentences, from one pass.

    Returns:
        As what those of tokens are stored for now.
    """
    rows = plan.by_text
    vectors = np.empty((len(plan.passages), dimension), np.float32)
    embedded = _counting(told, len(rows.new))
    tokens, kind = _token_writer(beside, plan, dimension, embedder, embedded)
    sentences = _sentence_writer(beside, plan.passages, dimension)
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
    return kind


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
        longest=max((len(passage.searchable) for passage in plan.passages), default=0),
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
    if coding is None and plan.kind == "pq" and not plan.by_text.kept and embedder is not None:
        coding = checkpoint.learned() if checkpoint is not None else None
        if coding is None and sum(counts) > MOST_AS_INT8:
            each = zip(plan.new_passages, plan.new_sentences, strict=True)
            texts = dict(zip(plan.by_text.new, each, strict=True))
            coding = learn_early(counts, texts, dict(plan.by_text.repeats), embedder, embedded)
    if checkpoint is not None:
        checkpoint.keep_codes(coding)
    return coding


def _sentence_writer(beside: Path, passages: Sequence[Passage], dimension: int) -> PartVectorWriter:
    """Begin the vectors of sentences, with where these stand in their passages."""
    writer = PartVectorWriter(
        beside / generation.SENTENCES,
        [len(passage.sentences) for passage in passages],
        dimension,
        longest=max((len(passage.text) for passage in passages), default=0),
    )
    for passage in passages:
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
    if plan.old is not None:
        for segment, pairs in rows.kept.items():
            yield plan.old, segment, pairs
