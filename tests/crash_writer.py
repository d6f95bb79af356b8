"""A process that forks writers and ends them in the middle; the model is loaded only once.

It reads a request a line, as JSON, and answers each with a line:

    {"do": "build" | "add" | "prune" | "rollback", "index": DIR, "paths": [...],
     "model": DIR, "wait": S, "kill_after": SECONDS, "kill_at": EVENT, "largest_file": BYTES}

    {"signal": N, "error": "the message of the exception, if any", "seconds": S, "events": N}

A writer is killed with SIGKILL after some seconds, or just before it changes a name on the disk for
the n-th time: these are the audit events that Python raises for it. One that hangs says where, on
the standard error, and ends.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

import faiss  # noqa: F401
import tantivy  # noqa: F401
import tqdm

from index import YinzhengError, add_documents, build_index, prune, rollback, segments, terms
from index.cleaner import clean
from index.folding import han_shares
from index.models import load_embedder

HUNG_AFTER_S = 120.0
_CHANGES = {
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.truncate",
    "sqlite3.connect",
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Fork a writer, end it if asked to, and say how it ended."""
    reading, writing = os.pipe()
    started = time.perf_counter()
    pid = os.fork()
    if not pid:
        os.close(reading)
        os._exit(_write(request, writing))
    os.close(writing)
    # Behind the fork: a child would wait for ever for a thread that it does not have.
    faulthandler.dump_traceback_later(2 * HUNG_AFTER_S, exit=True)
    if "kill_after" in request:
        time.sleep(max(0.0, started + request["kill_after"] - time.perf_counter()))
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    faulthandler.cancel_dump_traceback_later()
    seconds = time.perf_counter() - started
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    said = json.loads(told) if told else {}
    if not ended and not said:
        said = {"error": f"not ours: ended with {status} and said nothing; it may have hung"}
    return {"signal": ended, "error": "", "events": 0, "seconds": seconds, **said}


def _write(request: dict[str, Any], pipe: int) -> int:
    # tqdm's own lock is shared with every process forked from this one: one killed while it held
    # it (each call of the model does for a moment) would leave all after it waiting for ever.
    tqdm.tqdm.set_lock(threading.RLock())
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    events = _count_events(request.get("kill_at", 0))
    if "largest_file" in request:
        # What a full disk does, without a disk: a write beyond it is an error.
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"],) * 2)
    error = ""
    try:
        _do(request)
    except YinzhengError as raised:
        error = f"{type(raised).__name__}: {raised}"
    except BaseException as raised:  # noqa: BLE001  (told to the test, which fails)
        error = f"not ours: {raised!r}"
    os.write(pipe, json.dumps({"error": error, "events": events[0]}).encode())
    return 0


def _count_events(kill_at: int) -> list[int]:
    events = [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opens_to_write = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if event in _CHANGES or opens_to_write:
            events[0] += 1
            if events[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return events


def _do(request: dict[str, Any]) -> None:
    wait = request.get("wait", 0.0)
    if request["do"] == "build":
        build_index(request["paths"], index_dir=request["index"], model=request["model"], wait=wait)
    elif request["do"] == "add":
        segments._SHARE = 0  # what is there stays as it is, however small
        add_documents(request["paths"], index_dir=request["index"], wait=wait)
    elif request["do"] == "prune":
        prune(request["index"], keep=1, wait=wait)
    else:
        rollback(request["index"], wait=wait)


def main() -> None:
    """Answer requests until there are no more."""
    # What every build needs is made once; the writers have it from their parent. But tantivy has
    # threads, which a fork has not: it might wait for ever for a lock that one of them held.
    load_embedder(sys.argv[1]).encode_passages(["熱身"])
    clean("熱身(shēn)。")
    terms("熱身。")
    han_shares()
    _say("ready")
    for line in sys.stdin:
        _say(json.dumps(answer(json.loads(line))))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
