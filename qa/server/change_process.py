"""The process that carries out one change of the index; ``ChangeDesk`` starts and reads it.

It reads one line of JSON, the request, and writes lines of JSON: progress, then the result. It
gives up when its standard input ends, so also when the server dies.

Why a process of its own: a file that crashes a parser, or takes all memory, ends this process and
not the server; it can be ended at any moment, as the index is made for that; and questions do not
wait for the model. Measured while 200 news items were embedded on 2 cores, questions (19 to 33 ms
before) took 51 ms in the median beside a thread, and 20 ms beside this process, which is nice to
others; and the change took 75 s, not 92. The price is a second copy of the model in memory.
"""

import _thread
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from index import (
    BuildReport,
    YinzhengError,
    add_documents,
    remove_documents,
    report_as_json,
    rollback,
    update_documents,
)

CANCELLED = 130
"""The exit status after giving up."""

_NICENESS = 10
_PAUSE = 0.2  # seconds between two lines of progress in one stage

Request = dict[str, Any]
Tell = Callable[[str, int, int], None]


def main() -> int:
    """Carry out the change that standard input asks for; return the exit status."""
    told = _only_ours()
    # Started by a script in the background the server ignores it, and with it this process would.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(OSError, AttributeError):  # no niceness on Windows
        os.nice(_NICENESS)
    request: Request = json.loads(sys.stdin.readline())
    threading.Thread(target=_give_up_with_input, daemon=True).start()
    try:
        result: dict[str, Any] = {"result": _carry_out(request, _Telling(told))}
    except YinzhengError as error:
        result = {"error": str(error)}
    except KeyboardInterrupt:
        return CANCELLED
    _write(told, result)
    return 0


def _only_ours() -> TextIO:
    """Return the standard output; whatever else would be printed there goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _give_up_with_input() -> None:
    # Not sys.stdin, whose lock this thread would still hold when the interpreter ends.
    while os.read(0, 1):
        pass
    _thread.interrupt_main()


class _Telling:
    """Writes progress, not too often."""

    def __init__(self, told: TextIO) -> None:
        self._told = told
        self._last = ("", 0.0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        last_stage, when = self._last
        if stage != last_stage or done == total or now - when >= _PAUSE:
            self._last = (stage, now)
            _write(self._told, {"stage": stage, "done": done, "total": total})


def _write(told: TextIO, line: dict[str, Any]) -> None:
    # Nobody reads it any more: the server has ended, and so does this.
    with contextlib.suppress(BrokenPipeError):
        told.write(json.dumps(line) + "\n")
        told.flush()


def _carry_out(request: Request, told: Tell) -> dict[str, Any]:
    """Carry out a change; return its report, or at least the generation now in use."""
    if request["kind"] == "rollback":
        return {"generation": rollback(request["index"], request["generation"])}
    return report_as_json(_changed(request, told))


def _changed(request: Request, told: Tell) -> BuildReport:
    index, wanted = request["index"], request["wanted"]
    if request["kind"] == "add":
        return add_documents(wanted, index_dir=index, progress=told)
    if request["kind"] == "remove":
        return remove_documents(wanted, index_dir=index, progress=told)
    return update_documents(
        wanted or None, index_dir=index, fresh=request["kind"] == "rebuild", progress=told
    )


if __name__ == "__main__":
    sys.exit(main())
