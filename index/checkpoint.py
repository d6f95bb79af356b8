"""What a build has embedded so far, so that one that was stopped goes on where it was.

``<index folder>/checkpoint.sqlite`` holds embeddings by what they are made of, and only those that
the running build needs. It is removed when the build has succeeded. One that is damaged is dropped:
all it costs is time.

Tokens are in it as the index will have them: as int8, or, once a product quantiser has learned, as
codes, a quarter of that, with the centroids they were made with.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.ahead import ahead
from index.embedder import Embedder, Encoded
from index.embedding_cache import CachedEmbedder
from index.errors import CacheError
from index.leftovers import CHECKPOINT, remove_checkpoint
from index.part_vectors import Coding, Learned, PartVectors
from index.quantiser import CENTROIDS, PIECE, ProductQuantiser
from index.types import Span

_CENTROIDS_KEY = hashlib.sha256(b"centroids").digest()
"""What the centroids are kept under, in place of a vector."""


class Checkpoint(CachedEmbedder):
    """An embedder that writes down what it computes, for the next attempt. A context manager.

    Attributes:
        found: how many embeddings of an earlier attempt are of use.
        was_damaged: whether there was one that could not be used.

    Args:
        embedder: computes what is not there.
        index_dir: the index folder.
        texts: the folded passages that will be asked for.
        sentences: of each, in its offsets.
    """

    def __init__(
        self,
        embedder: Embedder,
        index_dir: Path,
        *,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
    ) -> None:
        self._file = index_dir / CHECKPOINT
        self._coding: Coding | None = None
        # Written through a link, embeddings would go to somebody else's file.
        self.was_damaged: bool = self._file.is_symlink()
        if self.was_damaged:
            remove_checkpoint(index_dir)
        wanted = [
            CachedEmbedder.key_of(embedder, text, spans)
            for text, spans in zip(texts, sentences, strict=True)
        ]
        try:
            self._open(embedder, wanted)
        except CacheError:
            self.was_damaged = True
            remove_checkpoint(index_dir)
            self._open(embedder, wanted)

    def _open(self, embedder: Embedder, wanted: Iterable[bytes]) -> None:
        super().__init__(embedder, self._file)
        try:
            self.check()
            known = self.learned()
            self.found: int = self.keep_only({*wanted, _CENTROIDS_KEY}) - (known is not None)
        except CacheError:
            self._connection.close()
            raise

    def _get(self, key: bytes) -> Encoded | None:
        try:
            return super()._get(key)
        except CacheError:
            self.was_damaged = True  # computed and written anew
            return None

    def learned(self) -> Learned | None:
        """Return the quantiser whose codes are in it; None when none are."""
        with self._readable():
            row = self._connection.execute(
                "SELECT vector FROM embeddings WHERE key = ?", (_CENTROIDS_KEY,)
            ).fetchone()
            if row is None:
                return None
            found = np.frombuffer(row[0], np.float32).reshape(-1, CENTROIDS, PIECE)
            if len(found) * PIECE != self.dimension or not np.all(np.isfinite(found)):
                raise ValueError("it holds centroids of another model")
            return Learned(ProductQuantiser(found))

    def keep_codes(self, coding: Coding | None) -> None:
        """From here on keep tokens as these codes, or as int8; drop codes that others made."""
        self._coding = coding
        known = self.learned()
        before = None if known is None else known.centroids.tobytes()
        after = None if coding is None else np.asarray(coding.centroids, np.float32).tobytes()
        if before == after:
            return
        with self._readable():
            self._connection.execute("DELETE FROM embeddings WHERE scales = x'' AND levels <> x''")
            self._connection.execute("DELETE FROM embeddings WHERE key = ?", (_CENTROIDS_KEY,))
            if after is not None:
                self._connection.execute(
                    "INSERT INTO embeddings (key, vector, levels, scales, spans, "
                    "sentence_levels, sentence_scales) VALUES (?, ?, x'', x'', x'', x'', x'')",
                    (_CENTROIDS_KEY, after),
                )
            self._connection.commit()

    def _as_kept(self, computed: Iterator[tuple[int, Encoded]]) -> Iterator[tuple[int, Encoded]]:
        coding = self._coding
        if coding is None:
            return computed

        def with_codes(one: tuple[int, Encoded]) -> tuple[int, Encoded]:
            at, encoded = one
            tokens = replace(encoded.tokens, codes=coding.encode(encoded.tokens.vectors))
            return at, replace(encoded, tokens=tokens)

        return ahead(with_codes, computed)

    def _packed_tokens(self, tokens: PartVectors) -> tuple[bytes, bytes]:
        if tokens.codes is None:
            return super()._packed_tokens(tokens)
        return tokens.codes.tobytes(), b""

    def _unpacked(self, levels: bytes, scales: bytes, spans: npt.NDArray[np.int64]) -> PartVectors:
        if scales or not levels:
            return super()._unpacked(levels, scales, spans)
        if self._coding is None:
            raise ValueError("codes without centroids")
        codes = np.frombuffer(levels, np.uint8).reshape(len(spans), self.dimension // PIECE)
        return PartVectors(self._coding.decode(codes), spans, codes)

    def _drop_oldest(self) -> None:
        """Drop nothing: all of it is needed."""

    def _failure(self, error: Exception) -> CacheError:
        return CacheError(
            f"What is embedded cannot be written down in {self._file} ({error}). "
            "The old index, if any, is unchanged. "
            "Make room on the disk, or remove the file, then try again."
        )
