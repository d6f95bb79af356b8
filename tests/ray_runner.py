"""Run in a network of its own: texts embedded by two Ray actors, one of which is killed meanwhile.

    python ray_runner.py TEXTS VECTORS

Ray listens on every address of the machine otherwise.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from index.models import load_embedder
from index.spread import response
from index.spread_ray import RayWorkers

_ACTOR = b"ray::_Actor.embed"


def kill_one(killed: list[int]) -> None:
    """Kill the first actor that is seen at work."""
    deadline = time.monotonic() + 120
    while not killed and time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if not (process / "cmdline").read_bytes().startswith(_ACTOR):
                    continue
                os.kill(int(process.name), signal.SIGKILL)
            except OSError:  # it has ended meanwhile
                continue
            killed.append(int(process.name))
            return
        time.sleep(0.01)


def main() -> None:
    texts, vectors = map(Path, sys.argv[1:])
    asked = json.loads(texts.read_text(encoding="utf-8"))
    killed: list[int] = []
    killer = threading.Thread(target=kill_one, args=(killed,))
    workers = RayWorkers(2, load_embedder().name, "local")
    try:
        killer.start()
        found = dict(workers(asked, []))
        killer.join()
    finally:
        workers.close()
    vectors.write_bytes(response([found[at] for at in range(len(asked))]))
    sys.stdout.write(f"killed {len(killed)}\n")


if __name__ == "__main__":
    main()
