"""The generation in use, as the next one sees it: what need not be read or embedded again.

Reused is only what is as it was built: every file is compared with its SHA-256 first, or a flipped
bit would be copied under a new, fitting hash.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index import generation
from index.manifest import Manifest, read_manifest
from index.part_vectors import PartVectorStore
from index.store import Entry, Store
from index.types import DocumentInfo, Version
from index.vectors import VectorIndex


class OldGeneration:
    """A generation that another is built from. A context manager.

    Args:
        folder: of the generation.

    Raises:
        IndexDamagedError: it is not as it was built.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        generation.check_files(folder, self.manifest)
        self._store = Store(folder / generation.PASSAGES)
        self.infos: dict[str, DocumentInfo] = {info.id: info for info in self._store.infos()}

    def __enter__(self) -> "OldGeneration":
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @property
    def name(self) -> str:
        """Name of the generation."""
        return self.folder.name

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every document with its passages, by id."""
        return {entry.document.id: entry for entry in self._store.entries()}

    def versions(self) -> list[Version]:
        """Return the recorded versions of its documents."""
        return self._store.versions()

    @cached_property
    def passage_rows(self) -> Mapping[bytes, int]:
        """The passage of each text key."""
        return {text: row for row, (text, _) in enumerate(self._keys)}

    @cached_property
    def sentence_rows(self) -> Mapping[bytes, int]:
        """The row of each sentence's key among all sentences."""
        every = (key for _, sentences in self._keys for key in sentences)
        return {key: row for row, key in enumerate(every)}

    @property
    def text_keys(self) -> list[bytes]:
        """The text key of every passage, by id."""
        return [text for text, _ in self._keys]

    @cached_property
    def _keys(self) -> list[tuple[bytes, tuple[bytes, ...]]]:
        return list(self._store.keys())

    @cached_property
    def tokens(self) -> PartVectorStore:
        """The vectors of its tokens."""
        return PartVectorStore(self.folder / generation.TOKENS)

    @cached_property
    def sentences(self) -> PartVectorStore:
        """The vectors of its sentences."""
        return PartVectorStore(self.folder / generation.SENTENCES)

    def vectors(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the vectors of passages, float32 ``(len(rows), dimension)``."""
        return VectorIndex(self.folder / generation.VECTORS).rows(rows)


def open_old(index_dir: Path) -> OldGeneration:
    """Open the generation in use.

    Raises:
        IndexNotFoundError: there is none.
        IndexDamagedError: it is not as it was built.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """
    return OldGeneration(generation.current(index_dir))
