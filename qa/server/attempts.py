"""Failed sign-ins make the next one wait, without letting strangers lock anybody out.

Failures are counted for a name tried from an address, for the address, and for the name; each waits
longer the more there were. So nobody gets far by trying many passwords, many names or from many
addresses. Whoever has signed in from a browser before is counted for that browser alone: what
strangers do to the name does not make its owner wait.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEPT = 20_000
_FORGOTTEN_AFTER = 3600.0


@dataclass(frozen=True)
class _Rule:
    """How many failures are free, and how long the wait gets at most, in seconds."""

    free: int
    longest: float


_RULES = {
    "browser": _Rule(4, 60.0),
    "pair": _Rule(4, 60.0),
    "address": _Rule(20, 60.0),
    "name": _Rule(30, 30.0),
}
Key = tuple[str, ...]


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0


class Attempts:
    """Counts failures, and says how long to wait."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Failures] = OrderedDict()

    def wait(self, name: str, address: str, browser: str | None) -> float:
        """Return for how many seconds no password of this name is looked at from there.

        Args:
            name: as typed.
            address: of the sender.
            browser: the number of a browser from which this person has signed in; None = unknown.
        """
        with self._lock:
            return max(map(self._wait, _keys(name, address, browser)))

    def failed(self, name: str, address: str, browser: str | None) -> None:
        """Count a wrong password."""
        with self._lock:
            now = self._now()
            for key in _keys(name, address, browser):
                found = self._kept.setdefault(key, _Failures())
                forgotten = now - found.last > _FORGOTTEN_AFTER
                found.count = 1 if forgotten else found.count + 1
                found.last = now
                self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def succeeded(self, name: str, address: str, browser: str | None) -> None:
        """Forget the failures of whoever has now signed in; not those of the name elsewhere."""
        with self._lock:
            for key in _keys(name, address, browser)[:1]:
                self._kept.pop(key, None)

    def _wait(self, key: Key) -> float:
        found, rule = self._kept.get(key), _RULES[key[0]]
        if found is None or found.count < rule.free:
            return 0.0
        # Bounded before it is computed: two to a power of thousands is no number of seconds.
        pause = min(rule.longest, 2.0 ** min(found.count - rule.free, 10))
        return max(0.0, found.last + pause - self._now())


def _keys(name: str, address: str, browser: str | None) -> list[Key]:
    if browser is not None:
        return [("browser", browser, name)]
    return [("pair", name, address), ("address", address), ("name", name)]
