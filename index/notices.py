"""Warnings of ours in words: for programs that print messages, not where in the code they arose."""

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
