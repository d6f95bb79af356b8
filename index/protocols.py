"""What an index is made of, whichever engine holds it: files in a folder, or a Milvus server.

``Index`` (``reader.py``) asks only these; one set of tests (``tests/test_index_contract.py``) asks
both engines the same.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from index.lexical import Alternatives, LexicalHit
from index.manifest import Manifest
from index.part_vectors import PartVectors, Stored
from index.quantiser import ProductQuantiser
from index.types import (
    Document,
    DocumentInfo,
    FileFacts,
    Passage,
    TokenVectorKind,
    Version,
)

if TYPE_CHECKING:
    from index.embedder import Embedder
    from index.segmented import SegmentedParts, SegmentedStore, SegmentedVectors

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class SegmentStore(Protocol):
    """The documents and passages of a segment, by their rows in it."""

    @property
    def documents(self) -> int:
        """How many documents there are."""

    @property
    def passages(self) -> int:
        """How many passages there are."""

    def close(self) -> None:
        """Close what is open."""

    def document(self, document_id: str) -> Document:
        """Return one document; KeyError when it is not here."""

    def documents_of_content(self, prefix: str) -> list[Document]:
        """Return the documents whose content hash begins with some hex digits, by path."""

    def versions_of_content(self, prefix: str) -> list[Version]:
        """Return the recorded versions whose content hash begins with some hex digits."""

    def infos(self) -> list[DocumentInfo]:
        """Return what there is to list of every document, by path."""

    def listed(self) -> list[tuple[DocumentInfo, FileFacts, str]]:
        """Return of every document what a list says, what reading showed, and since when it is."""

    def duplicate_keys(self, rows: Sequence[int], /) -> list[bytes]:
        """Return the duplicate key of each passage, in the order asked for."""

    def repeats(self, duplicate_keys: Sequence[bytes]) -> list[tuple[bytes, int]]:
        """Return (duplicate key, row) of all passages with one of the keys, by row."""

    def get_passages(self, rows: Sequence[int], /) -> list[Passage]:
        """Return passages by row, in the order asked for."""

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""

    def passage_ranges(self) -> dict[str, range]:
        """Return the rows of each document's passages, in their order."""

    def characters(self) -> int:
        """Return how many characters all documents have together."""


class SegmentVectors(Protocol):
    """The vectors of a segment's passages."""

    def __len__(self) -> int: ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def search(self, query_vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the rows and cosines of the k nearest passages, best first."""

    def rows(self, rows: IntArray, /) -> FloatArray:
        """Return the vectors of passages, ``(len(rows), dimension)``."""


class SegmentParts(Protocol):
    """The vectors of the tokens, or of the sentences, of a segment's passages."""

    def __len__(self) -> int: ...

    @property
    def total(self) -> int:
        """How many parts all passages have together."""

    @property
    def kind(self) -> TokenVectorKind:
        """How the vectors are stored."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def quantiser(self) -> ProductQuantiser | None:
        """What the codes were made with; None for int8."""

    def get(self, row: int, /) -> PartVectors:
        """Return the parts of one passage, restored to float32."""

    def prepare(self, rows: Sequence[int], /) -> None:
        """Fetch what will be asked for, all at once."""

    def stored_of(self, row: int, /) -> tuple[Stored, npt.NDArray[Any]]:
        """Return the parts of one passage as they are stored, and their spans."""

    def products(self, pieces: Sequence[Stored], vectors: FloatArray) -> FloatArray:
        """Return the product of vectors and stored parts, float32 ``(vectors, parts)``."""


class Lexical(Protocol):
    """The terms of a generation."""

    @property
    def looks_everywhere(self) -> bool:
        """Whether it searches all passages, and not only those it is given."""

    def __len__(self) -> int: ...

    def idf(self, term: str) -> float:
        """Return the term's inverse document frequency; largest for a term in no passage."""

    def frequency(self, term: str) -> int:
        """Return in how many passages the term stands."""

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""

    def search(self, terms: Sequence[str], k: int, beside: Sequence[int]) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first."""

    def search_any(
        self, weighed: Sequence[tuple[Alternatives, float]], k: int, among: Sequence[int]
    ) -> list[LexicalHit]:
        """Return the k of some passages with the most weight, best first."""


class Opened(Protocol):
    """A generation, opened for reading; it never changes."""

    manifest: Manifest
    vectors: "SegmentedVectors"
    tokens: "SegmentedParts"
    sentences: "SegmentedParts"

    @property
    def store(self) -> "SegmentedStore":
        """Its documents and passages."""

    document: Callable[[str], Document]

    @property
    def embedder(self) -> "Embedder":
        """The model it was made with."""

    def use_embedder(self, embedder: "Embedder") -> None:
        """Encode questions by this embedder, which is of the generation's own model."""

    @property
    def name(self) -> str:
        """Name of the generation."""

    @property
    def where(self) -> str:
        """Where it is, for messages."""

    @property
    def lexical(self) -> Lexical:
        """Its terms."""

    @property
    def lexical_kind(self) -> str:
        """How passages are found by their words."""

    @property
    def parts(self) -> Sequence[Any]:
        """Its segments."""

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return a document's passages, in order."""

    def bytes_by_part(self) -> dict[str, int]:
        """Return how many bytes each part takes, where that is known."""

    def faults(self, *, deep: bool, taken_over: Collection[str]) -> Iterator[str]:
        """Yield everything that is wrong with it."""

    def close(self) -> None:
        """Let it go; does nothing the second time."""
