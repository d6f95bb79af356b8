"""Files → decoded text. One loader a file; ``LOADERS`` has one line for each kind.

A loader takes the bytes of a file and returns ``Decoded``: its text, how it was decoded, and its
blocks where the format tells them (None = the splitter finds them in the text).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from index.errors import DocumentError
from index.loaders.decoded import Decoded
from index.loaders.markdown import load_markdown
from index.loaders.text import load_text

LOADERS: dict[str, Callable[[bytes], Decoded]] = {
    ".txt": load_text,
    ".md": load_markdown,
    ".markdown": load_markdown,
}


def load(path: Path, content: bytes) -> Decoded:
    """Decode a file's bytes with the loader for its suffix.

    Raises:
        DocumentError: there is no loader for it, or it is not text in a known encoding.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise DocumentError(
            f"{path.name}: files of kind {path.suffix or 'without suffix'!r} cannot be read yet. "
            f"Save it as one of: {', '.join(LOADERS)}"
        )
    try:
        return loader(content)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from error


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files to index: those named, and those of a known kind inside named folders.

    Raises:
        DocumentError: a named path does not exist.
    """
    found: dict[Path, None] = {}  # a dict keeps the order and drops a file named twice
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _is_document(p, path))
            found.update(dict.fromkeys(p.resolve() for p in inside))
        elif path.is_file():
            found[path.resolve()] = None
        else:
            raise DocumentError(f"{path} does not exist. Check the path and try again.")
    return list(found)


def _is_document(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.is_file() and not hidden and path.suffix.lower() in LOADERS
