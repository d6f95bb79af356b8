"""The indexes questions are asked of: opened once, and brought up to date at every question."""

import threading
import time

from index import (
    REPORT,
    Index,
    IndexBusyError,
    IndexFolderError,
    IndexNotFoundError,
    IndexPlace,
    IndexServerError,
    default_index_dir,
    index_place,
    open_index,
)

_opened: dict[IndexPlace, Index] = {}
_lock = threading.Lock()
_PATIENCE = 120.0  # seconds to wait for another process that is making the default index


def shared_index(index: str | IndexPlace | Index | None) -> Index:
    """Return an opened index: as given, or of a folder, shared by the whole process.

    It stays with one generation: a question is asked, answered and shown from the same one. After
    a rebuild the next call returns the new one, and whoever still reads the old one goes on.

    Raises:
        IndexNotFoundError: the folder named holds no index.
        IndexDamagedError: no generation in it is good.
    """
    if isinstance(index, Index):
        return index.snapshot()
    with _lock:
        if index is None:
            return _default()
        return _open(index_place(index))


def _open(place: IndexPlace) -> Index:
    opened = _opened.get(place)
    if opened is None:
        opened = _opened[place] = open_index(place)
    try:
        opened.refresh()
    except IndexServerError:
        raise  # it may come back, and the connection with it
    except IndexFolderError:
        del _opened[place]
        raise
    return opened.snapshot()


def _default() -> Index:
    """Return the default index, made from the bundled report when there is none yet."""
    folder = default_index_dir()
    try:
        return _open(folder)
    except IndexNotFoundError:
        pass
    from index import build_index  # with every reader of files, which a question does without

    try:
        build_index(REPORT, index_dir=folder)
    except IndexBusyError:
        _wait_for_index(folder)
    return _open(folder)


def _wait_for_index(folder: IndexPlace) -> None:
    """Wait until another process has finished the first build."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            _open(folder)
        except IndexNotFoundError:
            time.sleep(0.2)
        else:
            return


def close_shared_indexes() -> None:
    """Close every index that was opened by its folder, at the end of a program."""
    with _lock:
        while _opened:
            _opened.popitem()[1].close()
