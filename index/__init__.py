"""Documents → an index generation on disk, and back: ``build_index`` and ``open_index``."""

from index.builder import Progress, build_index
from index.cleaner import clean_question
from index.dictionary import Translation, translations
from index.durable import replace_text
from index.errors import (
    CacheError,
    CitationError,
    DocumentError,
    EvaluationError,
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
    QuestionSetError,
    YinzhengError,
)
from index.folding import (
    content_words,
    fold,
    lookup_terms,
    names_person,
    names_place,
    place_names,
    script_of,
    stands_in,
    terms,
)
from index.locations import REPORT, cache_dir, default_embedding_cache, default_index_dir
from index.reader import Index, open_index
from index.token_vectors import TokenVectors
from index.types import BuildReport, Document, FailedFile, IndexInfo, Passage, Span
from index.without import Without

__all__ = [
    "REPORT",
    "BuildReport",
    "CacheError",
    "CitationError",
    "Document",
    "DocumentError",
    "EvaluationError",
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
    "QuestionSetError",
    "Span",
    "TokenVectors",
    "Translation",
    "Without",
    "YinzhengError",
    "build_index",
    "cache_dir",
    "clean_question",
    "content_words",
    "default_embedding_cache",
    "default_index_dir",
    "fold",
    "lookup_terms",
    "names_person",
    "names_place",
    "open_index",
    "place_names",
    "replace_text",
    "script_of",
    "stands_in",
    "terms",
    "translations",
]
