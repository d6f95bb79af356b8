"""Documents → an index generation on disk, and back: ``build_index`` and ``open_index``."""

from index.builder import Progress, build_index
from index.cleaner import clean_question
from index.errors import (
    CitationError,
    DocumentError,
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotFoundError,
    ModelDamagedError,
    ModelError,
    ModelMismatchError,
    ModelNotFoundError,
    NoDocumentsError,
    QuestionError,
    YinzhengError,
)
from index.folding import content_words, fold, place_names, script_of, terms
from index.locations import REPORT, default_index_dir
from index.reader import Index, open_index
from index.token_vectors import TokenVectors
from index.types import BuildReport, Document, FailedFile, IndexInfo, Passage, Span

__all__ = [
    "REPORT",
    "BuildReport",
    "CitationError",
    "Document",
    "DocumentError",
    "FailedFile",
    "Index",
    "IndexBusyError",
    "IndexDamagedError",
    "IndexFolderError",
    "IndexInfo",
    "IndexNotFoundError",
    "ModelDamagedError",
    "ModelError",
    "ModelMismatchError",
    "ModelNotFoundError",
    "NoDocumentsError",
    "Passage",
    "Progress",
    "QuestionError",
    "Span",
    "TokenVectors",
    "YinzhengError",
    "build_index",
    "clean_question",
    "content_words",
    "default_index_dir",
    "fold",
    "open_index",
    "place_names",
    "script_of",
    "terms",
]
