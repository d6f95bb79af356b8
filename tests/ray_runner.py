"""Run in a network of its own, for Ray listens on every address of the machine otherwise.

python ray_runner.py kill TEXTS VECTORS         two actors embed, one of which is killed meanwhile
python ray_runner.py build DOCS MODEL FOLDER    two embed and write to Milvus Lite, which is copied
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from milvus_serving import LITE, LiteProcess, python_of

from index import build_index, copy_index, verify
from index.models import load_embedder
from index.spread import response
from index.spread_ray import RayWorkers

_ACTOR = b"ray::_Actor.answer"


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


def kill(texts: Path, vectors: Path) -> None:
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


def build(docs: Path, model: Path, folder: Path) -> None:
    lite = LiteProcess(python_of(LITE), folder / "lite")
    try:
        place = lite.address("ray")
        build_index(docs, index_dir=place, model=str(model), workers=2, ray="local")
        copy_index(place, folder / "copy")
        sys.stdout.write(f"problems {len(verify(place))}\n")
    finally:
        lite.stop()


def main() -> None:
    mode, *places = sys.argv[1:]
    paths = map(Path, places)
    if mode == "kill":
        kill(*paths)
    else:
        build(*paths)


if __name__ == "__main__":
    main()
