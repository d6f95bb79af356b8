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
from index.part_vectors import Coding, PartVectorStore, PartVectorWriter, compress
from index.quantiser import ProductQuantiser
from index.reuse import OldGeneration, Row
from index.store import Entry, write_store
from index.types import Passage, TokenVectorKind, Version
from index.vectors import write_vectors

if TYPE_CHECKING:
    from index.embedder import Embedder, Encoded

Progress = Callable[[str, int, int], None]
"""Called with the stage (``read``, ``embed``, ``compress``, ``embed sentences``, ``write``), how
much is done, and of how much."""

_ENCODED_TOGETHER = 2048
"""Sentences encoded in one go: texts of like length find each other."""


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
        """The passages by their searchable text."""
        keys = [one.text for entry in self.entries for one in entry.keys]
        usable = self.old is not None and (self.old.kind == "int8" or self.kind == "pq")
        return _Distinct.of(keys, self.old.passage_rows if self.old and usable else None)

    @cached_property
    def by_sentence(self) -> "_Distinct":
        """The sentences of all passages by their text."""
        keys = [key for entry in self.entries for one in entry.keys for key in one.sentences]
        return _Distinct.of(keys, self.old.sentence_rows if self.old else None)

    @cached_property
    def new_passages(self) -> list[str]:
        """The folded passages to embed."""
        return [fold(self.passages[row].searchable) for row in self.by_text.new]

    @cached_property
    def new_sentences(self) -> list[str]:
        """The folded sentences to embed."""
        wanted, row = set(self.by_sentence.new), 0
        found: list[str] = []
        for passage in self.passages:
            texts = passage.sentence_texts
            found.extend(fold(text) for n, text in enumerate(texts, start=row) if n in wanted)
            row += len(texts)
        return found

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """The quantiser to go on with: where codes are copied, new ones must mean the same."""
        if self.kind != "pq" or self.old is None:
            return None
        return self.old.quantiser if self.by_text.kept or self.is_among_others else None

    @property
    def embedded(self) -> int:
        """How many texts are embedded."""
        return len(self.by_text.new) + len(self.by_sentence.new)

    @property
    def reused(self) -> int:
        """How many distinct texts have their vectors from the old generation."""
        return self.by_text.reused + self.by_sentence.reused


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
            kind = _write_passages(beside, plan, model.dimension, embedder, told)
            _write_sentences(beside, plan, model.dimension, embedder, told)
    else:
        kind = _write_passages(beside, plan, model.dimension, None, told)
        _write_sentences(beside, plan, model.dimension, None, told)
    if plan.kind == "pq" and kind == "int8":
        shrunk = compress(beside / generation.TOKENS, partial(told, "compress"))
        kind = "pq" if shrunk else "int8"
    told("write", 1, 2)
    write_store(beside / generation.PASSAGES, plan.entries, versions)
    told("write", 2, 2)
    return kind


def _write_passages(
    beside: Path, plan: Plan, dimension: int, embedder: "Embedder | None", told: Progress
) -> TokenVectorKind:
    """Write the vectors of passages and of their tokens, both from one forward pass.

    Returns:
        As what those of tokens are stored for now.
    """
    rows, texts = plan.by_text, plan.new_passages
    vectors = np.empty((len(plan.passages), dimension), np.float32)
    counts = _token_counts(plan, embedder)
    embedded = _counting(told, len(texts))
    coding = _coding(plan, counts, embedder, embedded)
    writer = PartVectorWriter(
        beside / generation.TOKENS,
        counts,
        dimension,
        longest=max((len(passage.searchable) for passage in plan.passages), default=0),
        quantiser=coding,
    )
    for old, segment, pairs in _kept(plan, rows):
        to, of_old = zip(*pairs, strict=True)
        vectors[list(to)] = old.vectors(segment, np.array(of_old, np.int64))
        writer.copy(to, old.tokens(segment), of_old)
    if texts:
        embedded(0)
    for done, (at, encoded) in enumerate(_encoded(embedder, texts), start=1):
        vectors[rows.new[at]] = encoded.vector
        writer.write(rows.new[at], encoded.tokens)
        embedded(done)
    if rows.repeats:
        to, of_first = zip(*rows.repeats, strict=True)
        vectors[list(to)] = vectors[list(of_first)]
        writer.copy(to, writer, of_first)
    writer.close()
    write_vectors(beside / generation.VECTORS, vectors)
    return "int8" if coding is None else "pq"


def _counting(told: Progress, total: int) -> Callable[[int], None]:
    """Return what tells how many passages are embedded; those that come twice do not count."""
    most = 0

    def embedded(done: int) -> None:
        nonlocal most
        most = max(most, done)
        told("embed", most, total)

    return embedded


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
            texts = dict(zip(plan.by_text.new, plan.new_passages, strict=True))
            coding = learn_early(counts, texts, dict(plan.by_text.repeats), embedder, embedded)
    if checkpoint is not None:
        checkpoint.keep_codes(coding)
    return coding


def _encoded(embedder: "Embedder | None", texts: Sequence[str]) -> "Iterable[tuple[int, Encoded]]":
    return embedder.encode_passage_tokens(texts) if embedder is not None else ()


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


def _write_sentences(
    beside: Path, plan: Plan, dimension: int, embedder: "Embedder | None", told: Progress
) -> None:
    """Write a vector for every sentence, encoded by itself.

    One pooled from the tokens of its passage would save a forward pass, but those all speak of the
    whole passage: across languages it found the right sentence for .50 of the questions, not .71.
    """
    rows, texts = plan.by_sentence, plan.new_sentences
    writer = PartVectorWriter(
        beside / generation.SENTENCES,
        [len(passage.sentences) for passage in plan.passages],
        dimension,
        longest=max((len(passage.text) for passage in plan.passages), default=0),
    )
    _write_sentence_spans(writer, plan.passages)
    for old, segment, pairs in _kept(plan, rows):
        _copy(writer, old.sentences(segment), pairs)
    if texts:
        told("embed sentences", 0, len(texts))
    for at in range(0, len(texts), _ENCODED_TOGETHER):
        if embedder is None:
            break
        part = slice(at, at + _ENCODED_TOGETHER)
        writer.write_rows(np.array(rows.new[part]), embedder.encode_passages(texts[part]))
        told("embed sentences", min(part.stop, len(texts)), len(texts))
    _copy(writer, writer, rows.repeats)
    writer.close()


def _kept(
    plan: Plan, rows: _Distinct
) -> Iterator[tuple[OldGeneration, int, Sequence[tuple[int, int]]]]:
    """Yield what is copied: the old generation, a segment of it, and pairs (row, row there)."""
    if plan.old is not None:
        for segment, pairs in rows.kept.items():
            yield plan.old, segment, pairs


def _copy(
    writer: PartVectorWriter,
    source: PartVectorStore | PartVectorWriter,
    pairs: Sequence[tuple[int, int]],
) -> None:
    if pairs:
        to, of_source = np.array(pairs, np.int64).T
        writer.copy_rows(to, source, of_source)


def _write_sentence_spans(writer: PartVectorWriter, passages: Sequence[Passage]) -> None:
    for passage in passages:
        spans = np.array([(s.start, s.end) for s in passage.sentences], np.int64).reshape(-1, 2)
        at = slice(writer.bounds[passage.id], writer.bounds[passage.id + 1])
        writer.spans[at] = spans - passage.start
