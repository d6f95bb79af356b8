"""Neighbours measured beside us: same contexts, same questions, same weights, one run.

Each neighbour searches in a virtual environment of its own (``environments.py``), driven by a small
adapter (``adapters/``) that hands back rankings only. The figures are computed here, for all alike.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.environments import PeerError, ensure_environment, last_line
from benchmarks.unread import unread
from index import DocumentError, QuestionSetError, build_index, open_index
from index.bundled_model import MODEL_NAME, bundled_model_dir
from qa import retrieve
from qa.evaluation import read_questions

TOP_K = 20
_RUN_SECONDS = 3600
_ADAPTERS = Path(__file__).parent / "adapters"
_TORCH = "torch>=2.6,<2.14"

PACKAGES: dict[str, tuple[str, ...]] = {
    "txtai": ("txtai==9.14.0", _TORCH),
    "langchain": (
        "langchain-classic==1.0.8",
        "langchain-community==0.4.2",
        "langchain-huggingface==1.2.3",
        "sentence-transformers==6.2.0",
        "faiss-cpu==1.15.1",
        "rank-bm25==0.2.2",
        "jieba==0.42.1",
        _TORCH,
    ),
    "llama-index": (
        "llama-index-core==0.14.25",
        "llama-index-embeddings-huggingface==0.8.0",
        "sentence-transformers==6.2.0",
        _TORCH,
    ),
    "haystack": (
        "haystack-ai==3.4.0",
        "sentence-transformers-haystack==2.0.0",
        "sentence-transformers==6.2.0",
        _TORCH,
    ),
}
"""Environment → what is installed in it. The one place where the neighbours' versions stand."""

_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    # As we set it for ourselves: on a busy machine spinning threads make a search ten times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class Peer:
    """One way to search with a neighbour.

    Attributes:
        name: as the table shows it.
        environment: a key of ``PACKAGES``.
        adapter: the script that drives it.
        method: which of the adapter's methods.
    """

    name: str
    environment: str
    adapter: Path
    method: str


PEERS = (
    Peer("txtai, dense", "txtai", _ADAPTERS / "run_txtai.py", "dense"),
    Peer("txtai, hybrid", "txtai", _ADAPTERS / "run_txtai.py", "hybrid"),
    Peer("LangChain, FAISS", "langchain", _ADAPTERS / "run_langchain.py", "dense"),
    Peer("LangChain, FAISS + jieba BM25", "langchain", _ADAPTERS / "run_langchain.py", "ensemble"),
    Peer("LlamaIndex, dense", "llama-index", _ADAPTERS / "run_llama_index.py", "dense"),
    Peer("haystack, dense", "haystack", _ADAPTERS / "run_haystack.py", "dense"),
    Peer("haystack, dense + BM25", "haystack", _ADAPTERS / "run_haystack.py", "hybrid"),
)


@dataclass(frozen=True)
class AskedSet:
    """Questions with the context that answers each.

    Attributes:
        name: the file's name without its ending.
        questions: id → question, in the order of the contexts.
        expected: id → id of the context the question belongs to.
    """

    name: str
    questions: dict[str, str]
    expected: dict[str, str]


@dataclass(frozen=True)
class Search:
    """What one system did with the contexts and questions.

    Attributes:
        ranked: id of a question → ids of contexts, best first, at most ``TOP_K``.
        build_seconds: loading the model and indexing the contexts.
        median_ms: one question at a time.
        packages: name → version of what it ran with; empty for ours.
        milliseconds: of each question, in their order; empty for ours.
        peak_bytes: the most memory its process held; 0 = not known.
    """

    ranked: dict[str, list[str]]
    build_seconds: float
    median_ms: float
    packages: dict[str, str] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0


@dataclass(frozen=True)
class Figures:
    """Shares of a set's questions whose context came first, and among the first five."""

    recall_at_1: float
    recall_at_5: float


@dataclass(frozen=True)
class Row:
    """One line of the table: figures for each question set, or why there are none."""

    name: str
    figures: dict[str, Figures] = field(default_factory=dict)
    build_seconds: float | None = None
    median_ms: float | None = None
    packages: dict[str, str] = field(default_factory=dict)
    failure: str | None = None


def read_sets(
    contexts: Path, files: Sequence[Path], *, every: int = 1
) -> tuple[dict[str, str], list[AskedSet]]:
    """Return the contexts of a set by id, and the questions of files asked of them.

    Args:
        contexts: a file in SQuAD layout; a context's id is its number among the distinct ones.
        files: questions, matched to the contexts by their ids: the same ones in English, say.
        every: keep each ``every``-th question only, the first included.

    Raises:
        QuestionSetError: a file cannot be used, or two have the same name.
    """
    ids = {text: f"{n:05}" for n, text in enumerate(read_questions(contexts).contexts)}
    if not ids:
        raise QuestionSetError(f"{contexts} holds no contexts. Give a file in SQuAD layout.")
    names = [path.stem for path in files]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise QuestionSetError(f"Two question sets are called {twice}. Rename one of the files.")
    sets = []
    for path in files:
        asked = read_questions(path, contexts=contexts).questions[::every]
        questions = {one.id: one.text for one in asked}
        sets.append(AskedSet(path.stem, questions, {q.id: ids[q.context or ""] for q in asked}))
    return {id_: text for text, id_ in ids.items()}, sets


@unread()
def measure(
    contexts: Mapping[str, str],
    sets: Sequence[AskedSet],
    *,
    venvs: Path,
    peers: Sequence[Peer],
    told: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Measure ours and every neighbour; ours comes first, a neighbour that fails keeps its row.

    Args:
        contexts: id → text, one document each.
        sets: questions about these contexts.
        venvs: folder of the neighbours' environments.
        peers: whom to measure beside us.
        told: called with what is being done.

    Raises:
        YinzhengError: our own index or search failed.
    """
    questions = {f"{n}/{key}": q for n, s in enumerate(sets) for key, q in s.questions.items()}
    told("measuring ours")
    rows = [to_row("Yinzheng", search_ours(contexts, questions), sets)]
    for peer in peers:
        try:
            told(f"measuring {peer.name}; the first time it is installed, which takes minutes")
            python = ensure_environment(peer.environment, PACKAGES[peer.environment], venvs)
            search = run_adapter(python, peer.adapter, peer.method, contexts, questions)
            rows.append(to_row(peer.name, search, sets))
        except (PeerError, OSError) as error:
            rows.append(Row(peer.name, failure=str(error)))
    return rows


def to_row(name: str, search: Search, sets: Sequence[AskedSet]) -> Row:
    """Return the row of a search that answered all sets, its question ids numbered by set."""
    figures = {
        asked.name: recall(
            {key: search.ranked[f"{number}/{key}"] for key in asked.questions}, asked.expected
        )
        for number, asked in enumerate(sets)
    }
    return Row(name, figures, search.build_seconds, search.median_ms, search.packages)


def recall(ranked: Mapping[str, Sequence[str]], expected: Mapping[str, str]) -> Figures:
    """Return R@1 and R@5: each question has one right context.

    Args:
        ranked: question → contexts, best first; no context twice.
        expected: question → its context; at least one question.
    """

    def share(k: int) -> float:
        return sum(expected[key] in ranked[key][:k] for key in expected) / len(expected)

    return Figures(share(1), share(5))


def search_ours(contexts: Mapping[str, str], questions: Mapping[str, str]) -> Search:
    """Index the contexts with the shipped default and ask all questions through ``qa.retrieve``.

    Raises:
        YinzhengError: the index could not be built or searched.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "documents"
        folder.mkdir()
        for key, text in contexts.items():
            (folder / f"{key}.txt").write_text(text, encoding="utf-8")
        started = time.perf_counter()
        report = build_index(folder, index_dir=Path(scratch) / "index", model=MODEL_NAME)
        built = time.perf_counter() - started
        if report.failed:  # a context left out would change the figures silently
            raise DocumentError(
                f"{len(report.failed)} of {len(contexts)} contexts could not be indexed "
                f"({report.failed[0].reason}). Name a set whose contexts are texts."
            )
        ranked, seconds = {}, []
        with open_index(Path(scratch) / "index") as index:
            retrieve(next(iter(questions.values())), top_k=TOP_K, index=index)  # warms up
            for key, question in questions.items():
                started = time.perf_counter()
                hits = retrieve(question, top_k=TOP_K, index=index)
                seconds.append(time.perf_counter() - started)
                ranked[key] = list(dict.fromkeys(Path(hit.document.path).stem for hit in hits))
    return Search(ranked, built, 1000 * statistics.median(seconds))


def run_adapter(
    python: Path,
    adapter: Path,
    method: str,
    contexts: Mapping[str, str],
    questions: Mapping[str, str],
    *,
    folder: Path | None = None,
    precision: str = "float32",
) -> Search:
    """Run an adapter script as a process of its own and check what it returns.

    Args:
        python: of the neighbour's environment.
        adapter: the script.
        method: which of its methods.
        contexts: id → text.
        questions: id → text.
        folder: where the adapter reads the contexts instead, a file each; that counts as building.
        precision: of the weights, as torch names it.

    Raises:
        PeerError: it failed, took too long, or returned something else than rankings.
    """
    given = _task({} if folder else contexts, questions)
    given |= {"folder": str(folder or ""), "precision": precision}
    with tempfile.TemporaryDirectory() as scratch:
        task, result = Path(scratch) / "task.json", Path(scratch) / "result.json"
        task.write_text(json.dumps(given), encoding="utf-8")
        _run([str(python), str(adapter), method, str(task), str(result)], home=Path(scratch))
        try:
            search = Search(**json.loads(result.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise PeerError(f"{adapter.name} wrote no usable result ({error}).") from error
    _check(search, adapter.name, contexts, questions)
    return search


def _task(contexts: Mapping[str, str], questions: Mapping[str, str]) -> dict[str, object]:
    model = bundled_model_dir()
    settings = json.loads((model / "config_sentence_transformers.json").read_text("utf-8"))
    return {
        "model": str(model),
        "query_prompt": settings["prompts"]["query"],
        "passage_prompt": settings["prompts"]["document"],
        "contexts": dict(contexts),
        "questions": dict(questions),
        "top_k": TOP_K,
    }


def _run(command: Sequence[str], *, home: Path) -> None:
    # Neighbours keep caches and settings in the home folder; theirs is thrown away afterwards.
    own = {name: str(home) for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "TMPDIR")}
    python_path = {"PYTHONPATH": str(_ADAPTERS.parent.parent)}
    try:
        done = subprocess.run(  # noqa: S603  our own adapter, by an environment's Python
            command,
            cwd=home,
            env=os.environ | _QUIET | own | python_path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"It took more than {_RUN_SECONDS} s.") from error
    if done.returncode != 0:
        raise PeerError(f"It failed: {last_line(done.stderr)}")


def _check(
    search: Search, adapter: str, contexts: Mapping[str, str], questions: Mapping[str, str]
) -> None:
    """A question left out or a context named twice would change the figures silently."""
    if search.ranked.keys() != questions.keys():
        raise PeerError(
            f"{adapter} answered {len(search.ranked)} questions, {len(questions)} were asked."
        )
    for key, ranking in search.ranked.items():
        unknown = [name for name in ranking if name not in contexts]
        if unknown or len(set(ranking)) != len(ranking) or len(ranking) > TOP_K:
            raise PeerError(f"{adapter} returned no ranking of contexts for question {key}.")


def to_json(rows: Sequence[Row], sets: Sequence[AskedSet], contexts: int) -> str:
    """Return all figures with what they were measured on, as JSON."""
    report = {
        "model": MODEL_NAME,
        "contexts": contexts,
        "questions": {asked.name: len(asked.questions) for asked in sets},
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"
