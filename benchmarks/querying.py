"""How long a question takes: ``ask`` and ``retrieve`` beside the floors and the neighbours.

In one process and in turns, question by question: the bare forward pass of a question, a flat scan
of all vectors, ``retrieve``, and ``ask`` with and without reading phrases. Then as many questions
at once as after one another, and the page over HTTP beside an empty one. No question is asked
twice.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np

from benchmarks.echo import echoing
from benchmarks.environments import PeerError, ensure_environment
from benchmarks.forward import ForwardPass
from benchmarks.load import AskEvent, by_page, find_ask_event
from benchmarks.peers import PACKAGES, Peer, run_adapter
from benchmarks.questions import Questions
from benchmarks.runs import Figures, Told, native_precision
from benchmarks.serving import Serving
from index import Index, YinzhengError, build_index, open_index
from qa import ask, retrieve

FORWARD, SCAN, RETRIEVE = "query forward pass", "FAISS flat scan", "retrieve"
ASK, READ = "ask", "ask, phrases read"
EMPTY_PAGE, PAGE = "empty Gradio round trip", "the page, over HTTP"
AT_ONCE = 32
_PROBE = 1 << 26  # float32 numbers, 256 MiB: more than any cache holds
_PATIENCE = 120.0  # seconds


def measure_query(
    texts: Sequence[str],
    questions: Questions,
    *,
    rounds: int,
    a_round: int,
    at_once: int = AT_ONCE,
    page: bool = True,
    peers: Sequence[Peer] = (),
    venvs: Path | None = None,
    told: Told,
) -> Figures:
    """Index texts, and ask.

    Args:
        texts: a document each.
        questions: where questions are taken from.
        rounds: over which ratios spread.
        a_round: questions of each kind in a round.
        at_once: how many are asked at the same time.
        page: whether the page is measured, too, over HTTP.
        peers: whose search is measured beside.
        venvs: folder of the neighbours' environments.
        told: called with what is being done.

    Raises:
        YinzhengError: the index could not be built or asked.
    """
    with tempfile.TemporaryDirectory(prefix="yinzheng-query-") as scratch:
        folder = Path(scratch) / "documents"
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number:06}.txt").write_text(text, encoding="utf-8", newline="")
        told(f"indexing {len(texts):,} documents")
        build_index(folder, index_dir=Path(scratch) / "index")
        with open_index(Path(scratch) / "index") as opened:
            figures = time_questions(opened, questions, rounds=rounds, a_round=a_round, told=told)
            told(f"{at_once} questions at once")
            figures["at_once"] = _at_once(opened, questions, at_once, rounds)
            found = {
                f"{p.id:07}": p.searchable
                for d in opened.documents()
                for p in opened.passages_of(d.id)
            }
        if page:
            told("the page over HTTP")
            asked = [questions.take(a_round) for _ in range(rounds)]
            figures["milliseconds"] |= _pages(folder, Path(scratch) / "index", asked)
        asked_peers = questions.take(a_round) if peers else []
        for peer in peers:
            told(f"{peer.name}")
            figures["peers"] |= {peer.name: _peer(peer, found, asked_peers, venvs or folder)}
    return figures


def time_questions(
    opened: Index, questions: Questions, *, rounds: int, a_round: int, told: Told
) -> Figures:
    """Ask an opened index, in turns with the floors; return the milliseconds of every question."""
    bare = ForwardPass(native_precision())
    scan, vector_bytes = _flat_scan(opened)
    kinds: dict[str, Callable[[str], object]] = {
        FORWARD: bare.query,
        SCAN: scan,
        RETRIEVE: lambda question: retrieve(question, index=opened),
        ASK: lambda question: ask(question, index=opened, reader=False),
        READ: lambda question: ask(question, index=opened),
    }
    for kind in kinds.values():
        for question in questions.take(2):
            kind(question)  # the first calls load engines and dictionaries
    milliseconds: dict[str, list[list[float]]] = {name: [] for name in kinds}
    for number in range(rounds):
        told(f"round {number + 1} of {rounds}: {a_round} questions of each kind")
        of_round = {name: questions.take(a_round) for name in kinds}
        for one in milliseconds.values():
            one.append([])
        for at in range(a_round):
            for name, kind in kinds.items():
                milliseconds[name][-1].append(_timed(kind, of_round[name][at]))
    rate = memory_bytes_per_second()
    return {
        "documents": opened.info.documents,
        "passages": len(opened),
        "rounds": rounds,
        "milliseconds": milliseconds,
        "vector_bytes": vector_bytes,
        "memory_bytes_per_second": rate,
        "scan_floor_ms": 1000 * vector_bytes / rate,
        "peers": {},
    }


def _timed(call: Callable[[str], object], question: str) -> float:
    started = time.perf_counter()
    call(question)
    return round(1000 * (time.perf_counter() - started), 3)


def _flat_scan(opened: Index) -> tuple[Callable[[str], object], int]:
    """Return what scans every vector of an index for its nearest 100, and how many bytes it reads.

    The question is not encoded: its vector is one of the passages'.
    """
    import faiss

    # Not in an index of FAISS: it would hold them a second time.
    vectors = all_vectors(opened)

    def scan(question: str) -> object:
        asked = vectors[len(question) % len(vectors)][None]
        return faiss.knn(asked, vectors, min(100, len(vectors)), faiss.METRIC_INNER_PRODUCT)

    return scan, vectors.nbytes


def all_vectors(opened: Index) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the vectors of all passages, float32 ``(passages, dimension)``."""
    step = 4096
    found = np.empty((len(opened), opened.info.dimension), np.float32)
    for at in range(0, len(opened), step):
        found[at : at + step] = opened.passage_vectors(range(at, min(at + step, len(opened))))
    return found


def memory_bytes_per_second() -> float:
    """Return how fast the memory is read by all cores: the best of five sums of 256 MiB."""
    import torch

    numbers = torch.ones(_PROBE)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        numbers.sum()
        seconds.append(time.perf_counter() - started)
    return numbers.nbytes / min(seconds)


def _at_once(opened: Index, questions: Questions, count: int, rounds: int) -> Figures:
    """Ask questions after one another, then as many at the same time."""
    after, together, latencies, errors = [], [], [], 0
    for _ in range(rounds):
        started = time.perf_counter()
        for question in questions.take(count):
            ask(question, index=opened)
        after.append(time.perf_counter() - started)
        seconds, of_each, failed = _together(opened, questions.take(count))
        together.append(seconds)
        latencies.append([round(1000 * one, 3) for one in of_each])
        errors += failed
    return {
        "questions": count,
        "seconds_after_one_another": after,
        "seconds_at_once": together,
        "milliseconds_at_once": latencies,
        "errors": errors,
    }


def _together(opened: Index, questions: Sequence[str]) -> tuple[float, list[float], int]:
    """Ask each question in a thread of its own; return all seconds, each one's, and the errors."""
    start = threading.Barrier(len(questions))

    def one(question: str) -> float | None:
        start.wait()
        started = time.perf_counter()
        try:
            ask(question, index=opened)
        except YinzhengError:
            return None
        return time.perf_counter() - started

    with ThreadPoolExecutor(len(questions)) as threads:
        started = time.perf_counter()
        found = list(threads.map(one, questions))
        seconds = time.perf_counter() - started
    answered = [value for value in found if value is not None]
    return seconds, answered, len(found) - len(answered)


def _pages(folder: Path, index: Path, asked: Sequence[Sequence[str]]) -> dict[str, object]:
    """Ask our page and an empty one over HTTP, in turns, as a browser would."""
    found: dict[str, list[list[float]]] = {EMPTY_PAGE: [], PAGE: []}
    with ExitStack() as stack:
        urls = {
            EMPTY_PAGE: stack.enter_context(echoing()),
            PAGE: stack.enter_context(Serving([folder], index=index)).url,
        }
        visits = {}
        for name, url in urls.items():
            client = stack.enter_context(httpx.Client(base_url=url, timeout=_PATIENCE))
            config = client.get("/config").raise_for_status().json()
            event = _echo_event(config) if name == EMPTY_PAGE else find_ask_event(config)
            visits[name] = (client, event)
            by_page(client, event, "warmup", "熱身")
        for number, questions in enumerate(asked):
            for of_name in found.values():
                of_name.append([])
            for question in questions:
                for name, (client, event) in visits.items():
                    started = time.perf_counter()
                    by_page(client, event, f"visit{number}", question)
                    found[name][-1].append(round(1000 * (time.perf_counter() - started), 3))
    return dict(found)


def _echo_event(config: dict[str, list[dict[str, object]]]) -> AskEvent:
    (box,) = (one["id"] for one in config["components"] if one["type"] == "json")
    (event,) = config["dependencies"]
    assert isinstance(box, int)  # noqa: S101  (Gradio's own numbers)
    assert isinstance(event["id"], int)  # noqa: S101
    return AskEvent(event["id"], box, [(box, None)])


def _peer(peer: Peer, passages: dict[str, str], asked: Sequence[str], venvs: Path) -> Figures:
    """Return the milliseconds of a neighbour's search, or why there are none."""
    try:
        python = ensure_environment(peer.environment, PACKAGES[peer.environment], venvs)
        questions = {str(number): question for number, question in enumerate(asked)}
        search = run_adapter(
            python, peer.adapter, peer.method, passages, questions, precision=native_precision()
        )
    except (PeerError, OSError) as error:
        return {"failure": str(error)}
    return {"milliseconds": search.milliseconds, "peak_bytes": search.peak_bytes}
