"""An opened index: the generation in use, with its two views and its passages."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from index import generation
from index.errors import IndexDamagedError, ModelMismatchError, ModelNotFoundError
from index.lexical import Alternatives, LexicalHit, LexicalIndex
from index.locations import default_index_dir
from index.part_vectors import PartVectors, PartVectorStore
from index.store import Store
from index.types import Document, DocumentInfo, IndexInfo, Passage, Version
from index.vectors import FloatArray, IntArray, VectorIndex

if TYPE_CHECKING:
    from index.embedder import Embedder


class Index:
    """An opened generation. A context manager; safe to use from several threads.

    A rebuild does not disturb it: it goes on reading the generation it opened.
    """

    def __init__(
        self, index_dir: Path, *, model: str | None = None, folder: Path | None = None
    ) -> None:
        self.index_dir = index_dir
        self._model = model
        # A folder is given only to check a generation that is not in use yet.
        self._folder = folder or generation.current(index_dir)
        self._manifest = generation.read_manifest(self._folder)
        self._store = Store(self._folder / generation.PASSAGES)
        self._lexical = LexicalIndex(self._folder / generation.LEXICAL)
        self._vectors = VectorIndex(self._folder / generation.VECTORS)
        self._tokens = PartVectorStore(self._folder / generation.TOKENS)
        self._sentences = PartVectorStore(self._folder / generation.SENTENCES)
        # Every hit names its document; a few are asked for again and again.
        self._document = lru_cache(maxsize=64)(self._store.document)
        self._check_counts()

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
        """Close the files."""
        self._store.close()

    def __len__(self) -> int:
        return self._manifest.passages

    @property
    def generation(self) -> str:
        """Name of the generation that is open."""
        return self._folder.name

    @property
    def info(self) -> IndexInfo:
        """What the index says of itself."""
        manifest = self._manifest
        return IndexInfo(
            index_dir=str(self.index_dir),
            generation=self.generation,
            created=datetime.fromisoformat(manifest.created),
            documents=manifest.documents,
            passages=manifest.passages,
            model=manifest.model,
            model_revision=manifest.model_revision,
            dimension=manifest.dimension,
            token_vectors=self._tokens.kind,
            bytes_on_disk=sum(p.stat().st_size for p in self._folder.rglob("*") if p.is_file()),
        )

    @cached_property
    def embedder(self) -> "Embedder":
        """The model the index was made with.

        Raises:
            ModelMismatchError: another model was asked for, or its weights have changed.
            ModelNotFoundError: it is not on this machine.
        """
        from index.embedder import load_embedder, model_setting

        manifest = self._manifest
        wanted = model_setting(self._model) or manifest.model
        try:
            embedder = load_embedder(wanted)
        except ModelNotFoundError:
            if wanted == manifest.model:
                raise
            raise self._mismatch(wanted, "which is not on this machine") from None
        made_with = (manifest.model, manifest.model_revision, manifest.dimension)
        if (embedder.name, embedder.revision, embedder.dimension) != made_with:
            described = f"revision {embedder.revision}, {embedder.dimension} dimensions"
            raise self._mismatch(embedder.name, described)
        return embedder

    def _mismatch(self, name: str, described: str) -> ModelMismatchError:
        manifest = self._manifest
        return ModelMismatchError(
            f"The index in {self.index_dir} was made with {manifest.model} "
            f"(revision {manifest.model_revision}, {manifest.dimension} dimensions), "
            f"but the model in use is {name} ({described}). Leave --model and YINZHENG_MODEL unset "
            f"to use the index's own model, or build again with --model {name}."
        )

    def search_dense(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return ids and cosines of the k passages nearest to a query vector, best first."""
        return self._vectors.search(query_vector, k)

    def dense_scores(self, query_vector: FloatArray, passage_ids: Sequence[int]) -> FloatArray:
        """Return the cosine of each given passage to a query vector."""
        return self._vectors.scores(query_vector, passage_ids)

    def token_vectors(self, passage_id: int) -> PartVectors:
        """Return the token vectors of a passage; their spans count from its headings on."""
        return self._tokens.get(passage_id)

    def sentence_vectors(self, passage_id: int) -> FloatArray:
        """Return the vector of each sentence of a passage, encoded by itself, ``(n, dim)``."""
        return self._sentences.get(passage_id).vectors

    def search_lexical(self, terms: Sequence[str], k: int) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first."""
        return self._lexical.search(terms, k)

    def search_any(self, weighed: Sequence[tuple[Alternatives, float]], k: int) -> list[LexicalHit]:
        """Return the k passages with the most weight; each weight counts for any alternative."""
        return self._lexical.search_any(weighed, k)

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        return self._lexical.frequency_of_any(alternatives)

    def idf(self, term: str) -> float:
        """Return a term's inverse document frequency; largest for a term in no passage."""
        return self._lexical.idf(term)

    def frequency(self, term: str) -> int:
        """Return in how many passages a term stands."""
        return self._lexical.frequency(term)

    def get_passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Return passages by id, in the order asked for."""
        return self._store.get_passages(passage_ids)

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""
        return self._store.passages_of(document_id)

    def document(self, document_id: str) -> Document:
        """Return one document; KeyError when the index has none of that id."""
        return self._document(document_id)

    def document_list(self) -> list[tuple[str, str, str, int]]:
        """Return (id, title, path, number of passages) of every document, by path."""
        return self._store.document_list()

    def documents(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""
        return self._store.infos()

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""
        return self._store.documents_of_content(prefix)

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""
        return self._store.versions_of_content(prefix)

    def duplicate_keys(self, passage_ids: Sequence[int]) -> list[bytes]:
        """Return what each passage shares with its duplicates, in the order asked for."""
        return self._store.duplicate_keys(passage_ids)

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, passage id) of all passages with one of the keys, by id."""
        return self._store.repeats(duplicate_keys)

    def verify(self) -> None:
        """Check every file's hash and that every passage stands where it says.

        Raises:
            IndexDamagedError: something is missing, altered or misplaced.
        """
        generation.check_files(self._folder, self._manifest)
        wrong = next(self._store.misplaced(), None)
        if wrong is not None:
            raise IndexDamagedError(
                f"Passage {wrong} in {self._folder} is not a slice of its document. "
                "Build the index again: python -m index build PATH"
            )

    def _check_counts(self) -> None:
        counts = {
            len(part) for part in (self._vectors, self._tokens, self._sentences, self._lexical)
        }
        counts.add(self._store.passages)
        said = (self._manifest.token_vectors, self._manifest.dimension)
        if (self._tokens.kind, self._tokens.dimension) != said:
            raise IndexDamagedError(
                f"The token vectors of {self._folder} are {self._tokens.kind} of "
                f"{self._tokens.dimension} dimensions, the manifest says {said[0]} of {said[1]}. "
                "Build the index again: python -m index build PATH"
            )
        if counts != {self._manifest.passages} or self._vectors.dimension not in (
            0,
            self._manifest.dimension,
        ):
            raise IndexDamagedError(
                f"The parts of {self._folder} disagree: {self._manifest.passages} passages in the "
                f"manifest, {self._store.passages} stored, {len(self._vectors)} vectors, "
                f"{len(self._lexical)} in the lexical view. "
                "Build the index again: python -m index build PATH"
            )


def open_index(index_dir: str | Path | None = None, *, model: str | None = None) -> Index:
    """Open an index for reading.

    Args:
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        model: the embedding model, when it should be checked against the index; None =
            ``YINZHENG_MODEL`` or the model the index was made with.

    Raises:
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: a part of it is missing or disagrees with the others.
    """
    folder = default_index_dir() if index_dir is None else Path(index_dir).expanduser()
    return Index(folder, model=model)
