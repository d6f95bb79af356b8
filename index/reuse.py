"""The generation in use, as the next one sees it: what need not be read or embedded again.

Of a large generation little is looked at: documents and texts are looked up by their keys, and
whole segments are taken over without being read. Copied is only what is as it was built: every file
is compared with its SHA-256 first, or a flipped bit would be copied under a new, fitting hash.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index import generation
from index.errors import IndexDamagedError
from index.manifest import BUILD_AGAIN, Manifest, read_manifest
from index.part_vectors import PartVectorStore
from index.places import Places
from index.quantiser import ProductQuantiser
from index.segmented import FolderStore, stores_of
from index.store import Store
from index.types import DocumentInfo, FileFacts, TokenVectorKind, Version
from index.vectors import VectorIndex

Row = tuple[int, int]
"""A segment, and a row in it."""

_READ_INSTEAD = 4 << 20
"""Bytes that are read and hashed in about the time that one text takes to be embedded."""


class OldGeneration:
    """A generation that another is built from. A context manager.

    Args:
        folder: of the generation.
        thorough: whether every byte of it is checked, also of what is only taken over.

    Raises:
        IndexDamagedError: it is not as it was built.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """

    def __init__(self, folder: Path, *, thorough: bool) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self._checked: set[str] = set()
        generation.check_sizes(folder, self.manifest)
        self.check(list(self.manifest.files) if thorough else [generation.PLACES])
        self.places: Places = Places.read(folder / generation.PLACES)
        for fact in self.places.faults(self.manifest.segments):
            raise IndexDamagedError(f"{folder / generation.PLACES} {fact}. {BUILD_AGAIN}")
        self._stack = ExitStack()
        self.stores: list[Store] = stores_of(folder, len(self.manifest.segments), self._stack)
        self.store: FolderStore = FolderStore(self.stores, self.places)
        self._paths: dict[Row, tuple[str, str]] = {}
        self._parts: dict[tuple[int, str], PartVectorStore] = {}

    def __enter__(self) -> "OldGeneration":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def name(self) -> str:
        """Name of the generation."""
        return self.folder.name

    # ---- what it holds ---------------------------------------------------------------------------

    def ids(self) -> set[str]:
        """Return the id of every document."""
        return {id_ for store in self.stores for id_ in store.document_ids()}

    @cached_property
    def infos(self) -> Mapping[str, DocumentInfo]:
        """What there is to list of every document, by id."""
        return {info.id: info for info in self.store.infos()}

    def info(self, document_id: str) -> DocumentInfo | None:
        """Return what there is to list of a document; None when it is not here."""
        found = (store.info(document_id) for store in self.stores)
        return next((info for info in found if info is not None), None)

    def facts(self, document_id: str) -> FileFacts:
        """Return what reading a document's file showed; it is here."""
        return self.stores[self.segment_of(document_id)].facts(document_id)

    def segment_of(self, document_id: str) -> int:
        """Return which segment holds a document.

        Raises:
            KeyError: none does.
        """
        for number, store in enumerate(self.stores):
            if store.info(document_id) is not None:
                return number
        raise KeyError(document_id)

    def versions_of(self, document_ids: Sequence[str]) -> list[Version]:
        """Return the recorded versions of some documents."""
        return [one for store in self.stores for one in store.versions_of(document_ids)]

    def path_of(self, segment: int, row: int) -> tuple[str, str]:
        """Return the path and the id of the document that has a passage."""
        if (segment, row) not in self._paths:
            self._paths[segment, row] = self.stores[segment].place_of(row)
        return self._paths[segment, row]

    # ---- vectors to copy -------------------------------------------------------------------------

    @property
    def kind(self) -> TokenVectorKind:
        """How the vectors of tokens are stored."""
        return self.tokens(0).kind

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """What codes are made with, in every segment; None where there are none."""
        return self.tokens(0).quantiser

    def rows(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """Return whose vectors can be copied for each vector key, as far as it is worth it."""
        found: dict[bytes, Row] = {}
        segments = range(len(self.stores))
        for number in sorted(segments, key=lambda one: not self._is_checked(one)):
            rows = self.stores[number].vector_rows([key for key in keys if key not in found])
            if rows and self._is_worth_it(number, len(rows)):
                self.check_segment(number)
                found.update({key: (number, row) for key, row in rows.items()})
        return found

    def _is_worth_it(self, segment: int, texts: int) -> bool:
        """Return whether checking a segment costs less than embedding some texts again."""
        size = sum(self.manifest.files[name].bytes for name in self.files_of(segment))
        return self._is_checked(segment) or size <= texts * _READ_INSTEAD

    def tokens(self, segment: int) -> PartVectorStore:
        """Return the vectors of its tokens."""
        return self._part(segment, generation.TOKENS)

    def sentences(self, segment: int) -> PartVectorStore:
        """Return the vectors of its sentences."""
        return self._part(segment, generation.SENTENCES)

    def _part(self, segment: int, name: str) -> PartVectorStore:
        if (segment, name) not in self._parts:
            folder = generation.segment(self.folder, segment)
            self._parts[segment, name] = PartVectorStore(folder / name)
        return self._parts[segment, name]

    def vectors(self, segment: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the vectors of passages, float32 ``(len(rows), dimension)``."""
        return VectorIndex(generation.segment(self.folder, segment) / generation.VECTORS).rows(rows)

    # ---- whether it is as it was built -----------------------------------------------------------

    def files_of(self, segment: int) -> list[str]:
        """Return the files of a segment, by their paths in the generation."""
        start = f"{generation.SEGMENTS}/{segment}/"
        return [name for name in self.manifest.files if name.startswith(start)]

    def check_segment(self, segment: int) -> None:
        """Compare every file of a segment with its SHA-256, once.

        Raises:
            IndexDamagedError: one was altered.
        """
        self.check(self.files_of(segment))

    def _is_checked(self, segment: int) -> bool:
        return self._checked.issuperset(self.files_of(segment))

    def check(self, names: Collection[str]) -> None:
        """Compare files with their SHA-256, each once.

        Raises:
            IndexDamagedError: one was altered.
        """
        new = [name for name in names if name not in self._checked]
        if new:
            generation.check_files(self.folder, self.manifest, new)
            self._checked.update(new)


def open_old(index_dir: Path, *, thorough: bool = False) -> OldGeneration:
    """Open the generation in use.

    Args:
        index_dir: the index folder.
        thorough: whether every byte of it is checked, also of what is only taken over.

    Raises:
        IndexNotFoundError: there is none.
        IndexDamagedError: it is not as it was built.
        IndexFormatError: another version of Yinzheng wrote it in another layout.
    """
    return OldGeneration(generation.current(index_dir), thorough=thorough)
