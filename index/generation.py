"""A generation: one complete, immutable version of the index on disk.

    <index folder>/
      CURRENT                   names the generation in use; replaced by one atomic rename
      .lock                     held while building
      generations/<id>/
        manifest.json           format, model, settings, counts, SHA-256 of every other file
        passages.sqlite
        vectors.faiss
        lexical/
        tokens/                 vectors of every token, for late interaction
        sentences/              vectors of every sentence, encoded by itself

A generation is written beside the one in use, checked, then named in CURRENT. Whoever has the old
one open keeps it; a crash at any moment leaves the old one in use.
"""

import contextlib
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path

import filelock

from index.durable import fsync, fsync_tree, replace_text, sha256_of
from index.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotFoundError,
)

FORMAT = 4
MANIFEST = "manifest.json"
PASSAGES = "passages.sqlite"
VECTORS = "vectors.faiss"
LEXICAL = "lexical"
TOKENS = "tokens"
SENTENCES = "sentences"
_CURRENT = "CURRENT"
_KEPT = 2  # the one in use and the one before it, which a running chat may still have open
_BUILD_AGAIN = "Build it again: python -m index build PATH"


@dataclass(frozen=True)
class Manifest:
    """What a generation says of itself.

    Attributes:
        format: version of this layout.
        created: when it was built, ISO 8601 in UTC.
        model: the embedder's name.
        model_revision: identifies its weights.
        dimension: length of a vector.
        max_tokens: the passage limit it was split with.
        token_vectors: how token vectors are stored, ``int8`` or ``pq``.
        reading: identifies how texts were folded and cut into terms.
        documents: how many documents.
        passages: how many passages.
        files: SHA-256 of every other file, by path inside the generation.
    """

    format: int
    created: str
    model: str
    model_revision: str
    dimension: int
    max_tokens: int
    token_vectors: str
    reading: str
    documents: int
    passages: int
    files: dict[str, str]


@contextlib.contextmanager
def building(index_dir: Path) -> Iterator[Path]:
    """Lend a new, empty generation folder; it is removed again when the build fails.

    Raises:
        IndexBusyError: another process is building in this index folder.
        IndexFolderError: the folder cannot be made or written.
    """
    generations = index_dir / "generations"
    try:
        generations.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexFolderError(
            f"{index_dir} cannot be used as an index folder ({error.strerror}). "
            "Name another one with --index or YINZHENG_INDEX."
        ) from error
    try:
        with filelock.FileLock(index_dir / ".lock", timeout=0):
            _remove_unfinished(index_dir)
            now = datetime.now(timezone.utc)
            folder = generations / f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
            folder.mkdir()
            try:
                yield folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    except filelock.Timeout as error:
        raise IndexBusyError(
            f"Another process is building the index in {index_dir}. Wait for it, then try again."
        ) from error


def seal(folder: Path, **facts: int | str) -> Manifest:
    """Write the manifest of a finished generation and put everything on the disk."""
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
    manifest = Manifest(
        format=FORMAT,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        files=files,
        **facts,  # type: ignore[arg-type]
    )
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    fsync_tree(folder)
    fsync(folder.parent)
    return manifest


def swap(index_dir: Path, folder: Path) -> None:
    """Make a sealed generation the one in use, then remove all but the newest two."""
    replace_text(index_dir / _CURRENT, folder.name + "\n")
    others = sorted(p for p in folder.parent.iterdir() if p.is_dir() and p != folder)
    for old in others[: len(others) - (_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)


def current(index_dir: Path) -> Path:
    """Return the folder of the generation in use.

    Raises:
        IndexNotFoundError: the folder does not exist or holds no index.
        IndexDamagedError: CURRENT names a generation that is not there.
    """
    try:
        name = (index_dir / _CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise IndexNotFoundError(
            f"There is no index in {index_dir}. "
            f"Build one: python -m index build PATH --index {index_dir}"
        ) from error
    folder = index_dir / "generations" / Path(name).name
    if not name or not (folder / MANIFEST).is_file():
        raise IndexDamagedError(
            f"The index in {index_dir} names a generation that is not there. {_BUILD_AGAIN}"
        )
    return folder


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation.

    Raises:
        IndexDamagedError: it cannot be read, or was written by another format.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise IndexDamagedError(
                f"{folder} has index format {values['format']}, this version reads {FORMAT}. "
                f"{_BUILD_AGAIN}"
            )
        return Manifest(**{field.name: values[field.name] for field in fields(Manifest)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(
            f"{folder / MANIFEST} cannot be read ({error}). {_BUILD_AGAIN}"
        ) from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its SHA-256 in the manifest.

    Raises:
        IndexDamagedError: a file is missing or altered.
    """
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise IndexDamagedError(f"{path} is missing. {_BUILD_AGAIN}")
        if sha256_of(path) != digest:
            raise IndexDamagedError(f"{path} was altered after it was built. {_BUILD_AGAIN}")


def _remove_unfinished(index_dir: Path) -> None:
    """Remove what an earlier build left when it was killed: generations without a manifest."""
    for folder in (index_dir / "generations").iterdir():
        if folder.is_dir() and not (folder / MANIFEST).is_file():
            shutil.rmtree(folder, ignore_errors=True)
