"""Files in, a new generation out: the whole way on one screen.

What the generation in use holds already is neither read nor embedded again, and most of it is not
even copied. What the one that comes out answers depends on its documents alone, not on the way they
came.
"""

from collections.abc import Iterable
from pathlib import Path

from index.change import Change, changing
from index.errors import (
    IndexDamagedError,
    IndexFormatError,
    IndexNotFoundError,
    NoDocumentsError,
    SettingError,
)
from index.gathering import Found, Gathering, ReadingOptions
from index.loaders import Limits
from index.locations import IndexPlace
from index.reader import open_index
from index.reuse import OldGeneration, open_old
from index.selecting import select
from index.spread import Hands
from index.types import BuildReport, DocumentInfo, TokenVectorKind
from index.views import Progress

Paths = str | Path | Iterable[str | Path]


def build_index(
    paths: Paths,
    *,
    index_dir: str | IndexPlace | None = None,
    model: str | None = None,
    token_vectors: TokenVectorKind = "int8",
    progress: Progress | None = None,
    embedding_cache: str | Path | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
    follow_links: bool = False,
    wait: float = 0.0,
    fresh: bool = False,
    rewrite: bool = False,
    workers: int = 1,
    ray: str | None = None,
) -> BuildReport:
    """Index exactly the documents of these files and folders; the old index serves meanwhile.

    Only what changed is read and embedded. When nothing did, the generation in use stays.

    Args:
        paths: files, and folders whose files of a known kind are taken.
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        model: a sentence-transformers folder or name; None = ``YINZHENG_MODEL`` or the bundled one.
        token_vectors: how the vectors of every token are stored: ``int8``, or ``pq`` in a quarter
            of that, by a product quantiser; with too few tokens for one it is int8 all the same,
            and a note of the report says so. Where codes are copied the quantiser stays the same.
        progress: called as the work goes on.
        embedding_cache: a file that keeps embeddings for the next build; None = they are kept in
            the index folder until this one has succeeded.
        encoding: of text files, where it is known; None = it is found out, file by file.
        limits: what is refused; None = the defaults.
        follow_links: whether symbolic links in a folder may lead out of it.
        wait: seconds to wait for another process that is writing.
        fresh: read and embed everything again, whatever the old index holds.
        rewrite: write a new generation even when nothing has changed.
        workers: processes that embed, and write to a server; what comes out is the same with any
            number.
        ray: address of a Ray cluster, whose machines do so in place of processes here.

    Raises:
        DocumentError: a named path does not exist.
        NoDocumentsError: nothing in the paths could be indexed.
        IndexBusyError: another process is still writing in this folder after that time.
        IndexFolderError: the folder cannot be used, or the disk is full.
        ModelError: the model cannot be used.
        CacheError: the file of kept embeddings cannot be used.
        SettingError: there is no such kind of token vectors, or not for this model; ``wait`` is
            below 0, or ``workers`` below 1; or there is no such cluster.
    """
    named = _listed(paths)
    options = ReadingOptions(encoding, limits, follow_links)
    found = Found.of(named, options)
    if workers < 1:
        raise SettingError(f"{workers} processes cannot embed anything. Give at least 1 worker.")
    hands = Hands(workers, ray)
    with changing(index_dir, progress, embedding_cache, wait=wait, hands=hands) as change:
        change.build_on(_old_or_none(change, fresh=fresh), model, token_vectors, options)
        change.made_from(named)
        change.gathering.fresh = fresh
        change.gathering.keep_none()
        change.gathering.read_all(found, change.told)
        _check_any(change.gathering, found)
        return change.finish(rewrite=rewrite or fresh)


def add_documents(
    paths: Paths,
    *,
    index_dir: str | IndexPlace | None = None,
    model: str | None = None,
    progress: Progress | None = None,
    embedding_cache: str | Path | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
    follow_links: bool = False,
    wait: float = 0.0,
) -> BuildReport:
    """Index files and folders besides what the index holds; what it holds and changed is updated.

    Args:
        paths: files, and folders whose files of a known kind are taken.
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        model: the model, when it should be checked against that of the index.
        progress: called as the work goes on.
        embedding_cache: as for ``build_index``.
        encoding: of text files, where it is known; None = it is found out, file by file.
        limits: what is refused; None = the defaults.
        follow_links: whether symbolic links in a folder may lead out of it.
        wait: seconds to wait for another process that is writing.

    Raises:
        DocumentError: a named path does not exist.
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: the index is not as it was built.
        IndexBusyError: another process is building in this folder.
        ModelMismatchError: the index was made with another model.
    """
    named = _listed(paths)
    options = ReadingOptions(encoding, limits, follow_links)
    found = Found.of(named, options)
    with changing(index_dir, progress, embedding_cache, wait=wait) as change:
        old = change.build_on_old(model, options)
        change.made_from([*old.manifest.sources, *named])
        change.gathering.read_all(found, change.told)
        return change.finish()


def update_documents(
    wanted: Paths | None = None,
    *,
    index_dir: str | IndexPlace | None = None,
    model: str | None = None,
    prune_missing: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
    embedding_cache: str | Path | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
    wait: float = 0.0,
) -> BuildReport:
    """Read the files of the index's documents again, and take what changed.

    Files that were never indexed are not looked for. One that can no longer be read is reported,
    and what the index holds of it is kept.

    Args:
        wanted: ids, paths or globs of documents; None = all.
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        model: the model, when it should be checked against that of the index.
        prune_missing: remove the documents whose file is gone, which are kept otherwise.
        fresh: read the files again whether they changed or not, and embed everything anew.
        progress: called as the work goes on.
        embedding_cache: as for ``build_index``.
        limits: what is refused; None = the defaults.
        wait: seconds to wait for another process that is writing.
        encoding: of text files, where it is known; None = the one that a file was forced into, or
            it is found out.

    Raises:
        DocumentError: the index holds no such document.
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: the index is not as it was built.
        IndexBusyError: another process is building in this folder.
        ModelMismatchError: the index was made with another model.
    """
    options = ReadingOptions(encoding, limits)
    with changing(index_dir, progress, embedding_cache, wait=wait) as change:
        old = change.build_on_old(model, options)
        change.gathering.fresh = fresh
        chosen = set(old.infos) if wanted is None else select(old.infos, _listed(wanted))
        change.gathering.keep(id_ for id_ in old.infos if id_ not in chosen)
        infos = [info for info in old.infos.values() if info.id in chosen]
        change.gathering.read_again(infos, change.told, prune=prune_missing)
        return change.finish(rewrite=fresh)


def remove_documents(
    wanted: Paths,
    *,
    index_dir: str | IndexPlace | None = None,
    progress: Progress | None = None,
    wait: float = 0.0,
) -> BuildReport:
    """Take documents out of the index: out of every view, the token vectors and the store.

    Args:
        wanted: ids, paths of files, archives or folders, or globs.
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        progress: called as the work goes on.
        wait: seconds to wait for another process that is writing.

    Raises:
        DocumentError: the index holds no such document.
        IndexNotFoundError: there is no index in the folder.
        IndexDamagedError: the index is not as it was built.
        IndexBusyError: another process is building in this folder.
    """
    with changing(index_dir, progress, None, wait=wait) as change:
        old = change.build_on_old(None, ReadingOptions())
        chosen = select(old.infos, _listed(wanted))
        change.gathering.keep(id_ for id_ in old.infos if id_ not in chosen)
        for id_ in chosen:
            change.gathering.leave_out(old.infos[id_])
        return change.finish()


def list_documents(
    index_dir: str | IndexPlace | None = None, *, wanted: Paths | None = None
) -> list[DocumentInfo]:
    """Return the documents of an index, by path.

    Args:
        index_dir: the index folder, or its address on a Milvus server; None = ``YINZHENG_INDEX`` or
            the user's data folder.
        wanted: ids, paths or globs of documents; None = all.

    Raises:
        IndexNotFoundError: there is no index in the folder.
        DocumentError: the index holds no such document.
    """
    with open_index(index_dir) as opened:
        infos = opened.documents()
    if wanted is None:
        return infos
    chosen = select({info.id: info for info in infos}, _listed(wanted))
    return [info for info in infos if info.id in chosen]


def _old_or_none(change: Change, *, fresh: bool) -> OldGeneration | None:
    """Return the generation in use; None when there is none that can be built on."""
    try:
        return change.stack.enter_context(open_old(change.index_dir, thorough=True))
    except IndexNotFoundError:
        return None
    except (IndexDamagedError, IndexFormatError) as error:
        if not fresh:
            change.notes.append(f"Everything was read and embedded again. {error}")
        return None


def _check_any(gathering: Gathering, found: Found) -> None:
    if gathering.documents:
        return
    reasons = "; ".join(failed.reason for failed in gathering.failed[:3])
    raise NoDocumentsError(
        f"None of the {len(found.sources)} files could be indexed"
        f"{f': {reasons}' if reasons else ''}. The old index, if any, is unchanged. "
        "Give documents, or folders that hold some."
    )


def _listed(paths: Paths) -> list[str | Path]:
    return [paths] if isinstance(paths, str | Path) else list(paths)
