"""Asking without the reader of phrases, which was trained on most questions of the public sets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from qa.phrases import READER


@contextmanager
def unread() -> Iterator[None]:
    """Read no phrases meanwhile, in this process and those it starts."""
    before = os.environ.get(READER)
    os.environ[READER] = "off"
    try:
        yield
    finally:
        if before is None:
            del os.environ[READER]
        else:
            os.environ[READER] = before
