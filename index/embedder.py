"""Text → vectors with a sentence-transformers model, whose bundled one has a faster engine."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from index.batching import Batching
from index.part_vectors import PartVectors
from index.query_cache import QueryCache
from index.types import Phrase, Shown, Span

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from index.packed import Forward, PackedBert, Parts, Workers
    from index.padded import PaddedBert
    from index.phrases import PhraseReader
    from index.sentence_pooling import SentencePooling
    from index.spread import Others
    from index.windows import Tokenizer

    Engine = PackedBert | PaddedBert

FloatArray = npt.NDArray[np.float32]

_Finished = TypeVar("_Finished")

_BATCH = 32
_GPU_BATCH = 256
_PARTS = 4
_TOKENISED_TOGETHER = 512
_TEXTS_AT_ONCE = 256
"""Texts whose sentences are encoded in one go: those of like length find each other."""
_FEWEST_TOKENS = 256
_NO_LIMIT = 1_000_000  # models without a limit say infinity, or a number like this
_DEFAULT_TOKENS = 512


@dataclass(frozen=True)
class Encoded:
    """What a text is found by.

    Attributes:
        vector: its unit vector, float32 ``(dimension,)``.
        tokens: the vectors of its tokens.
        sentences: unit vectors of its sentences, float32 ``(n, dimension)``, where they were
            asked for.
    """

    vector: FloatArray
    tokens: PartVectors
    sentences: FloatArray = field(default_factory=lambda: np.empty((0, 0), np.float32))


@dataclass(frozen=True)
class _Text:
    """A text in tokens.

    Attributes:
        position: which of the texts given it is.
        ids: of its tokens, with prompt and special tokens.
        kept: which tokens are its own.
        spans: where those stand in it.
    """

    position: int
    ids: list[int]
    kept: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]


class Embedder:
    """A sentence-transformers model as retrieval sees it: texts in, unit vectors out. Thread-safe.

    Attributes:
        name: the bundled model's name, a folder, or a name on a model hub.
        revision: identifies the weights; another revision gives other vectors.
        dimension: length of a vector.
        max_tokens: longest input in tokens, with prompt and special tokens.

    Args:
        model: loaded.
        engine: computes the same vectors faster; None = the model itself does.
        pooling: tells the vectors of sentences from the engine's pass over the whole text, in half
            the time; None = each sentence is encoded by itself.
        reader: given the tokenizer, makes what finds phrases that answer; None = nothing does.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        *,
        name: str,
        revision: str,
        engine: "Engine | None" = None,
        pooling: "SentencePooling | None" = None,
        reader: "Callable[[Tokenizer], PhraseReader] | None" = None,
    ) -> None:
        self._model = model
        self._engine = engine
        self._pooling = pooling
        self._others: Others | None = None
        # A fast tokenizer refuses two threads at once ("Already borrowed").
        self._lock = threading.Lock()
        self._asked = QueryCache()
        self.name = name
        self.revision = revision
        self.dimension: int = int(model.get_embedding_dimension() or 0)
        longest = model.max_seq_length
        self.max_tokens: int = int(longest) if longest and longest < _NO_LIMIT else _DEFAULT_TOKENS
        # A static model has no tokens in context, a slow tokenizer cannot tell where they stand.
        self._tells_tokens = getattr(model.tokenizer, "is_fast", False)
        prompts = model.prompts or {}
        candidates = (prompts.get(key) for key in ("document", "passage", "corpus"))
        self._passage_prompt = next((prompt for prompt in candidates if prompt), "")
        self._query_prompt = prompts.get("query") or ""
        self._batch = _GPU_BATCH if model.device.type == "cuda" else _BATCH
        self._settings: dict[str, Any] = {"batch_size": self._batch, "show_progress_bar": False}
        self._together = Batching(self.encode_queries_tokens, length=len)
        self._reader = reader and reader(self._tokenise)

    def with_others(self, others: "Others") -> "Embedder":
        """Return the same model, whose passages others embed; questions it embeds itself."""
        same = Embedder.__new__(Embedder)
        same.__dict__.update(vars(self))
        same._others = others
        return same

    def encode_queries(self, queries: Sequence[str]) -> FloatArray:
        """Return unit vectors for questions, float32 ``(n, dimension)``."""
        if not queries:
            return self._no_vectors()
        if self._engine is not None:
            return self._in_order(queries, self._query_prompt)
        with self._lock:
            return _unit(self._model.encode_query(list(queries), **self._settings))

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors for passages, float32 ``(n, dimension)``, in the order given."""
        if not texts:
            return self._no_vectors()
        if self._engine is not None:
            return self._in_order(texts, self._passage_prompt)
        with self._lock:
            return _unit(self._model.encode_document(list(texts), **self._settings))

    def _no_vectors(self) -> FloatArray:
        # sentence-transformers gives no texts an array without a second axis.
        return np.empty((0, self.dimension), np.float32)

    def encode_query_tokens(self, query: str) -> Encoded:
        """Return a question's vector and its token vectors, from one forward pass.

        Questions of several threads that wait for the same pass go into it together.
        """
        return self._together(query)

    def encode_queries_tokens(self, queries: Sequence[str]) -> list[Encoded]:
        """Return vectors and token vectors of several questions, from one forward pass for all.

        Questions asked before are kept in memory: what is returned is not to be written to.
        """
        asked = {query: self._asked.get(query) for query in queries}
        known = {query: encoded for query, encoded in asked.items() if encoded is not None}
        new = [query for query in asked if query not in known]
        if new:
            known |= zip(new, self._encode_queries(new), strict=True)
            for query in new:
                self._asked.put(query, known[query])
        return [known[query] for query in queries]

    def _encode_queries(self, queries: list[str]) -> list[Encoded]:
        if self._engine is not None:
            by_position = dict(self._by_position(self._askers, queries, self._query_prompt))
            return [by_position[at] for at in range(len(queries))]
        with self._lock:
            features: Any = self._model.encode_query(queries, output_value=None, **self._settings)
        return self._encoded(features, queries, self._query_prompt)

    @property
    def can_read(self) -> bool:
        """Whether it finds phrases that answer."""
        return self._reader is not None

    def read_phrases(self, question: str, texts: Sequence[Shown]) -> list[list[Phrase | None]]:
        """Return the likeliest phrase of each sentence of each text; nothing where it cannot.

        Args:
            question: folded.
            texts: what is read for it.
        """
        reader = self._reader
        if reader is None:
            return []
        parts = [texts[at :: self._askers.count] for at in range(self._askers.count)]
        found: list[list[Phrase | None]] = [[] for _ in texts]
        read = self._askers.run(lambda part: reader.read(question, part), filter(None, parts))
        for at, part in enumerate(read):
            found[at :: self._askers.count] = part
        return found

    def _tokenise(
        self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool
    ) -> Any:  # noqa: ANN401
        tokenizer: Any = self._model.tokenizer
        with self._lock:
            return tokenizer(
                text,
                add_special_tokens=add_special_tokens,
                return_offsets_mapping=return_offsets_mapping,
                truncation=False,
                verbose=False,
            )

    def encode_passage_tokens(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vector, token vectors) of every text, longest texts first.

        Texts of like length go together; only a few batches are in memory at a time.

        Args:
            texts: to encode.
            sentences: of each text, in its offsets, where their vectors are wanted too.
        """
        if self._others is not None:
            yield from self._others(texts, sentences)
            return
        if self._engine is not None:
            yield from self._by_engine(texts, sentences)
            return
        order = _longest_first(texts)
        for at in range(0, len(order), _PARTS * self._batch):
            positions = order[at : at + _PARTS * self._batch]
            part = [texts[i] for i in positions]
            with self._lock:
                features: Any = self._model.encode_document(
                    part, output_value=None, **self._settings
                )
            encoded = self._encoded(features, part, self._passage_prompt)
            if sentences:
                encoded = self._with_sentences(encoded, part, [sentences[i] for i in positions])
            yield from zip(positions, encoded, strict=True)

    def _by_engine(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> Iterator[tuple[int, Encoded]]:
        if self._pooling is not None or not sentences:
            yield from self._by_position(self._workers, texts, self._passage_prompt, sentences)
            return
        found = self._by_position(self._workers, texts, self._passage_prompt)
        while part := list(itertools.islice(found, _TEXTS_AT_ONCE)):
            positions = [at for at, _ in part]
            yield from zip(
                positions,
                self._with_sentences(
                    [encoded for _, encoded in part],
                    [texts[at] for at in positions],
                    [sentences[at] for at in positions],
                ),
                strict=True,
            )

    def _with_sentences(
        self,
        encoded: Sequence[Encoded],
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
    ) -> list[Encoded]:
        """Return encoded texts with the vectors of their sentences, each encoded by itself."""
        own = {text: one.vector for text, one in zip(texts, encoded, strict=True)}
        words = [
            [text[span.start : span.end] for span in spans]
            for text, spans in zip(texts, sentences, strict=True)
        ]
        new = list(dict.fromkeys(word for of_one in words for word in of_one if word not in own))
        own |= zip(new, self.encode_passages(new), strict=True)
        return [
            replace(one, sentences=_rows([own[word] for word in of_one], self.dimension))
            for one, of_one in zip(encoded, words, strict=True)
        ]

    def sentence_means(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> "Iterator[tuple[int, FloatArray, npt.NDArray[np.int64], FloatArray]]":
        """Yield what the vectors of sentences are told from; nothing where there is no engine.

        Position of the text, means of its sentences in every layer ``(n, layers, dimension)``,
        their numbers of tokens, and the mean of all its tokens ``(dimension,)``.
        """
        for batch, forward, parts in self._passes(
            self._workers, texts, self._passage_prompt, lambda *found: found, sentences
        ):
            each = _by_text(forward, parts, [len(sentences[text.position]) for text in batch])
            for text, (means, counts, vector) in zip(batch, each, strict=True):
                yield text.position, means, counts, vector

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many token vectors each text will have."""
        if not self._tells_tokens:
            return [0] * len(texts)
        return [
            len(text.kept)
            for at in range(0, len(texts), _TOKENISED_TOGETHER)
            for text in self._tokenised(texts[at : at + _TOKENISED_TOGETHER], self._passage_prompt)
        ]

    @cached_property
    def _workers(self) -> "Workers":
        from index.packed import Workers

        # A GPU computes one batch after the other; the next one is tokenised meanwhile.
        return Workers(1 if getattr(self._engine, "is_on_gpu", False) else None)

    @cached_property
    def _askers(self) -> "Workers":
        """Those who encode questions: one that is asked while an index is built need not queue.

        Each computes on one core: on a busy machine two that share the work of a question wait for
        each other longer than they compute.
        """
        from index.packed import Workers

        return Workers()

    def _in_order(self, texts: Sequence[str], prompt: str) -> FloatArray:
        """Return the vectors of texts, without those of their tokens."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, forward, _ in self._passes(self._workers, texts, prompt, lambda *found: found):
            vectors[[text.position for text in batch]] = forward.vectors
        return _unit(vectors)

    def _by_position(
        self,
        workers: "Workers",
        texts: Sequence[str],
        prompt: str,
        sentences: Sequence[Sequence[Span]] = (),
    ) -> Iterator[tuple[int, Encoded]]:
        def finish(
            batch: list[_Text], forward: "Forward", parts: "Parts"
        ) -> list[tuple[int, Encoded]]:
            each = [len(sentences[text.position]) if sentences else 0 for text in batch]
            of_sentences = self._pooled(forward, parts, each)
            vectors = _unit(forward.vectors)
            return [
                (
                    text.position,
                    Encoded(vector, PartVectors(_unit(tokens[text.kept]), text.spans), own),
                )
                for text, vector, tokens, own in zip(
                    batch, vectors, forward.tokens, of_sentences, strict=True
                )
            ]

        for found in self._passes(workers, texts, prompt, finish, sentences):
            yield from found

    def _passes(
        self,
        workers: "Workers",
        texts: Sequence[str],
        prompt: str,
        finish: "Callable[[list[_Text], Forward, Parts], _Finished]",
        sentences: Sequence[Sequence[Span]] = (),
    ) -> Iterator[_Finished]:
        """Run the engine over texts, longest first; yield what is made of each of its batches.

        Args:
            workers: who compute.
            texts: to encode.
            prompt: that stands before each.
            finish: called by the worker with a batch, what the engine gave, and its sentences.
            sentences: of each text, as parts for the engine.
        """
        from index.packed import NO_PARTS

        engine = self._engine
        if engine is None:  # this model has none
            return

        def work(batch: list[_Text]) -> _Finished:
            spans = [sentences[text.position] for text in batch] if sentences else []
            parts = _parts(batch, spans) if spans else NO_PARTS
            return finish(batch, engine.forward([text.ids for text in batch], parts), parts)

        batches = self._batches(texts, prompt, workers.count, engine.most_tokens)
        yield from workers.run(work, batches)

    def _pooled(self, forward: "Forward", parts: "Parts", each: Sequence[int]) -> list[FloatArray]:
        """Return the vectors of sentences, text by text: they depend on no other text.

        Args:
            forward: of a batch of texts.
            parts: their sentences.
            each: how many of them each text has.
        """
        if self._pooling is None or not len(parts.counts):
            return [self._no_vectors()] * len(each)
        return [self._pooling(*of_text) for of_text in _by_text(forward, parts, each)]

    def _batches(
        self, texts: Sequence[str], prompt: str, cores: int, most_tokens: int
    ) -> Iterator[list[_Text]]:
        """Yield texts in tokens, longest first, so many that they are work for one core."""
        order = _longest_first(texts)
        for at in range(0, len(order), _TOKENISED_TOGETHER):
            positions = order[at : at + _TOKENISED_TOGETHER]
            tokenised = self._tokenised([texts[i] for i in positions], prompt, positions)
            tokenised.sort(key=lambda text: len(text.ids), reverse=True)
            share = sum(len(text.ids) for text in tokenised) // cores
            yield from _cut(tokenised, min(max(share, _FEWEST_TOKENS), most_tokens))

    def _tokenised(
        self, texts: Sequence[str], prompt: str, positions: Sequence[int] | None = None
    ) -> list[_Text]:
        """Return texts in tokens, each at its position or else as they come."""
        tokenizer: Any = self._model.tokenizer
        with self._lock:
            found = tokenizer(
                [prompt + text for text in texts],
                return_offsets_mapping=True,
                truncation=True,
                max_length=self.max_tokens,
                verbose=False,
            )
        each = zip(
            positions or range(len(texts)),
            found["input_ids"],
            found["offset_mapping"],
            texts,
            strict=True,
        )
        return [_Text(at, ids, *_own_tokens(of, prompt, text)) for at, ids, of, text in each]

    def _encoded(
        self, features: "list[dict[str, torch.Tensor]]", texts: Sequence[str], prompt: str
    ) -> list[Encoded]:
        """Return what sentence-transformers computed, without tokens that are not the text's."""
        vectors = [feature["sentence_embedding"].float().cpu().numpy() for feature in features]
        if not self._tells_tokens:
            nothing = PartVectors(self._no_vectors(), np.empty((0, 2), np.int64))
            return [Encoded(_unit(vector[None])[0], nothing) for vector in vectors]
        encoded: list[Encoded] = []
        tokenised = self._tokenised(texts, prompt)
        for feature, vector, text in zip(features, vectors, tokenised, strict=True):
            present = feature["attention_mask"].bool()
            tokens = feature["token_embeddings"][present].float().cpu().numpy()[text.kept]
            encoded.append(Encoded(_unit(vector[None])[0], PartVectors(_unit(tokens), text.spans)))
        return encoded

    def count_passage_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text costs as a passage, with prompt and special tokens."""
        if not texts:
            return []
        prompted = [self._passage_prompt + text for text in texts]
        with self._lock:
            if not callable(self._model.tokenizer):  # a static model has a bare tokenizer
                return [len(one.ids) for one in self._model.tokenizer.encode_batch(prompted)]
            encoded = self._model.tokenizer(prompted, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def _own_tokens(
    offsets: Sequence[tuple[int, int]], prompt: str, text: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    spans = np.asarray(offsets, np.int64).reshape(-1, 2) - len(prompt)
    spans[:, 0] = np.maximum(spans[:, 0], 0)
    kept = [i for i, (start, end) in enumerate(spans.tolist()) if text[start : max(end, 0)].strip()]
    return np.asarray(kept, np.int64), spans[kept]


def _parts(batch: Sequence[_Text], sentences: Sequence[Sequence[Span]]) -> "Parts":
    """Return the sentences of a batch of texts as parts for the engine."""
    from index.packed import Parts
    from index.sentence_pooling import LAYERS

    rows, counts, first = [np.empty(0, np.int64)], [], 0
    for text, spans in zip(batch, sentences, strict=True):
        offsets = np.array([(span.start, span.end) for span in spans], np.int64).reshape(-1, 2)
        for start, end in np.searchsorted(text.spans[:, 0], offsets).tolist():
            rows.append(text.kept[start:end] + first)
            counts.append(len(rows[-1]))
        first += len(text.ids)
    return Parts(np.concatenate(rows), np.array(counts, np.int64), LAYERS)


def _by_text(
    forward: "Forward", parts: "Parts", each: Sequence[int]
) -> "Iterator[tuple[FloatArray, npt.NDArray[np.int64], FloatArray]]":
    """Yield the means of each text's sentences, their numbers of tokens, and its own mean."""
    first = 0
    for vector, count in zip(forward.vectors, each, strict=True):
        own = slice(first, first + count)
        yield forward.parts[own], parts.counts[own], vector
        first += count


def _rows(vectors: Sequence[FloatArray], dimension: int) -> FloatArray:
    return np.array(vectors, np.float32).reshape(len(vectors), dimension)


def _unit(vectors: FloatArray) -> FloatArray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def _longest_first(texts: Sequence[str]) -> list[int]:
    lengths = [len(text) for text in texts]
    return sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)


def _cut(texts: Sequence[_Text], most: int) -> Iterator[list[_Text]]:
    """Yield texts, in their order, in batches of at most so many tokens, or of one text."""
    batch: list[_Text] = []
    tokens = 0
    for text in texts:
        if batch and tokens + len(text.ids) > most:
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += len(text.ids)
    if batch:
        yield batch
