"""Embeddings kept between builds, by what they are made of: for indexes built again and again.

One SQLite file. The key is the SHA-256 of the model's name and revision and of the text in
sentences; a passage's vector is kept as float32, those of its tokens and its sentences in the int8
an index has, so an index is the same byte for byte whether it comes out of the file or not.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from index.chosen import Chosen
from index.embedder import Embedder, Encoded
from index.errors import CacheError
from index.keys import vector_key
from index.part_vectors import PartVectors, quantise, restore
from index.types import Span

_FORMAT = "2"
MOST_BYTES = 1 << 30
"""How much is kept; beyond it the oldest embeddings go."""
_COMMIT_EVERY = 128
_COLUMNS = "vector, levels, scales, spans, sentence_levels, sentence_scales"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL,
    levels BLOB NOT NULL, scales BLOB NOT NULL, spans BLOB NOT NULL,
    sentence_levels BLOB NOT NULL, sentence_scales BLOB NOT NULL
)
"""


class CachedEmbedder(Embedder):
    """An embedder that computes no passage twice. A context manager; for one thread.

    Questions are computed every time.

    Args:
        embedder: computes what is not kept.
        path: the file; made when it is not there.
        most_bytes: how much of it is kept on closing.

    Raises:
        CacheError: the file cannot be used.
    """

    def __init__(self, embedder: Embedder, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.__dict__.update(vars(embedder))
        self._path = path
        self._most_bytes = most_bytes
        with self._readable():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=60)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute("PRAGMA auto_vacuum = FULL")
            self._connection.execute(_SCHEMA)
            self._check_schema()

    def _check_schema(self) -> None:
        """Refuse a file with views or triggers of its own: they would run when it is written."""
        found = self._connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        ).fetchall()
        if found != [("table", "embeddings")]:
            self._connection.close()
            raise sqlite3.DatabaseError("it holds other things than embeddings")

    def __enter__(self) -> "CachedEmbedder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Keep what was computed, drop the oldest beyond the limit, and close the file."""
        with self._readable():
            try:
                self._drop_oldest()
                self._connection.commit()
            finally:
                self._connection.close()

    def encode_passage_tokens(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
    ) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vectors) of every text: those kept, then the others."""
        spans = sentences or [()] * len(texts)
        keys = [self._key(text, of_text) for text, of_text in zip(texts, spans, strict=True)]
        missing: list[int] = []
        for position, key in enumerate(keys):
            found = self._get(key)
            if found is None:
                missing.append(position)
            else:
                yield position, found
        if len(missing) < len(keys):
            texts, spans = Chosen(texts, missing), Chosen(spans, missing)
        computed = super().encode_passage_tokens(texts, spans)
        for at, encoded in self._as_kept(computed):
            self._put(keys[missing[at]], encoded)
            yield missing[at], encoded

    def _as_kept(self, computed: Iterator[tuple[int, Encoded]]) -> Iterator[tuple[int, Encoded]]:
        """Yield what was computed, in the form in which it is kept."""
        return computed

    def check(self) -> None:
        """Raise CacheError when the file is damaged."""
        with self._readable():
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise ValueError(found[0])

    def keep_only(self, wanted: Collection[bytes]) -> int:
        """Drop every embedding whose key is not wanted; return how many are left."""
        with self._readable():
            rows = self._connection.execute("SELECT key FROM embeddings").fetchall()
            dropped = [row for row in rows if row[0] not in wanted]
            self._connection.executemany("DELETE FROM embeddings WHERE key = ?", dropped)
            self._connection.commit()
        return len(rows) - len(dropped)

    def _key(self, text: str, sentences: Sequence[Span]) -> bytes:
        return self.key_of(self, text, sentences)

    @staticmethod
    def key_of(embedder: Embedder, text: str, sentences: Sequence[Span]) -> bytes:
        """Return what the vectors of a text in sentences are kept under."""
        model = f"{_FORMAT}\0{embedder.name}\0{embedder.revision}\0"
        return hashlib.sha256(model.encode() + vector_key(text, sentences)).digest()

    def _get(self, key: bytes) -> Encoded | None:
        with self._readable():
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM embeddings WHERE key = ?",  # noqa: S608 (our own names)
                (key,),
            ).fetchone()
            if row is None:
                return None
            vector = np.frombuffer(row[0], np.float32).reshape(self.dimension)
            spans = np.frombuffer(row[3], np.uint32).reshape(-1, 2).astype(np.int64)
            tokens = self._unpacked(row[1], row[2], spans)
            levels = np.frombuffer(row[4], np.int8).reshape(-1, self.dimension)
            return Encoded(vector, tokens, restore(levels, np.frombuffer(row[5], np.float16)))

    def _unpacked(self, levels: bytes, scales: bytes, spans: npt.NDArray[np.int64]) -> PartVectors:
        """Return tokens as they were kept.

        Raises:
            ValueError: there are not as many numbers as there should be.
        """
        found = np.frombuffer(levels, np.int8).reshape(len(spans), self.dimension)
        return PartVectors(restore(found, np.frombuffer(scales, np.float16)), spans)

    def _packed_tokens(self, tokens: PartVectors) -> tuple[bytes, bytes]:
        """Return the levels and scales of tokens, as they are kept."""
        levels, scales = quantise(tokens.vectors)
        return levels.tobytes(), scales.tobytes()

    def _put(self, key: bytes, encoded: Encoded) -> None:
        vector = encoded.vector.astype(np.float32).tobytes()
        spans = encoded.tokens.spans.astype(np.uint32).tobytes()
        sentences = [part.tobytes() for part in quantise(encoded.sentences)]
        parts = (vector, *self._packed_tokens(encoded.tokens), spans, *sentences)
        with self._readable():
            self._connection.execute(
                f"INSERT OR REPLACE INTO embeddings (key, {_COLUMNS}) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, *parts),
            )
            # Another process may be waiting to write.
            if self._connection.total_changes % _COMMIT_EVERY == 0:
                self._connection.commit()

    def _drop_oldest(self) -> None:
        """Delete the oldest rows until what is left is within the limit."""
        self._connection.execute(
            "DELETE FROM embeddings WHERE number IN (SELECT number FROM ("
            "SELECT number, sum(length(vector) + length(levels) + length(scales) + length(spans) "
            "+ length(sentence_levels) + length(sentence_scales)) "
            "OVER (ORDER BY number DESC) AS bytes FROM embeddings) WHERE bytes > ?)",
            (self._most_bytes,),
        )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> CacheError:
        return CacheError(
            f"The kept embeddings in {self._path} cannot be used ({error}). "
            "Remove the file, which can be made again, or go without it: --no-cache"
        )
