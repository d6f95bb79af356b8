"""An empty Gradio page: ``python -m benchmarks.echo`` hands back what it is given, and no more."""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.runs import ROOT, quiet_environment
from index import EvaluationError


@contextlib.contextmanager
def echoing() -> Iterator[str]:
    """Serve the empty page in a process of its own; give its address.

    Raises:
        EvaluationError: it does not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.echo"],
        cwd=ROOT,
        env=quiet_environment() | {"GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        told = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://\S+", told)
        if found is None:
            raise EvaluationError("The empty Gradio page did not start. Run benchmarks.echo.")
        yield found[0]
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def main() -> None:
    """Serve until the process is ended."""
    import fastapi
    import gradio
    import uvicorn

    with gradio.Blocks() as page:
        box = gradio.JSON(elem_id="box")
        box.change(lambda given: given, box, box)
    app = gradio.mount_gradio_app(fastapi.FastAPI(), page, path="/")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_level="error", lifespan="on")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
