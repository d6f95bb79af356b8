"""A server of the benchmarks' own: the page and every door, on a free port."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import httpx

from index import EvaluationError, build_index

_ROOT = Path(__file__).parent.parent
_STARTS_WITHIN = 180.0  # seconds
_CHANGES_WITHIN = 600.0
_HOSTILE = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" + b"\x00\xff[" * 20_000


class Serving:
    """``python app.py`` over an index of its own, which every visitor may change.

    Args:
        documents: what is indexed.
        index: an index of them that is there already; nothing is built then.
    """

    def __init__(self, documents: Sequence[Path], *, index: Path | None = None) -> None:
        self._documents = documents
        self._index = index
        self._stack = ExitStack()
        self.url = ""

    def __enter__(self) -> "Serving":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            index = self._index or folder / "index"
            if self._index is None:
                build_index(self._documents, index_dir=index)
            command = [sys.executable, "app.py", "--index", str(index), "--port", "0"]
            command += ["--data", str(folder / "data"), "--allow-upload"]
            # All readers have the same address.
            command += ["--requests-per-second", "0"]
            log = stack.enter_context((folder / "log").open("wb"))
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=log, env=os.environ.copy()
            )
            stack.callback(self._stop)
            self.url = self._address(folder / "log")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _address(self, log: Path) -> str:
        told = self._process.stdout.readline().decode() if self._process.stdout else ""
        found = re.search(r"http://\S+", told)
        if found is None:
            said = log.read_text(encoding="utf-8", errors="replace")[-500:]
            raise EvaluationError(f"The server did not start: {said}. Start it by hand.")
        return found[0]

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()

    def resident_bytes(self) -> int:
        """Return the memory that the server and the processes it started hold.

        Raises:
            EvaluationError: the system does not say (it is no Linux), or the server has ended.
        """
        try:
            return sum(map(_resident, _family(self._process.pid)))
        except OSError as error:
            raise EvaluationError(
                "The server's memory cannot be read: it has ended, or this is no Linux. "
                "Look into its log, or measure on Linux."
            ) from error

    def rebuild(self) -> None:
        """Read and embed every document again, and wait until the new generation is in use.

        Raises:
            EvaluationError: it failed, or took too long.
        """
        with httpx.Client(base_url=self.url, timeout=60.0) as client:
            client.post("/api/v1/rebuild").raise_for_status()
            self._wait_for_change(client)

    def upload_hostile(self) -> str:
        """Upload what claims to be a PDF and is none; return what the server says of it.

        Raises:
            EvaluationError: it was taken for a document.
        """
        with httpx.Client(base_url=self.url, timeout=60.0) as client:
            files = {"files": ("../../report.pdf", _HOSTILE, "application/pdf")}
            response = client.post("/api/v1/documents", files=files)
            if response.is_success:
                return self._wait_for_change(client, may_fail=True)
            return str(response.json()["detail"])

    def _wait_for_change(self, client: httpx.Client, *, may_fail: bool = False) -> str:
        deadline = time.monotonic() + _CHANGES_WITHIN
        while time.monotonic() < deadline:
            change = client.get("/api/v1/changes/current").raise_for_status().json()["change"]
            if change["state"] == "running":
                time.sleep(0.5)
                continue
            if change["state"] != "done" and not may_fail:
                raise EvaluationError(
                    f"The change of the index failed: {change['message']} See the log."
                )
            return str(change["message"])
        raise EvaluationError("The change of the index takes too long. Give fewer documents.")


def _family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    children = listed.read_text(encoding="ascii").split() if listed.exists() else []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0
