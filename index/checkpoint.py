"""What a build has embedded so far, so that one that was stopped goes on where it was.

``<index folder>/checkpoint.sqlite`` holds embeddings by what they are made of, and only those that
the running build needs. It is removed when the build has succeeded. One that is damaged is dropped:
all it costs is time.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from index.embedder import Embedder, Encoded
from index.embedding_cache import CachedEmbedder
from index.errors import CacheError
from index.leftovers import CHECKPOINT, remove_checkpoint
from index.types import Span


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
            self.found: int = self.keep_only(set(wanted))
        except CacheError:
            self._connection.close()
            raise

    def _get(self, key: bytes) -> Encoded | None:
        try:
            return super()._get(key)
        except CacheError:
            self.was_damaged = True  # computed and written anew
            return None

    def _drop_oldest(self) -> None:
        """Drop nothing: all of it is needed."""

    def _failure(self, error: Exception) -> CacheError:
        return CacheError(
            f"What is embedded cannot be written down in {self._file} ({error}). "
            "The old index, if any, is unchanged. "
            "Make room on the disk, or remove the file, then try again."
        )
