"""Every error Yinzheng raises on purpose.

    YinzhengError
    ├── DocumentError            a source file cannot be read as text
    │   └── NoDocumentsError     nothing in the given paths could be indexed
    ├── IndexFolderError         the folder is not a usable index
    │   ├── IndexNotFoundError   there is no index where one was named
    │   ├── IndexDamagedError    a file of the index is missing or altered
    │   ├── IndexFormatError     it was written by a version with another layout
    │   ├── IndexBusyError       another process is writing in this folder
    │   └── IndexServerError     the server that the index is on cannot be used
    ├── ModelError               an embedding model cannot be used
    │   ├── ModelNotFoundError   it is not on this machine
    │   ├── ModelDamagedError    the bundled model's file is not the expected one
    │   └── ModelMismatchError   the index was made with a different model
    ├── CacheError               the file of kept embeddings cannot be used
    ├── FeedbackError            what a reader thinks of an answer cannot be kept or read
    ├── SettingError             a setting of a build has no such value, or not with this model
    ├── EvaluationError          an evaluation cannot be run
    │   └── QuestionSetError     a file of questions cannot be used
    ├── ServerBusyError          as many questions wait already as a server takes
    ├── UploadError              uploaded files are not taken
    │   ├── UploadTooLargeError  they are too many, or too large
    │   └── UploadKindError      a file is of no kind that can be read
    ├── ReportError              a kept report or count cannot be read
    ├── PlaceError               a permanent reference cannot be followed
    ├── ServerSettingError       a server cannot run as it is asked to
    ├── UsersFileError           a file of users or tokens cannot be used
    └── QuestionError            the question cannot be asked
        └── CitationError        a quote does not stand where it is said to stand

Each message states the fact and the next step. Both command lines and the page print it as it is.

One thing is no error but a warning, ``IndexFallbackWarning``: an index answers, but from an older
generation than the one it should.
"""


class YinzhengError(Exception):
    """The root: catch this to catch everything raised on purpose."""


class DocumentError(YinzhengError):
    """A source file cannot be read as text."""


class NoDocumentsError(DocumentError):
    """Nothing in the given paths could be indexed."""


class IndexFolderError(YinzhengError):
    """The folder is not a usable index."""


class IndexNotFoundError(IndexFolderError):
    """There is no index where one was named."""


class IndexDamagedError(IndexFolderError):
    """A file of the index is missing or altered."""


class IndexFormatError(IndexFolderError):
    """The index was written by a version of Yinzheng with another layout."""


class IndexBusyError(IndexFolderError):
    """Another process is writing in this folder."""


class IndexServerError(IndexFolderError):
    """The server that the index is on cannot be used."""


class ModelError(YinzhengError):
    """An embedding model cannot be used."""


class ModelNotFoundError(ModelError):
    """The model is not on this machine."""


class ModelDamagedError(ModelError):
    """The bundled model's file is not the expected one."""


class ModelMismatchError(ModelError):
    """The index was made with a different model."""


class CacheError(YinzhengError):
    """The file of kept embeddings cannot be used."""


class FeedbackError(YinzhengError):
    """What a reader thinks of an answer cannot be kept or read."""


class SettingError(YinzhengError):
    """A setting of a build has no such value, or not with this model."""


class EvaluationError(YinzhengError):
    """An evaluation cannot be run."""


class QuestionSetError(EvaluationError):
    """A file of questions cannot be used."""


class UploadError(YinzhengError):
    """Uploaded files are not taken."""


class UploadTooLargeError(UploadError):
    """Uploaded files are too many, or too large."""


class UploadKindError(UploadError):
    """An uploaded file is of no kind that can be read."""


class ReportError(YinzhengError):
    """A kept report or count cannot be read."""


class PlaceError(YinzhengError):
    """A permanent reference cannot be followed."""


class ServerSettingError(YinzhengError):
    """A server cannot run as it is asked to."""


class UsersFileError(YinzhengError):
    """A file of users or tokens cannot be used."""


class ServerBusyError(YinzhengError):
    """As many questions wait already as the server takes."""


class QuestionError(YinzhengError):
    """The question cannot be asked."""


class CitationError(QuestionError):
    """A quote does not stand where it is said to stand."""


class IndexFallbackWarning(UserWarning):
    """The generation in use is damaged, and another one of the same index answers for it."""
