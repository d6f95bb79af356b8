"""What an index costs as it grows: time, disk, memory, latency: ``benchmarks scale --texts``.

Real passages are encoded once; documents are composed of their sentences in new combinations, and
their vectors are those the model gave these sentences (``seen_tokens.py``). So everything but the
forward pass of building is what it always is: reading, splitting, tokenising, writing vectors,
words and texts, and asking. Whoever wants the whole time adds the forward pass of ``index``.
"""

import contextlib
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.querying import time_questions
from benchmarks.questions import Questions
from benchmarks.runs import Figures, Told, bytes_under, native_precision, run_worker
from index import REPORT, Index, add_documents, build_index, fold, open_index
from index.models import load_embedder
from index.splitter import sentences
from qa import ask

_SEED = 1
_PARAGRAPHS = 10  # of a composed document
_SHORTEST, _LONGEST = 12, 120  # characters of a sentence that is used
_REAL = 300  # characters of a real passage that is encoded
_ADDED = 3
_NEAREST = 100
_WARM = 20
_BLOCK = 1 << 14  # vectors compared at once
_LOOKED_EVERY = 10.0  # seconds
_ROOM = 0.9  # of the free disk that an index may take


def measure_growth(
    texts: Sequence[str],
    *,
    sets: Sequence[Path],
    sizes: Sequence[int],
    characters: int,
    token_vectors: str,
    rounds: int,
    a_round: int,
    told: Told,
    keep: Callable[[Figures], None],
) -> None:
    """Build, examine and throw away an index of each size.

    Args:
        texts: real ones, whose sentences are used.
        sets: files of questions; none = clauses of the texts are asked.
        sizes: passages in an index.
        characters: a composed passage has, at least.
        token_vectors: how they are stored: ``int8`` or ``pq``.
        rounds: over which ratios spread.
        a_round: questions of each kind in a round.
        told: called with what is being done.
        keep: called with all figures after each size: the next one may take hours.

    Raises:
        YinzhengError: an index could not be built or asked.
    """
    found: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="yinzheng-scale-") as name:
        scratch = Path(name).resolve()
        pool = list(dict.fromkeys(s for text in texts for s in usable_sentences(text)))
        task = {
            "model": str(_write_model(scratch / "model", texts, told)),
            "small": str(_small_index(scratch)),
            "index": str(scratch / "index"),
            "documents": str(scratch / "documents"),
            "added": [str(path) for path in _write_added(scratch / "added", pool, characters)],
            "token_vectors": token_vectors,
            "texts": list(texts),
            "sets": [str(path) for path in sets],
            "rounds": rounds,
            "a_round": a_round,
        }
        facts = {
            "characters": characters,
            "sentences": len(pool),
            "texts": len(texts),
            "token_vectors": token_vectors,
        }
        for size in sorted(set(sizes)):
            if reason := _no_room(found, size, scratch):
                told(reason)
                keep({**facts, "sizes": found, "skipped": {str(size): reason}})
                return
            told(f"{size:,} passages: composing, indexing")
            write_composed(scratch / "documents", pool, size, characters)
            grown = run_worker("grow", task, told)
            # Asking may fail, and building again may take hours.
            keep({**facts, "sizes": found, "skipped": {}, "not_asked": {"grown": grown}})
            told(f"{size:,} passages: asking")
            found.append({"size": size, "grown": grown, **run_worker("examine", task, told)})
            keep({**facts, "sizes": found, "skipped": {}})
            for folder in ("documents", "index"):
                shutil.rmtree(scratch / folder)


def _write_model(folder: Path, texts: Sequence[str], told: Told) -> Path:
    from benchmarks.seen_tokens import write_model

    passages = [fold(part) for text in texts for part in _real_passages(text)]
    write_model(folder, passages, native_precision(), told)
    return folder


def _small_index(scratch: Path) -> Path:
    build_index(REPORT, index_dir=scratch / "small")
    return scratch / "small"


def _no_room(found: Sequence[Figures], size: int, scratch: Path) -> str:
    """Return why an index of this size cannot be built, judged by the last one; empty = it can."""
    if not found:
        return ""
    last = found[-1]["grown"]
    # While it is built there is more on the disk: what a stopped build would go on with.
    needed = size * last["peak_disk_bytes"] / last["passages"]
    free = shutil.disk_usage(scratch).free
    if needed < _ROOM * free:
        return ""
    return f"{size:,} passages need {needed / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free"


def usable_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text that end as such, and are neither short nor long."""
    line = " ".join(text.split())
    for span in sentences(line, 0, len(line)):
        sentence = line[span.start : span.end]
        if _SHORTEST <= len(sentence) <= _LONGEST and sentence[-1] in "。！？":
            yield sentence


def _real_passages(text: str) -> Iterator[str]:
    """Yield the usable sentences of a text, some hundred characters together."""
    part = ""
    for sentence in usable_sentences(text):
        if part and len(part) + len(sentence) > _REAL:
            yield part
            part = ""
        part += sentence
    if part:
        yield part


def write_composed(folder: Path, pool: Sequence[str], passages: int, characters: int) -> None:
    """Write documents of real sentences in new combinations; the more hold what the fewer do.

    Args:
        folder: made.
        pool: the sentences.
        passages: paragraphs in all documents together.
        characters: a paragraph has, at least.
    """
    chance = random.Random(_SEED)  # noqa: S311  (the same documents every time)
    folder.mkdir()
    for number, first in enumerate(range(0, passages, _PARAGRAPHS)):
        count = min(_PARAGRAPHS, passages - first)
        _write_document(folder / f"{number:07}.txt", chance, pool, count, characters)


def _write_document(
    path: Path, chance: random.Random, pool: Sequence[str], count: int, characters: int
) -> None:
    paragraphs = []
    for _ in range(count):
        paragraph = ""
        while len(paragraph) < characters:
            paragraph += chance.choice(pool)
        paragraphs.append(paragraph)
    path.write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")


def _write_added(folder: Path, pool: Sequence[str], characters: int) -> list[Path]:
    chance = random.Random(-_SEED)  # noqa: S311
    folder.mkdir()
    paths = [folder / f"added-{number}.txt" for number in range(_ADDED + 1)]
    for path in paths:
        _write_document(path, chance, pool, _PARAGRAPHS, characters)
    return paths


def grow(task: Figures) -> Figures:
    """Index the composed documents, then add some one by one; in a worker."""
    from benchmarks.seen_tokens import load_seen

    load_seen(task["model"])
    index = Path(task["index"])
    stages = _Stages(index)
    build_index(
        task["documents"],
        index_dir=index,
        model=task["model"],
        token_vectors=task["token_vectors"],
        progress=stages,
    )
    stages.end()
    disk = bytes_under(index)
    with open_index(index) as opened:
        passages, parts = len(opened), dict(opened.size().bytes_by_part)
    added = []
    most = max(disk, stages.most_bytes)
    for path in task["added"]:
        started = time.perf_counter()
        add_documents(path, index_dir=index)
        added.append(time.perf_counter() - started)
        most = max(most, bytes_under(index))
    return {
        "seconds": sum(seconds for _, seconds, _ in stages.passed),
        "stages": stages.passed,
        "passages": passages,
        "disk_bytes": disk,
        "peak_disk_bytes": most,
        "bytes_by_part": parts,
        "add_seconds": added[1:],  # the first one loads what the others find loaded
    }


class _Stages:
    """Prints how far a build is, and keeps what each stage took and the most on the disk.

    Attributes:
        passed: (stage, seconds, seconds of all cores) of each stage that is over.
        most_bytes: the most that the index folder held, as far as it was looked at.
    """

    def __init__(self, index: Path) -> None:
        self.passed: list[tuple[str, float, float]] = []
        self.most_bytes = 0
        self._index = index
        self._stage = "start"
        self._began = self._looked = time.perf_counter()
        self._processor = time.process_time()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        if stage == self._stage and now - self._looked < _LOOKED_EVERY:
            return
        if stage != self._stage:
            self._pass_to(stage, now)
        self._looked = now
        self.most_bytes = max(self.most_bytes, _bytes_while_written(self._index))
        print(f"{stage}: {done:,} of {total:,}", flush=True)

    def _pass_to(self, stage: str, now: float) -> None:
        processor = time.process_time()
        self.passed.append((self._stage, now - self._began, processor - self._processor))
        self._stage, self._began, self._processor = stage, now, processor

    def end(self) -> None:
        """Count the last stage."""
        self._pass_to("end", time.perf_counter())


def _bytes_while_written(folder: Path) -> int:
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # removed meanwhile
            found += path.stat().st_size if path.is_file() else 0
    return found


def examine(task: Figures) -> Figures:
    """Ask the grown index; in a worker, so that the memory is its own."""
    embedder = load_embedder()
    questions = Questions(task["texts"], [Path(path) for path in task["sets"]])
    with open_index(task["small"]) as small:
        for question in questions.take(_WARM):
            ask(question, index=small)
    before = memory()
    with open_index(task["index"]) as opened:
        started = time.perf_counter()
        opened.use_embedder(embedder)
        ask(questions.take(1)[0], index=opened)
        first = time.perf_counter() - started
        for question in questions.take(_WARM):
            ask(question, index=opened)
        after = memory()
        recall = _recall(opened, embedder.encode_queries(questions.take(_WARM)))
        figures = time_questions(
            opened,
            questions,
            rounds=task["rounds"],
            a_round=task["a_round"],
            told=lambda _: None,
        )
    return {
        "first_answer_seconds": first,
        "memory_before": before,
        "memory_after": after,
        "recall_at_100": recall,
        **figures,
    }


def memory() -> dict[str, int]:
    """Return the bytes that this process holds: its own (anonymous) and of mapped files.

    All 0 where the system does not say.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return {"anonymous": 0, "mapped": 0}
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    kib = {name: int(lines[name].split()[0]) for name in ("RssAnon", "RssFile")}
    return {"anonymous": 1024 * kib["RssAnon"], "mapped": 1024 * kib["RssFile"]}


def _recall(opened: Index, vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> float:
    """Return which share of the exact nearest 100 the index finds, in the mean of questions.

    Composed passages repeat sentences, so what is found counts when it is as near as the hundredth.
    """
    wanted = min(_NEAREST, len(opened))
    best = np.full((len(vectors), wanted), -np.inf, np.float32)
    for start in range(0, len(opened), _BLOCK):
        block = opened.passage_vectors(range(start, min(start + _BLOCK, len(opened))))
        together = np.concatenate([best, vectors @ block.T], axis=1)
        best = np.partition(together, -wanted, axis=1)[:, -wanted:]
    shares = []
    for vector, exact in zip(vectors, best.min(axis=1), strict=True):
        ids, _ = opened.search_dense(vector, wanted)
        found = opened.passage_vectors(list(ids)) @ vector
        shares.append(float(np.sum(found >= exact - 1e-6)) / wanted)
    return statistics.fmean(shares)
