"""One change of the index at a time, whoever wants it and through whichever door.

The work is done by a process of its own (``change_process.py`` says why), while questions go on
being answered from the generation in use. Whatever happens to that process, killed at any moment or
ended by a file that crashes its parser, this generation is unchanged or replaced as a whole.
"""

import json
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from index import (
    IndexBusyError,
    IndexPlace,
    YinzhengError,
    index_place,
    list_documents,
    list_generations,
)
from qa.server.change_process import CANCELLED
from qa.server.progress import Meter, Progress
from qa.server.settings import ServerSettings
from qa.server.uploads import Batch, UploadStore

ChangeKind = Literal["add", "update", "rebuild", "remove", "rollback"]
ChangeState = Literal["running", "done", "cancelled", "failed"]

_MOST_REASONS = 3
_PATIENCE = 15.0  # seconds for a process that was asked to give up; after that it is killed
_ROOT = Path(__file__).parent.parent.parent
_UNCHANGED = "The index is unchanged, and goes on answering."
_TAKEN = frozenset(("new", "changed", "unchanged", "renamed"))
_logger = logging.getLogger("yinzheng")


@dataclass(frozen=True)
class Order:
    """What is to be changed.

    Attributes:
        kind: ``add`` the files of a batch, ``update`` documents whose file has changed, ``rebuild``
            all from their files, ``remove`` documents, ``rollback`` to another generation.
        documents: ids of documents, to update or remove; to update, none stands for all.
        batch: the files to add.
        generation: the one to go back to; None = the one before.
    """

    kind: ChangeKind
    documents: Sequence[str] = ()
    batch: Batch | None = None
    generation: str | None = None


@dataclass(frozen=True)
class Change:
    """A change of the index: under way, or the last one there was.

    Attributes:
        id: its name.
        kind: what is done.
        started_by: name of who started it; empty where nobody signs in.
        started: when.
        state: ``running``, or how it ended.
        is_cancelling: whether it was told to end.
        progress: how far it is, or was when it ended.
        finished: when it ended.
        message: what came of it, and what to do; empty while it runs.
        report: of a build, its report as JSON has it.
        generation: the generation in use when it ended.
    """

    id: str
    kind: ChangeKind
    started_by: str
    started: datetime
    state: ChangeState = "running"
    is_cancelling: bool = False
    progress: Progress = field(default_factory=Progress)
    finished: datetime | None = None
    message: str = ""
    report: Mapping[str, Any] | None = None
    generation: str = ""


class ChangeDesk:
    """Where changes of the index are ordered, watched and cancelled.

    Args:
        settings: which index.
        uploads: where uploaded files are kept.
    """

    def __init__(self, settings: ServerSettings, uploads: UploadStore) -> None:
        self._settings = settings
        self._uploads = uploads
        self._lock = threading.Lock()
        self._change: Change | None = None
        self._meter = Meter()
        self._process: subprocess.Popen[str] | None = None
        self._worker: threading.Thread | None = None

    def current(self) -> Change | None:
        """Return the change under way, else the last one, else None."""
        with self._lock:
            change = self._change
            if change is None or change.state != "running":
                return change
            return replace(change, progress=self._meter.progress())

    def check_free(self) -> None:
        """Raise IndexBusyError, which says who changes the index, when somebody does."""
        change = self.current()
        if change is not None and change.state == "running":
            raise _busy(change)

    def start(self, order: Order, *, by: str = "") -> Change:
        """Begin a change and return at once; its files are settled or dropped in any case.

        Args:
            order: what is to be changed.
            by: name of who wants it.

        Raises:
            IndexBusyError: another change is under way.
        """
        change = Change(secrets.token_hex(8), order.kind, by, _now())
        with self._lock:
            running = self._change
            if running is None or running.state != "running":
                self._change, self._meter, self._process = change, Meter(), None
                # A daemon: only the process counts, which ends with this one.
                self._worker = threading.Thread(target=self._work, args=(order,), daemon=True)
                self._worker.start()
                return change
        if order.batch is not None:
            order.batch.discard()
        raise _busy(running)

    def cancel(self) -> bool:
        """Tell the change under way to end; return whether there was one. It ends soon after."""
        with self._lock:
            if self._change is None or self._change.state != "running":
                return False
            self._change = replace(self._change, is_cancelling=True)
            if self._process is not None:
                _tell_to_end(self._process)
            return True

    def wait(self, timeout: float | None = None) -> Change | None:
        """Wait until no change is under way, or as long as said; return ``current``."""
        worker = self._worker
        if worker is not None:
            worker.join(timeout)
        return self.current()

    def close(self) -> None:
        """Cancel the change under way, and wait until it has ended."""
        if self.cancel():
            self.wait(_PATIENCE + 5)

    # ---- in the worker ------------------------------------------------------------------------

    def _work(self, order: Order) -> None:
        before = _in_use(self._index)
        outcome: _Outcome
        try:
            outcome = self._carry_out(order)
        except (YinzhengError, OSError) as error:
            outcome = _Outcome(message=f"{error} {_UNCHANGED}")
        except Exception as error:
            _logger.exception("A change of the index failed", exc_info=error)
            outcome = _Outcome(message=f"The change ended unexpectedly. {_UNCHANGED}")
        try:
            self._settle(order, outcome)
        except (YinzhengError, OSError) as error:
            _logger.warning("Uploaded files were left as they are: %s", error)
        self._end(outcome, before)

    def _carry_out(self, order: Order) -> "_Outcome":
        if order.batch is not None:
            order.batch.place()
        wanted = [str(path) for path in order.batch.paths] if order.batch else order.documents
        request = {
            "kind": order.kind,
            "index": str(self._index),
            "wanted": list(wanted),
            "generation": order.generation,
        }
        process = _start(request)
        with self._lock:
            self._process = process
            if self._change is not None and self._change.is_cancelling:
                _tell_to_end(process)
        return self._follow(process)

    def _follow(self, process: "subprocess.Popen[str]") -> "_Outcome":
        """Read what the process tells until it ends."""
        outcome = _Outcome()
        assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in process.stdout:
            try:
                told = json.loads(line)
            except ValueError:  # cut off where the process was killed
                continue
            if "stage" in told:
                with self._lock:
                    self._meter.tell(told["stage"], told["done"], told["total"])
            elif "error" in told:
                outcome = _Outcome(message=f"{told['error']} {_UNCHANGED}")
            else:
                outcome = _Outcome(result=told["result"])
        process.stdout.close()
        status = process.wait()
        _tell_to_end(process)  # closes the pipe
        if outcome.result is None and not outcome.message:
            return _Outcome(is_cancelled=status == CANCELLED, status=status)
        return outcome

    def _settle(self, order: Order, outcome: "_Outcome") -> None:
        """Keep or drop uploaded files, as the index has taken or left their documents."""
        files = outcome.result.get("files", ()) if outcome.result else ()
        if order.batch is not None:
            order.batch.settle([file["path"] for file in files if file["status"] in _TAKEN])
        elif order.kind == "remove" and files:
            removed = [file["path"] for file in files if file["status"] == "removed"]
            needed = [info.path for info in list_documents(self._index)]
            self._uploads.remove(removed, still_needed=needed)

    def _end(self, outcome: "_Outcome", before: str) -> None:
        after = _in_use(self._index)
        with self._lock:
            if self._change is None:
                return
            progress = self._meter.progress()
            state, message = _verdict(
                outcome, progress, is_cancelling=self._change.is_cancelling, is_new=after != before
            )
            report = outcome.result if outcome.result and "files" in outcome.result else None
            self._change = replace(
                self._change,
                state=state,
                progress=replace(progress, seconds_left=None),
                finished=_now(),
                message=message,
                report=report,
                generation=after,
            )
            self._process = None

    @property
    def _index(self) -> IndexPlace:
        return index_place(self._settings.index or None)


@dataclass(frozen=True)
class _Outcome:
    """What came of a process: a result, an error's message, or only its exit status."""

    result: Mapping[str, Any] | None = None
    message: str = ""
    is_cancelled: bool = False
    status: int = 0


def _verdict(
    outcome: _Outcome, progress: Progress, *, is_cancelling: bool, is_new: bool
) -> tuple[ChangeState, str]:
    """Return how a change ended, and what to say of it."""
    if outcome.result is not None:
        return "done", _done(is_new=is_new) + _unread(outcome.result)
    if outcome.message:
        return "failed", outcome.message
    if is_new:  # it was stopped between putting the index in use and saying so
        return "done", f"It had ended before it could be cancelled. {_done(is_new=True)}"
    if is_cancelling or outcome.is_cancelled:
        return "cancelled", f"Cancelled{_reached(progress)}. {_UNCHANGED}"
    return "failed", (
        f"The process that changed the index ended unexpectedly (exit status {outcome.status}). "
        f"{_UNCHANGED} Look into the server's log; a file may be damaged, or memory too small."
    )


def _done(*, is_new: bool) -> str:
    if is_new:
        return "Questions are now answered from the new index."
    return "Nothing had to be changed: the index is as it was."


def _unread(report: Mapping[str, Any]) -> str:
    """Return which files could not be read, and why."""
    failed = [file for file in report.get("files", ()) if file["status"] == "failed"]
    reasons = [str(file["reason"]) for file in failed[:_MOST_REASONS]]
    return f" {len(failed):,} could not be read. {' '.join(reasons)}" if failed else ""


def _reached(progress: Progress) -> str:
    """Return how far a change was when it was cancelled."""
    if progress.paragraphs is not None:
        return f" at {progress.paragraphs.done:,} of {progress.paragraphs.total:,} paragraphs"
    if progress.files is not None:
        return f" at {progress.files.done:,} of {progress.files.total:,} files"
    return " before anything was read"


def _busy(change: Change) -> IndexBusyError:
    by = f" by {change.started_by}" if change.started_by else ""
    return IndexBusyError(
        f"The documents are being changed ({change.kind}, started{by} at "
        f"{change.started:%H:%M:%S} UTC). Wait until that is done, or cancel it."
    )


def _start(request: Mapping[str, Any]) -> "subprocess.Popen[str]":
    """Start the process, and tell it what to do."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", "qa.server.change_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None  # noqa: S101 (a pipe was asked for)
    with suppress(BrokenPipeError):  # it has ended already: its exit status tells
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
    return process


def _tell_to_end(process: "subprocess.Popen[str]") -> None:
    """Close a process's input, at which it gives up; kill it when it does not."""
    if process.stdin is None or process.stdin.closed:
        return
    with suppress(OSError):
        process.stdin.close()
    if process.poll() is None:
        threading.Thread(target=_kill_later, args=(process,), daemon=True).start()


def _kill_later(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()  # the old generation goes on serving, as after any crash


def _in_use(index: IndexPlace) -> str:
    """Return the name of the generation in use; empty when there is none, or none can be told."""
    try:
        return next((one.name for one in list_generations(index) if one.is_in_use), "")
    except (YinzhengError, OSError):
        return ""


def _now() -> datetime:
    return datetime.now(timezone.utc)
