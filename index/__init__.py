"""Documents → an index generation on disk, and back: ``build_index`` and ``open_index``.

A module is imported with the first of its names that is used: a help text, or an error that is
looked up, needs no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.builder import (
        add_documents,
        build_index,
        list_documents,
        remove_documents,
        update_documents,
    )
    from index.cleaner import clean_question
    from index.dictionary import Translation, is_proper_name, translations
    from index.durable import replace_text
    from index.errors import (
        CacheError,
        CitationError,
        DocumentError,
        EvaluationError,
        FeedbackError,
        IndexBusyError,
        IndexDamagedError,
        IndexFallbackWarning,
        IndexFolderError,
        IndexFormatError,
        IndexNotFoundError,
        ModelDamagedError,
        ModelError,
        ModelMismatchError,
        ModelNotFoundError,
        NoDocumentsError,
        PlaceError,
        QuestionError,
        QuestionSetError,
        ReportError,
        ServerBusyError,
        ServerSettingError,
        SettingError,
        UploadError,
        UploadKindError,
        UploadTooLargeError,
        UsersFileError,
        YinzhengError,
    )
    from index.folding import (
        Word,
        content_words,
        fold,
        in_script,
        lookup_terms,
        names_person,
        names_place,
        place_names,
        script_of,
        stands_in,
        terms,
        words,
    )
    from index.history import document_as_it_was
    from index.keys import duplicate_key, find_words
    from index.loaders import Limits, recognise
    from index.locations import (
        REPORT,
        cache_dir,
        default_data_dir,
        default_embedding_cache,
        default_index_dir,
    )
    from index.notices import exit_status, telling_fallbacks
    from index.part_vectors import PartVectors
    from index.reader import Index, open_index
    from index.report import report_as_json, write_report
    from index.report import totals as report_totals
    from index.selecting import file_of
    from index.types import (
        TOKEN_VECTOR_KINDS,
        BuildReport,
        Document,
        DocumentDetails,
        DocumentInfo,
        Dropped,
        FailedFile,
        FileFacts,
        FileReport,
        FileStatus,
        IndexInfo,
        IndexSize,
        Passage,
        Span,
        TokenVectorKind,
        Version,
    )
    from index.upkeep import (
        GenerationInfo,
        PruneReport,
        list_generations,
        prune,
        rollback,
        verify,
    )
    from index.verification import Problem
    from index.views import Progress
    from index.without import Without

__all__ = [
    "REPORT",
    "TOKEN_VECTOR_KINDS",
    "BuildReport",
    "CacheError",
    "CitationError",
    "Document",
    "DocumentDetails",
    "DocumentError",
    "DocumentInfo",
    "Dropped",
    "EvaluationError",
    "FailedFile",
    "FeedbackError",
    "FileFacts",
    "FileReport",
    "FileStatus",
    "GenerationInfo",
    "Index",
    "IndexBusyError",
    "IndexDamagedError",
    "IndexFallbackWarning",
    "IndexFolderError",
    "IndexFormatError",
    "IndexInfo",
    "IndexNotFoundError",
    "IndexSize",
    "Limits",
    "ModelDamagedError",
    "ModelError",
    "ModelMismatchError",
    "ModelNotFoundError",
    "NoDocumentsError",
    "PartVectors",
    "Passage",
    "PlaceError",
    "Problem",
    "Progress",
    "PruneReport",
    "QuestionError",
    "QuestionSetError",
    "ReportError",
    "ServerBusyError",
    "ServerSettingError",
    "SettingError",
    "Span",
    "TokenVectorKind",
    "Translation",
    "UploadError",
    "UploadKindError",
    "UploadTooLargeError",
    "UsersFileError",
    "Version",
    "Without",
    "Word",
    "YinzhengError",
    "add_documents",
    "build_index",
    "cache_dir",
    "clean_question",
    "content_words",
    "default_data_dir",
    "default_embedding_cache",
    "default_index_dir",
    "document_as_it_was",
    "duplicate_key",
    "exit_status",
    "file_of",
    "find_words",
    "fold",
    "in_script",
    "is_proper_name",
    "list_documents",
    "list_generations",
    "lookup_terms",
    "names_person",
    "names_place",
    "open_index",
    "place_names",
    "prune",
    "recognise",
    "remove_documents",
    "replace_text",
    "report_as_json",
    "report_totals",
    "rollback",
    "script_of",
    "stands_in",
    "telling_fallbacks",
    "terms",
    "translations",
    "update_documents",
    "verify",
    "words",
    "write_report",
]

_NAMES = {
    "index.builder": (
        "add_documents",
        "build_index",
        "list_documents",
        "remove_documents",
        "update_documents",
    ),
    "index.cleaner": ("clean_question",),
    "index.dictionary": ("Translation", "is_proper_name", "translations"),
    "index.durable": ("replace_text",),
    "index.errors": (
        "CacheError",
        "CitationError",
        "DocumentError",
        "EvaluationError",
        "FeedbackError",
        "IndexBusyError",
        "IndexDamagedError",
        "IndexFallbackWarning",
        "IndexFolderError",
        "IndexFormatError",
        "IndexNotFoundError",
        "ModelDamagedError",
        "ModelError",
        "ModelMismatchError",
        "ModelNotFoundError",
        "NoDocumentsError",
        "PlaceError",
        "QuestionError",
        "QuestionSetError",
        "ReportError",
        "ServerBusyError",
        "ServerSettingError",
        "SettingError",
        "UploadError",
        "UploadKindError",
        "UploadTooLargeError",
        "UsersFileError",
        "YinzhengError",
    ),
    "index.folding": (
        "Word",
        "content_words",
        "fold",
        "in_script",
        "lookup_terms",
        "names_person",
        "names_place",
        "place_names",
        "script_of",
        "stands_in",
        "terms",
        "words",
    ),
    "index.history": ("document_as_it_was",),
    "index.keys": ("duplicate_key", "find_words"),
    "index.loaders": ("Limits", "recognise"),
    "index.locations": (
        "REPORT",
        "cache_dir",
        "default_data_dir",
        "default_embedding_cache",
        "default_index_dir",
    ),
    "index.notices": ("exit_status", "telling_fallbacks"),
    "index.part_vectors": ("PartVectors",),
    "index.reader": ("Index", "open_index"),
    "index.report": ("report_as_json", "write_report"),
    "index.selecting": ("file_of",),
    "index.types": (
        "TOKEN_VECTOR_KINDS",
        "BuildReport",
        "Document",
        "DocumentDetails",
        "DocumentInfo",
        "Dropped",
        "FailedFile",
        "FileFacts",
        "FileReport",
        "FileStatus",
        "IndexInfo",
        "IndexSize",
        "Passage",
        "Span",
        "TokenVectorKind",
        "Version",
    ),
    "index.upkeep": (
        "GenerationInfo",
        "PruneReport",
        "list_generations",
        "prune",
        "rollback",
        "verify",
    ),
    "index.verification": ("Problem",),
    "index.views": ("Progress",),
    "index.without": ("Without",),
}
# Called otherwise at home.
_RENAMED = {"report_totals": ("index.report", "totals")}
_HOMES = {name: (module, name) for module, names in _NAMES.items() for name in names} | _RENAMED

if not TYPE_CHECKING:  # a reader of types would take it for a promise that any name exists

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, own_name = _HOMES[name]
        found = globals()[name] = getattr(import_module(module), own_name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
