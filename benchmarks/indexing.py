"""How fast files become an index: ours, the neighbours', and the bare forward pass.

Each in a process of its own, in turns. The neighbours are given what is hardest to get for nothing:
the passages of our own index, a file each, so they neither decode, clean nor split.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.environments import PeerError, ensure_environment
from benchmarks.forward import INT8
from benchmarks.peers import PACKAGES, Peer, run_adapter
from benchmarks.runs import Figures, Told, in_turns, native_precision, run_worker
from index import EvaluationError, fold, open_index
from index.bundled_model import ONE_PASS_NAME

OURS = "Yinzheng"
ONE_PASS = f"{OURS}, {ONE_PASS_NAME}"
FLOOR = "one bare forward pass"


def measure_index(
    texts: Sequence[str], *, rounds: int, peers: Sequence[Peer], venvs: Path, told: Told
) -> Figures:
    """Index texts, a file each; return the seconds of everybody in every round.

    Args:
        texts: the documents.
        rounds: how often each is measured.
        peers: whom to measure beside us, in our precision: where the processor has bfloat16 that
            is not their default, but what our int8 starts from.
        venvs: folder of the neighbours' environments.
        told: called with what is being done.

    Raises:
        EvaluationError: ours failed, or a text cannot be indexed.
    """
    with tempfile.TemporaryDirectory(prefix="yinzheng-index-") as scratch:
        running = _Indexing(Path(scratch).resolve(), texts)
        runs: dict[str, Callable[[int], None]] = {
            OURS: running.ours,
            ONE_PASS: partial(running.ours, name=ONE_PASS, model=ONE_PASS_NAME),
        }
        native = native_precision()
        for precision in floors():
            runs[f"{FLOOR}, {precision}"] = partial(running.floor, precision)
        for peer in peers:
            runs[f"{peer.name}, {native}"] = partial(running.peer, peer, native, venvs)
        in_turns(runs, rounds, told)
        return running.figures()


def floors() -> list[str]:
    """Return the precisions of the bare pass; ours is held against the fastest of them."""
    from index.quantized import is_worth_it

    return list(dict.fromkeys([native_precision(), "float32", *([INT8] if is_worth_it() else [])]))


class _Indexing:
    """The files, and what became of them."""

    def __init__(self, scratch: Path, texts: Sequence[str]) -> None:
        self._documents = scratch / "documents"
        self._passages = scratch / "passages"
        self._index = scratch / "index"
        self._texts = texts
        self._searchable: dict[str, str] = {}
        self._found: dict[str, Figures] = {}
        self._tokens = 0
        self._documents.mkdir()
        self._passages.mkdir()
        for number, text in enumerate(texts):
            path = self._documents / f"{number:06}.txt"
            path.write_text(text, encoding="utf-8", newline="")

    def ours(self, number: int, *, name: str = OURS, model: str | None = None) -> None:
        """Index the files from nothing."""
        place = self._index.with_name(f"index-{number}")
        task = {"documents": str(self._documents), "index": str(place), "model": model}
        found = run_worker("index", task)
        if found["failed"]:
            raise EvaluationError(
                f"{found['failed']} of {len(self._texts)} texts cannot be indexed. "
                "Give others, or fewer (--limit)."
            )
        self._keep(name, found)
        if not self._searchable:
            self._take_passages(place)
        shutil.rmtree(place)

    def _take_passages(self, place: Path) -> None:
        with open_index(place) as opened:
            for info in opened.documents():
                for passage in opened.passages_of(info.id):
                    self._searchable[f"{passage.id:07}"] = passage.searchable
        for key, text in self._searchable.items():
            (self._passages / f"{key}.txt").write_text(text, encoding="utf-8", newline="")

    def floor(self, precision: str, _number: int) -> None:
        """Run the tokens of all passages through the model, and nothing else."""
        texts = [fold(text) for text in self._searchable.values()]
        found = run_worker("forward", {"texts": texts, "precision": precision})
        self._tokens = found["tokens"]
        self._keep(f"{FLOOR}, {precision}", found)

    def peer(self, peer: Peer, precision: str, venvs: Path, _number: int) -> None:
        """Let a neighbour index the passages; one that failed is not tried again."""
        name = f"{peer.name}, {precision}"
        if "failure" in self._found.get(name, {}):
            return
        try:
            python = ensure_environment(peer.environment, PACKAGES[peer.environment], venvs)
            search = run_adapter(
                python,
                peer.adapter,
                peer.method,
                self._searchable,
                {"0": self._texts[0][:30]},
                folder=self._passages,
                precision=precision,
            )
        except (PeerError, OSError) as error:
            self._found[name] = {"failure": str(error)}
            return
        self._keep(name, {"seconds": search.build_seconds, "peak_bytes": search.peak_bytes})

    def _keep(self, name: str, found: Figures) -> None:
        kept = self._found.setdefault(name, {"seconds": [], "peak_bytes": 0})
        kept["seconds"].append(found["seconds"])
        kept["peak_bytes"] = max(kept["peak_bytes"], found["peak_bytes"])
        others = {"disk_bytes", "load_seconds", "batch_tokens"} & found.keys()
        kept.update({key: found[key] for key in others})

    def figures(self) -> Figures:
        """Return what was measured."""
        return {
            "documents": len(self._texts),
            "characters": sum(map(len, self._texts)),
            "passages": len(self._searchable),
            "tokens": self._tokens,
            "systems": self._found,
        }
