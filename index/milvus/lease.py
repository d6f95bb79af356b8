"""One writer for an index on a server: an alias that only one can have, and a heart that beats.

Milvus has no locks. But an alias stands for one collection, and whoever makes it first has it. Each
writer makes an empty collection of its own, then the alias ``<index>_lock`` for it; a second one
is refused. A number among the collection's properties grows as long as the writer lives. Whoever
waits and sees the same number for half a minute takes the lock away: no clocks are compared. A
writer that was only slow finds that out before it puts anything in use.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

from index.errors import IndexBusyError, IndexServerError
from index.milvus.client import MilvusServer
from index.milvus.names import Names
from index.milvus.tables import PARTS

_BEAT = 5.0
_DEAD = 30.0
_PAUSE = 0.5
_OWNER, _COUNT = "yinzheng.owner", "yinzheng.beat"


class Writing:
    """The right to change an index, until somebody takes it away.

    Args:
        server: with the address of the index.
        own: the collection that stands for this writer.
    """

    def __init__(self, server: MilvusServer, own: str) -> None:
        self._server = server
        self._own = own
        self._lock = Names(server.address.collection).lock

    @property
    def is_held(self) -> bool:
        """Whether nobody has taken it away."""
        return self._server.target_of(self._lock) == self._own

    def check(self) -> None:
        """Make sure, before anything is put in use, that nobody has taken it away.

        Raises:
            IndexBusyError: somebody has.
        """
        if not self.is_held:
            raise IndexBusyError(
                f"This process was silent for {_DEAD:.0f} seconds, and another one has begun to "
                f"change the index {self._server.address}. What is in use stays. Try again; what "
                "was written is gone on with."
            )


@contextmanager
def writing_to(server: MilvusServer, *, wait: float = 0.0) -> Iterator[Writing]:
    """Be the only one who changes an index on a server.

    Args:
        server: with the address of the index.
        wait: seconds to wait for another writer.

    Raises:
        IndexBusyError: another one is still writing after that time.
        IndexServerError: the server does not answer.
    """
    names = Names(server.address.collection)
    own = f"{names.lock}_{secrets.token_hex(8)}"
    server.create_bare(own, PARTS)
    stop = threading.Event()
    beating = threading.Thread(target=_beat, args=(server, own, stop), daemon=True)
    writing = Writing(server, own)
    try:
        _say_owner(server, own)
        _take(server, names.lock, own, wait)
        beating.start()
        try:
            yield writing
        finally:
            stop.set()
            beating.join()
            with suppress(IndexServerError):  # it falls to the next one by itself
                if writing.is_held:
                    server.drop_alias(names.lock)
    finally:
        with suppress(IndexServerError):
            server.drop(own)


def _say_owner(server: MilvusServer, own: str) -> None:
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    server.set_properties(own, {_OWNER: json.dumps(owner), _COUNT: "0"})


def _take(server: MilvusServer, lock: str, own: str, wait: float) -> None:
    started = time.monotonic()
    seen: tuple[str, str] | None = None
    since = started
    while not server.claim(lock, own):
        holder = server.target_of(lock)
        if holder is None:
            continue
        beat = (holder, str(server.properties(holder).get(_COUNT, "")))
        now = time.monotonic()
        if beat != seen:
            seen, since = beat, now
        elif now - since > _DEAD:
            server.drop_alias(lock)
            server.drop(holder)
            continue
        if now - started >= wait:
            raise IndexBusyError(
                f"Another process{_owner(server, holder)} is changing the index "
                f"{server.address}. Wait for it, then try again; --wait SECONDS waits by itself, "
                f"and after {_DEAD:.0f} seconds without a sign of life takes over."
            )
        time.sleep(_PAUSE)


def _owner(server: MilvusServer, holder: str) -> str:
    try:
        owner = json.loads(str(server.properties(holder)[_OWNER]))
        since = datetime.fromisoformat(str(owner["since"])).astimezone()
        return f" (pid {int(owner['pid'])} on {owner['host']}, since {since:%Y-%m-%d %H:%M:%S})"
    except (ValueError, KeyError, TypeError, IndexServerError):
        return ""


def _beat(server: MilvusServer, own: str, stop: threading.Event) -> None:
    count = 0
    while not stop.wait(_BEAT):
        count += 1
        with suppress(IndexServerError):  # the next beat may come through
            server.set_properties(own, {_COUNT: str(count)})
