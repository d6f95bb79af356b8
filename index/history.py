"""Documents as they were: in the generations that still lie in the index folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from index import generation
from index.errors import IndexDamagedError, IndexFormatError
from index.manifest import read_manifest
from index.reader import Index
from index.segmented import stores_of
from index.types import Document


def document_as_it_was(opened: Index, document_id: str, content_hash: str) -> Document | None:
    """Return an earlier state of a document; None when no generation on the disk has it.

    Args:
        opened: the index; the other generations of its folder are looked through, newest first.
        document_id: the document.
        content_hash: SHA-256 of the source's bytes at the time.
    """
    for folder in _others(opened):
        try:
            with ExitStack() as stack:
                stores = stores_of(folder, len(read_manifest(folder).segments), stack)
                found = [one for s in stores for one in s.documents_of_content(content_hash)]
        except (IndexDamagedError, IndexFormatError):  # of another format, or being removed
            continue
        if found:
            return next((one for one in found if one.id == document_id), found[0])
    return None


def _others(opened: Index) -> Iterator[Path]:
    if not isinstance(opened.index_dir, Path):
        return iter(())
    return (one for one in generation.sealed(opened.index_dir) if one.name != opened.generation)
