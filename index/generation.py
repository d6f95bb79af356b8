"""A generation: one complete, immutable version of the index on disk.

    <index folder>/
      CURRENT                   names the generation in use; replaced by one atomic rename
      .lock, .owner             who is writing, and since when
      generations/<id>/
        manifest.json           format, model, settings, counts, size and SHA-256 of each file
        places.npy              where the passages of each document are
        lexical/
        segments/0/             some of the documents, all that is known of them
            passages.sqlite
            vectors.faiss
            tokens/             vectors of every token, for late interaction
            sentences/          vectors of every sentence, encoded by itself
        segments/1/ ...

A segment never changes; a later generation that holds the same documents links to its files. A
generation is written beside the one in use, put on the disk, described in its manifest, checked,
then named in CURRENT. Whoever has the old one open keeps it (``locks.py``); a crash at any moment
leaves the old one in use. ``docs/index.md`` has every byte.
"""

import contextlib
import re
import secrets
import shlex
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from os import path as os_path
from pathlib import Path
from typing import Any

from index.durable import (
    fsync,
    fsync_tree,
    read_bounded,
    replace_text,
    sha256_of,
    writing,
)
from index.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexFormatError,
    IndexNotFoundError,
)
from index.locks import unheld, writer
from index.manifest import (
    BUILD_AGAIN,
    MANIFEST,
    FileFacts,
    Manifest,
    read_manifest,
    write_manifest,
)
from index.store import paths_in

PLACES = "places.npy"
SEGMENTS = "segments"
PASSAGES = "passages.sqlite"
VECTORS = "vectors.faiss"
LEXICAL = "lexical"
TOKENS = "tokens"
SENTENCES = "sentences"
_CURRENT = "CURRENT"
_GENERATIONS = "generations"
_KEPT = 2  # the one in use and the one in use before it, which is there to go back to
# A number that grows, because clocks go back; format 3 had none. Nothing else is ever removed.
_NAME = re.compile(r"(?:([0-9]{6,12})-)?[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_MOST_NUMBERED = 10**12 - 1
_LONGEST_NAME = 256
_LEFT_BY_TANTIVY = {f"{LEXICAL}/.tantivy-meta.lock", f"{LEXICAL}/.tantivy-writer.lock"}
_MOST_SOURCES_NAMED = 5


@contextlib.contextmanager
def building(index_dir: Path, *, wait: float = 0.0) -> Iterator[Path]:
    """Lend a new, empty generation folder; it is removed again when the build fails.

    Args:
        index_dir: the index folder; made when it is not there.
        wait: seconds to wait for another writer.

    Raises:
        IndexBusyError: another process is still writing in this index folder after that time.
        IndexFolderError: the folder cannot be made or written.
    """
    generations = _make_folders(index_dir)
    with writer(index_dir, wait=wait):
        remove_leftovers(index_dir)
        folder = generations / _new_name(index_dir)
        with writing(folder):
            folder.mkdir()
        try:
            yield folder
        except BaseException:
            # Stopped after the swap, it is the one in use.
            if name_in_use(index_dir) != folder.name:
                shutil.rmtree(folder, ignore_errors=True)
            raise


@contextlib.contextmanager
def receiving(index_dir: Path, name: str) -> Iterator[Path]:
    """Lend a new folder for a generation that comes from elsewhere; in the end it is in use.

    Args:
        index_dir: the index folder; made when it is not there. Whoever calls is its only writer.
        name: of the generation, as it is called there.

    Raises:
        IndexDamagedError: it is no name of a generation.
        IndexFolderError: the folder cannot be made or written.
    """
    if not _NAME.fullmatch(name):
        raise IndexDamagedError(f"{name[:100]!r} is not the name of a generation. {BUILD_AGAIN}")
    folder = _make_folders(index_dir) / name
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    use(index_dir, folder)


def _make_folders(index_dir: Path) -> Path:
    generations = index_dir / _GENERATIONS
    try:
        is_new = not index_dir.exists()
        generations.mkdir(parents=True, exist_ok=True)
        if is_new:
            fsync(index_dir.parent)
        fsync(index_dir)
    except OSError as error:
        raise IndexFolderError(
            f"{index_dir} cannot be used as an index folder ({error.strerror}). "
            "Name another one with --index or YINZHENG_INDEX."
        ) from error
    _refuse_link(generations)
    return generations


def _new_name(index_dir: Path) -> str:
    numbers = [_number(folder.name) for folder in _all(index_dir)]
    number = 1 + max([*numbers, _number(name_in_use(index_dir) or "")])
    if number > _MOST_NUMBERED:
        raise IndexFolderError(
            f"The generations in {index_dir} have numbers no greater one follows. "
            "Build the index in another folder: --index DIR"
        )
    return f"{number:06d}-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _number(name: str) -> int:
    match = _NAME.fullmatch(name)
    return int(match[1] or 0) if match else 0


def segment(folder: Path, number: int) -> Path:
    """Return the folder of a segment of a generation."""
    return folder / SEGMENTS / str(number)


def part_of(name: str) -> str:
    """Return which part of a generation a file belongs to, the same in every segment."""
    parts = name.split("/")
    return parts[2] if parts[0] == SEGMENTS and len(parts) > 2 else parts[0]


def seal(
    folder: Path,
    *,
    taken_over: Mapping[str, FileFacts] | None = None,
    **facts: Any,  # noqa: ANN401  (whatever JSON can say)
) -> Manifest:
    """Put a finished generation on the disk, then write its manifest, then put that there.

    Args:
        folder: of the generation.
        taken_over: the files linked from another generation, and what its manifest says of them.
        facts: the other fields of the manifest.
    """
    with writing(folder):
        for path in folder.rglob("*.lock"):  # tantivy's, of no use to a reader
            path.unlink()
        fsync_tree(folder)
        manifest = write_manifest(folder, facts, taken_over)
        fsync(folder.parent)
    return manifest


def swap(index_dir: Path, folder: Path) -> None:
    """Make a sealed generation the one in use; keep the one before it, and remove older ones."""
    before = name_in_use(index_dir)
    use(index_dir, folder)
    remove_old(index_dir, keep=_KEPT, also=() if before is None else (before,))


def use(index_dir: Path, folder: Path) -> None:
    """Name a complete generation in CURRENT; nothing is removed."""
    with writing(index_dir / _CURRENT):
        replace_text(index_dir / _CURRENT, folder.name + "\n")


def name_in_use(index_dir: Path) -> str | None:
    """Return what CURRENT names, there or not; None when it says nothing sensible."""
    try:
        return name_in(read_current(index_dir))
    except IndexFolderError:
        return None


def read_current(index_dir: Path) -> bytes:
    """Return what stands in CURRENT, to be compared with what stood there before.

    Raises:
        IndexNotFoundError: there is none, and no generation either.
        IndexDamagedError: it is missing or cannot be read, but there are generations.
    """
    path = index_dir / _CURRENT
    try:
        return read_bounded(path, _LONGEST_NAME)
    except (FileNotFoundError, NotADirectoryError) as error:
        if sealed(index_dir):
            raise IndexDamagedError(
                f"{path} is missing, though there are generations. "
                f"Name one again: python -m index rollback --index {shlex.quote(str(index_dir))}"
            ) from error
        raise IndexNotFoundError(
            f"There is no index in {index_dir}. "
            f"Build one: python -m index build PATH --index {shlex.quote(str(index_dir))}"
        ) from error
    except OSError as error:
        raise IndexDamagedError(f"{path} cannot be read ({error}). {BUILD_AGAIN}") from error


def current(index_dir: Path) -> Path:
    """Return the folder of the generation in use.

    Raises:
        IndexNotFoundError: the folder does not exist or holds no index.
        IndexDamagedError: CURRENT names a generation that is not there, or none.
    """
    return folder_of(index_dir, read_current(index_dir))


def name_in(content: bytes) -> str | None:
    """Return the name of a generation that a CURRENT holds; None when it is none."""
    text = content.decode("ascii", "replace").strip()
    return text if _NAME.fullmatch(text) else None


def folder_of(index_dir: Path, current: bytes) -> Path:
    """Return the folder of the generation that a CURRENT names.

    Raises:
        IndexDamagedError: it names a generation that is not there, or none at all.
    """
    name = name_in(current)
    folder = index_dir / _GENERATIONS / (name or "")
    _refuse_link(folder.parent)
    if name is None or not (folder / MANIFEST).is_file():
        raise IndexDamagedError(
            f"The index in {index_dir} names a generation that is not there. {BUILD_AGAIN}"
        )
    _refuse_link(folder)
    return folder


def sealed(index_dir: Path) -> list[Path]:
    """Return the folders of all complete generations, newest first."""
    return [folder for folder in _all(index_dir) if (folder / MANIFEST).is_file()]


def _all(index_dir: Path) -> list[Path]:
    """Return the folders of all generations, complete or not, newest first."""
    generations = index_dir / _GENERATIONS
    try:
        entries = [] if generations.is_symlink() else list(generations.iterdir())
    except OSError:
        return []
    named = [p for p in entries if _NAME.fullmatch(p.name) and p.is_dir() and not p.is_symlink()]
    return sorted(named, key=lambda folder: (_number(folder.name), folder.name), reverse=True)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise _foreign(path, "a symbolic link")


def _foreign(path: Path, what: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} is {what}, which an index must not hold. {BUILD_AGAIN}")


def entries_of(folder: Path) -> dict[str, int]:
    """Return the size of every file of a generation, by its path inside it.

    Raises:
        IndexDamagedError: something in it is a symbolic link, a pipe or a device.
    """
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            sizes[path.relative_to(folder).as_posix()] = status.st_size
        elif not stat.S_ISDIR(status.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no regular file"
            raise _foreign(path, what)
    return sizes


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Compare the size of every file with the manifest; cheap, for every opening.

    Raises:
        IndexDamagedError: a file is missing, too short or too long, or no regular file.
    """
    for name, fact in differing(manifest, entries_of(folder)):
        raise IndexDamagedError(f"{folder / name} {fact}. {BUILD_AGAIN}")


def check_files(folder: Path, manifest: Manifest, names: Collection[str] | None = None) -> None:
    """Compare the SHA-256 of files with the manifest, before what they hold is copied.

    Args:
        folder: of the generation.
        manifest: its manifest.
        names: the files; None = all.

    Raises:
        IndexDamagedError: a file is missing or altered.
    """
    check_sizes(folder, manifest)
    sizes = entries_of(folder)
    if names is not None:
        sizes = {name: sizes[name] for name in names}
    for name, fact in altered(folder, manifest, sizes):
        raise IndexDamagedError(f"{folder / name} {fact}. {BUILD_AGAIN}")


def differing(manifest: Manifest, sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) for every file that is missing or of another size."""
    for name, said in manifest.files.items():
        if name not in sizes:
            yield name, "is missing"
        elif sizes[name] != said.bytes:
            yield name, f"has {sizes[name]:,} bytes, not {said.bytes:,} as it was built"


def altered(folder: Path, manifest: Manifest, sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) for every file of the right size with another content."""
    for name, said in manifest.files.items():
        if sizes.get(name) == said.bytes and sha256_of(folder / name) != said.sha256:
            yield name, "was altered after it was built"


def unexpected(manifest: Manifest, sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield (file, what is wrong) for every file that nobody built."""
    for name, size in sizes.items():
        # tantivy makes its lock files again whenever it opens
        is_lock = name in _LEFT_BY_TANTIVY and not size
        if name != MANIFEST and name not in manifest.files and not is_lock:
            yield name, "does not belong there"


def remove_old(index_dir: Path, *, keep: int, also: Collection[str] = ()) -> list[tuple[str, bool]]:
    """Remove generations; whoever calls has the writer's lock.

    The one in use stays, those named in ``also`` stay, and the newest up to ``keep`` in all. Of the
    others, those that somebody reads stay as well.

    Returns:
        (name, whether it was removed) of each that was to go.
    """
    kept = {name for name in (name_in_use(index_dir), *also) if name is not None}
    folders = _all(index_dir)
    kept &= {folder.name for folder in folders}
    others = [folder for folder in folders if folder.name not in kept]
    return [(old.name, _remove_unheld(old)) for old in others[max(0, keep - len(kept)) :]]


def _remove_unheld(folder: Path) -> bool:
    with unheld(folder / MANIFEST) as free:
        if not free:
            return False
        # From here on nobody finds it; a removal that is killed leaves what nobody takes for whole.
        doomed = folder.with_name(f".{folder.name}.removed")
        try:
            folder.rename(doomed)
            fsync(folder.parent)
        except OSError:  # Windows, somebody has a file of it open
            return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def remove_leftovers(index_dir: Path) -> None:
    """Remove what a killed writer left; whoever calls has the writer's lock."""
    complete = set(sealed(index_dir))
    # One in use has lost its manifest otherwise: no writer leaves that, and somebody may want it.
    spared = {*complete, index_dir / _GENERATIONS / (name_in_use(index_dir) or "")}
    unfinished = [folder for folder in _all(index_dir) if folder not in spared]
    doomed = (index_dir / _GENERATIONS).glob(".*.removed")
    for folder in (*unfinished, *doomed):
        if _NAME.fullmatch(folder.name.removeprefix(".").removesuffix(".removed")):
            shutil.rmtree(folder, ignore_errors=True)
    for path in index_dir.glob(f".{_CURRENT}.*.new"):
        path.unlink(missing_ok=True)
    for folder in complete:
        for path in folder.glob(f".{MANIFEST}.*.new"):
            path.unlink(missing_ok=True)


def rebuild_command(index_dir: Path, folder: Path) -> str:
    """Return the command that builds an index again from what a generation was built from."""
    paths = [shlex.quote(source) for source in _sources(folder)] or ["PATH"]
    return " ".join(("python -m index build", *paths, "--index", shlex.quote(str(index_dir))))


def _sources(folder: Path) -> list[str]:
    """Return the paths a generation was built from; its documents' folder when it cannot tell."""
    try:
        sources = list(read_manifest(folder).sources)
    except (IndexDamagedError, IndexFormatError):
        sources = []
    # Before format 5 there was one store, in the folder itself.
    stores = (folder / PASSAGES, *sorted(folder.glob(f"{SEGMENTS}/*/{PASSAGES}")))
    paths = sources or [path for store in stores for path in paths_in(store)]
    # Names of the build's own making (a member of an archive, standard input) are no paths.
    paths = [path for path in paths if Path(path).is_absolute() and path.isprintable()]
    if len(paths) <= _MOST_SOURCES_NAMED:
        return paths
    try:
        return [os_path.commonpath(paths)]
    except ValueError:  # Windows: on several drives
        return []
