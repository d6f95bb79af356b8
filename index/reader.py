"""An opened index: the generation in use, with its two views and its passages."""

import shlex
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from index import generation
from index.errors import (
    IndexDamagedError,
    IndexFallbackWarning,
    IndexFolderError,
    IndexFormatError,
)
from index.lexical import Alternatives, LexicalHit
from index.locations import default_index_dir
from index.locks import GoneError
from index.manifest import BUILD_AGAIN
from index.opened import OpenedGeneration
from index.part_vectors import PartCosines, PartVectors
from index.segmented import SegmentedStore
from index.types import (
    Document,
    DocumentDetails,
    DocumentInfo,
    IndexInfo,
    IndexSize,
    Passage,
    Version,
)
from index.vectors import FloatArray, IntArray
from index.verification import problems_of

if TYPE_CHECKING:
    from index.embedder import Embedder

_T = TypeVar("_T")
_PATIENCE = 5.0  # seconds to look again while generations come and go
_PAUSE = 0.01


@dataclass(frozen=True)
class _State:
    """What an index reads, replaced as a whole.

    Attributes:
        opened: the generation.
        current: what stood in CURRENT then; None when it could not be read.
        warning: why it is not the generation that CURRENT names; empty when it is.
    """

    opened: OpenedGeneration
    current: bytes | None
    warning: str = ""


class Index:
    """An opened index. A context manager; safe to use from several threads.

    A rebuild does not disturb it: it goes on reading the generation it opened, which nobody
    removes meanwhile, until ``refresh`` takes the new one. Who needs several calls to speak of
    the same generation makes them on a ``snapshot``.

    When the generation in use is damaged, the newest good one is opened, with an
    ``IndexFallbackWarning``; ``warning`` holds its text.
    """

    def __init__(
        self, index_dir: Path, *, model: str | None = None, folder: Path | None = None
    ) -> None:
        self.index_dir = index_dir
        self._model = model
        self._refreshing = threading.Lock()
        # A folder is given only to check a generation that is not in use yet.
        if folder is None:
            self._adopt(_open_usable(index_dir, model))
        else:
            self._adopt(_State(OpenedGeneration(folder, model), None))

    def _adopt(self, state: _State) -> None:
        self._state = state
        self._snapshot = Snapshot(self.index_dir, state)

    @property
    def _opened(self) -> OpenedGeneration:
        return self._state.opened

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files, and let the generation go; snapshots can be used no longer."""
        self._opened.close()

    def snapshot(self) -> "Index":
        """Return a view that stays with the generation now open; closing it closes nothing."""
        return self._snapshot

    def refresh(self) -> bool:
        """Take the generation in use when it is another one; return whether it was.

        Only CURRENT is read when nothing changed. Snapshots, and with them questions under way,
        stay with the old generation, which is closed when the last of them is gone.

        Raises:
            IndexNotFoundError: the index is gone.
            IndexDamagedError: neither the generation in use nor any other is good.
            IndexFormatError: a version with another layout has written it.
        """
        with self._refreshing:
            if self._is_up_to_date():
                return False
            state = _open_usable(self.index_dir, self._model, already=self._opened)
            changed = state.opened is not self._opened
            self._adopt(state)
            return changed

    def _is_up_to_date(self) -> bool:
        try:
            return self._state.current == generation.read_current(self.index_dir)
        except IndexDamagedError:
            return self._state.current is None  # as damaged as it was

    def __len__(self) -> int:
        return self._opened.manifest.passages

    @property
    def generation(self) -> str:
        """Name of the generation that is open."""
        return self._opened.folder.name

    @property
    def warning(self) -> str:
        """Why another generation is open than the one in use; empty when it is that one."""
        return self._state.warning

    @property
    def info(self) -> IndexInfo:
        """What the index says of itself."""
        opened = self._opened
        manifest = opened.manifest
        return IndexInfo(
            index_dir=str(self.index_dir),
            generation=opened.folder.name,
            created=datetime.fromisoformat(manifest.created),
            documents=manifest.documents,
            passages=manifest.passages,
            model=manifest.model,
            model_revision=manifest.model_revision,
            dimension=manifest.dimension,
            token_vectors=opened.tokens.kind,
            bytes_on_disk=sum(generation.entries_of(opened.folder).values()),
            segments=len(opened.parts),
        )

    def size(self) -> IndexSize:
        """Count what the index holds; reads every text, seconds where there are millions."""
        opened = self._opened
        parts: Counter[str] = Counter()
        for name, size in generation.entries_of(opened.folder).items():
            parts[generation.part_of(name)] += size
        return IndexSize(
            sentences=opened.sentences.total(),
            characters=opened.store.characters(),
            bytes_by_part=dict(parts),
        )

    @property
    def embedder(self) -> "Embedder":
        """The model the index was made with.

        Raises:
            ModelMismatchError: another model was asked for, or its weights have changed.
            ModelNotFoundError: it is not on this machine.
        """
        return self._opened.embedder

    def use_embedder(self, embedder: "Embedder") -> None:
        """Encode questions by this embedder, which is of the index's own model, and load none.

        It serves the generation that is open now, and every view of it.
        """
        self._opened.embedder = embedder

    def search_dense(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return ids and cosines of the k passages nearest to a query vector, best first."""
        return self._opened.vectors.search(query_vector, k)

    def dense_scores(self, query_vector: FloatArray, passage_ids: Sequence[int]) -> FloatArray:
        """Return the cosine of each given passage to a query vector."""
        return self._opened.vectors.scores(query_vector, passage_ids)

    def passage_vectors(self, passage_ids: Sequence[int]) -> FloatArray:
        """Return the vectors of passages, unit length, ``(len(passage_ids), dimension)``.

        Only these are read of the mapped file.
        """
        return self._opened.vectors.rows(np.asarray(passage_ids, np.int64))

    def token_vectors(self, passage_id: int) -> PartVectors:
        """Return the token vectors of a passage; their spans count from its headings on."""
        return self._opened.tokens.get(passage_id)

    def compare_tokens(self, vectors: FloatArray, passage_ids: Sequence[int]) -> PartCosines:
        """Return the cosine of every token of some passages to each vector, ``(n, dim)``.

        There is at least one passage; spans count from its headings on.
        """
        return self._opened.tokens.compare(vectors, passage_ids)

    def compare_sentences(self, vectors: FloatArray, passage_ids: Sequence[int]) -> PartCosines:
        """Return the cosine of every sentence of some passages to each vector, ``(n, dim)``.

        There is at least one passage; spans count from its own text on.
        """
        return self._opened.sentences.compare(vectors, passage_ids)

    def sentence_vectors(self, passage_id: int) -> FloatArray:
        """Return the vector of each sentence of a passage, encoded by itself, ``(n, dim)``."""
        return self._opened.sentences.get(passage_id).vectors

    def search_lexical(self, terms: Sequence[str], k: int) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first."""
        return self._opened.lexical.search(terms, k)

    def search_any(self, weighed: Sequence[tuple[Alternatives, float]], k: int) -> list[LexicalHit]:
        """Return the k passages with the most weight; each weight counts for any alternative."""
        return self._opened.lexical.search_any(weighed, k)

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        return self._opened.lexical.frequency_of_any(alternatives)

    def idf(self, term: str) -> float:
        """Return a term's inverse document frequency; largest for a term in no passage."""
        return self._opened.lexical.idf(term)

    def frequency(self, term: str) -> int:
        """Return in how many passages a term stands."""
        return self._opened.lexical.frequency(term)

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        return self._opened.store.get_passages(passage_ids)

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        return self._opened.passages_of(document_id)

    def passage_ranges(self) -> dict[str, range]:
        """Return the ids of each document's passages, in the order of the ids; none is read."""
        return self._opened.store.passage_ranges()

    def document(self, document_id: str) -> Document:
        """Return one document; KeyError when the index has none of that id."""
        return self._opened.document(document_id)

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return self._opened.store.document_list()

    def documents(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        return self._opened.store.infos()

    def document_details(self) -> list[DocumentDetails]:
        """Return what there is to know of every document beside its text, by path."""
        return self._opened.store.details()

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        return self._opened.store.documents_of_content(prefix)

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        return self._opened.store.versions_of_content(prefix)

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return what each passage shares with its duplicates, in the order asked for."""
        return self._opened.store.duplicate_keys(passage_ids)

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        return self._opened.store.repeats(duplicate_keys)

    def reported(self, report: Callable[[SegmentedStore], _T]) -> _T:
        """Return what is reported of the store that is open; for the build that wrote it."""
        return report(self._opened.store)

    def verify(self, *, deep: bool = True, taken_over: Collection[str] = ()) -> None:
        """Check every file's hash and that every passage stands where it says.

        Args:
            deep: look also at every vector, every span, and every id.
            taken_over: files that were linked from another generation, and are not read.

        Raises:
            IndexDamagedError: something is missing, altered or misplaced; the message names all.
        """
        folder = self._opened.folder
        found = problems_of(folder, deep=deep, taken_over=taken_over)
        if found:
            listed = "; ".join(str(problem).rstrip(".") for problem in found)
            raise IndexDamagedError(f"{folder} is damaged: {listed}. {BUILD_AGAIN}")


class Snapshot(Index):
    """A view of an opened index that stays with one generation; the index must stay open."""

    def __init__(self, index_dir: Path, state: _State) -> None:
        self.index_dir = index_dir
        self._state = state

    def close(self) -> None:
        """Do nothing: the index behind the view stays open."""

    def snapshot(self) -> Index:
        """Return itself."""
        return self

    def refresh(self) -> bool:
        """Return False: a view stays with its generation."""
        return False


def open_index(index_dir: str | Path | None = None, *, model: str | None = None) -> Index:
    """Open an index for reading.

    Warns ``IndexFallbackWarning`` when the generation in use is damaged and another one is opened.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        model: the embedding model, when it should be checked against the index; None =
            ``YINZHENG_MODEL`` or the model the index was made with.

    Raises:
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: a part of it is missing or disagrees with the others, in every
            generation.
        IndexFormatError: it was written by a version with another layout.
    """
    folder = default_index_dir() if index_dir is None else Path(index_dir).expanduser()
    return Index(folder, model=model)


def _open_usable(
    index_dir: Path, model: str | None, already: OpenedGeneration | None = None
) -> _State:
    """Open the generation in use, or the newest good one; ``already`` is not opened again."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        current = None
        try:
            current = generation.read_current(index_dir)
            folder = generation.folder_of(index_dir, current)
            return _State(_open(folder, model, already), current)
        except IndexDamagedError as damage:
            # It may have been removed after CURRENT was read, because CURRENT names another now.
            if time.monotonic() < deadline and _has_moved_on(index_dir, current):
                continue
            return _fall_back(index_dir, model, already, current, damage)
        except GoneError:
            if time.monotonic() > deadline:
                raise IndexDamagedError(
                    f"The generation in use in {index_dir} is locked by somebody who does not "
                    "let go. End the process that prunes it, or build the index again."
                ) from None
            time.sleep(_PAUSE)


def _has_moved_on(index_dir: Path, current: bytes | None) -> bool:
    try:
        return generation.read_current(index_dir) != current
    except IndexFolderError:
        return current is not None


def _open(folder: Path, model: str | None, already: OpenedGeneration | None) -> OpenedGeneration:
    if already is not None and already.folder == folder:
        return already
    try:
        return OpenedGeneration(folder, model)
    except IndexFormatError as error:
        command = generation.rebuild_command(folder.parent.parent, folder)
        raise IndexFormatError(f"{error} Build it again: {command}") from error
    except OSError as error:
        raise IndexDamagedError(f"{folder} cannot be opened ({error}). {BUILD_AGAIN}") from error


def _fall_back(
    index_dir: Path,
    model: str | None,
    already: OpenedGeneration | None,
    current: bytes | None,
    damage: IndexDamagedError,
) -> _State:
    """Open the newest good generation, with a warning; raise what is wrong when there is none."""
    for folder in generation.sealed(index_dir):
        if current is not None and folder.name == generation.name_in(current) and already is None:
            continue
        try:
            opened = _open(folder, model, already)
        except (IndexDamagedError, IndexFormatError, GoneError):
            continue
        built = datetime.fromisoformat(opened.manifest.created).astimezone()
        warning = (
            f"{str(damage).rstrip('.')}. Until then the generation {folder.name}, "
            f"built {built:%Y-%m-%d %H:%M}, answers; "
            f"python -m index verify --index {shlex.quote(str(index_dir))} tells more."
        )
        warnings.warn(warning, IndexFallbackWarning, stacklevel=2)
        return _State(opened, current, warning)
    raise damage
