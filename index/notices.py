"""What the command lines print, and to whom: warnings of ours in words, and nobody listening."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from index.errors import IndexFallbackWarning


@contextmanager
def telling_fallbacks(tell: Callable[[str], None]) -> Iterator[None]:
    """Hand every ``IndexFallbackWarning`` to ``tell``; others are shown as always.

    Meant for the outermost function of a program: filters of warnings are shared by all threads.
    """
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_ours(  # noqa: PLR0917  (as the warnings module calls it)
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, IndexFallbackWarning):
                tell(str(message))
            else:
                show(message, category, filename, lineno, file, line)

        warnings.simplefilter("always", IndexFallbackWarning)
        warnings.showwarning = show_ours
        yield


def exit_status(main: Callable[[], int]) -> int:
    """Run the outermost function of a program whose reader, ``head`` say, may have enough early."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
