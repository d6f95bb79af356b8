"""Whether the server holds while many ask and the index is rebuilt: ``python -m benchmarks load``.

A server of its own is started, and readers in threads ask it over real HTTP, by the page's queue
and by the REST door, with pauses between their questions. Meanwhile the index is rebuilt twice, and
one file is uploaded that is not what it claims to be. What a reader gets is compared with what was
answered before the load: another answer is an error, as is every status but 200.

The load runs on the same machine as the server, so the times are those of a busy machine.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.samples import Told
from benchmarks.serving import Serving
from index import EvaluationError

WARM_UP = 0.2
"""Share of the time after which memory must stay flat."""
REBUILDS_AT = (0.3, 0.6)
HOSTILE_AT = 0.45
_MEMORY_EVERY = 1.0  # seconds
_PATIENCE = 120.0  # seconds that one answer may take before it counts as an error
_QUESTIONS = (
    "鄂尔多斯的三端五防线是什么？",
    "What is Ordos's 三端五防線 model?",
    "呼伦贝尔的“三务合一”是什么？",
    "烏海市全程網辦事項量提升了多少？",
    "How many problems did the field research identify?",
    "包头市有多少人口？",
    "誰發明了電話？",
    "What is the capital of France?",
)


@dataclass(frozen=True)
class Plan:
    """How much load, and for how long.

    Attributes:
        readers: how many ask at the same time.
        seconds: how long.
        pause: seconds between an answer and the reader's next question, in the mean.
    """

    readers: int = 50
    seconds: float = 600.0
    pause: float = 20.0


@dataclass
class Measured:
    """What a load did to a server.

    Attributes:
        plan: the load.
        seconds: by door, what each answer took, in the order they came.
        errors: what went wrong, with the door.
        rebuilds: the seconds of each rebuild.
        refused: what the server said of the hostile file.
        memory: (seconds since the start, bytes resident) of the server's processes.
    """

    plan: Plan
    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    rebuilds: list[float] = field(default_factory=list)
    refused: str = ""
    memory: list[tuple[float, int]] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Memory in the last fifth of the time over that behind the warm-up, less 1.

        Medians: a rebuild takes memory while it runs.
        """
        end = self.plan.seconds
        warm = [size for at, size in self.memory if WARM_UP * end <= at < 2 * WARM_UP * end]
        last = [size for at, size in self.memory if at >= (1 - WARM_UP) * end]
        if not warm or not last:
            raise EvaluationError("The load was too short to measure memory. Give more --seconds.")
        return median(last) / median(warm) - 1


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Return the seconds within which so many per cent of the answers came."""
    return quantiles(seconds, n=100, method="inclusive")[percent - 1] if seconds[1:] else seconds[0]


def measure_load(plan: Plan, documents: Sequence[Path], told: Told) -> Measured:
    """Put load on a server that answers from these documents; return what happened.

    Raises:
        EvaluationError: the server does not start, or is too short under load.
    """
    with Serving(documents) as serving:
        measured = Measured(plan)
        expected = {question: _asked(serving, question) for question in _QUESTIONS}
        told(f"{plan.readers} readers for {plan.seconds:.0f} s ...")
        run = _Run(serving, measured, expected)
        with ThreadPoolExecutor(plan.readers + 2) as threads:
            waiting = [threads.submit(run.watch_memory), threads.submit(run.change_index)]
            waiting += [threads.submit(run.read, number) for number in range(plan.readers)]
            for one in waiting:
                one.result()
        return measured


class _Run:
    """The readers, the administrator and the watcher of one load."""

    def __init__(
        self, serving: Serving, measured: Measured, expected: Mapping[str, Sequence[str]]
    ) -> None:
        self._serving = serving
        self._measured = measured
        self._expected = expected
        self._lock = threading.Lock()
        self._start = time.perf_counter()

    @property
    def _elapsed(self) -> float:
        return time.perf_counter() - self._start

    def read(self, number: int) -> None:
        """Ask until the time is over: every second reader by the page, the others by REST."""
        chance = random.Random(number)  # noqa: S311  (a load that comes again)
        door = ("page", "rest")[number % 2]
        plan = self._measured.plan
        with httpx.Client(base_url=self._serving.url, timeout=_PATIENCE) as client:
            time.sleep(chance.uniform(0, plan.pause))
            asks = partial(by_rest, client)
            if door == "page":
                session = f"load{chance.getrandbits(48):012x}"  # one visit, however many questions
                config = client.get("/config").raise_for_status().json()
                asks = partial(by_page, client, find_ask_event(config), session)
            while self._elapsed < plan.seconds:
                self._ask(asks, door, chance.choice(_QUESTIONS))
                time.sleep(chance.uniform(0, 2 * plan.pause))

    def _ask(self, asks: Callable[[str], str], door: str, question: str) -> None:
        started = time.perf_counter()
        try:
            got = _words_of(asks(question))
        except (httpx.HTTPError, EvaluationError) as error:
            self._note_error(door, f"{type(error).__name__}: {error}")
            return
        missing = [quote for quote in self._expected[question] if _words_of(quote) not in got]
        if missing:
            self._note_error(door, f"{question}: {missing[0]!r} is missing")
        with self._lock:
            self._measured.seconds.setdefault(door, []).append(time.perf_counter() - started)

    def _note_error(self, door: str, error: str) -> None:
        with self._lock:
            self._measured.errors.append(f"{door}, {self._elapsed:.0f} s: {error}")

    def watch_memory(self) -> None:
        """Note the memory of the server's processes until the time is over."""
        while self._elapsed < self._measured.plan.seconds:
            self._measured.memory.append((self._elapsed, self._serving.resident_bytes()))
            time.sleep(_MEMORY_EVERY)

    def change_index(self) -> None:
        """Rebuild twice, and between upload what no reader should suffer from."""
        first, second = REBUILDS_AT
        for share, do in ((first, self._rebuild), (HOSTILE_AT, self._upload_hostile)):
            self._wait_until(share)
            do()
        self._wait_until(second)
        self._rebuild()

    def _wait_until(self, share: float) -> None:
        time.sleep(max(0.0, share * self._measured.plan.seconds - self._elapsed))

    def _rebuild(self) -> None:
        started = time.perf_counter()
        try:
            self._serving.rebuild()
        except (httpx.HTTPError, EvaluationError) as error:
            self._note_error("rebuild", str(error))
        self._measured.rebuilds.append(time.perf_counter() - started)

    def _upload_hostile(self) -> None:
        try:
            self._measured.refused = self._serving.upload_hostile()
        except (httpx.HTTPError, EvaluationError) as error:
            self._note_error("upload", str(error))


def _asked(serving: Serving, question: str) -> list[str]:
    """Return the quotes a question gets while nothing else happens, by either door."""
    with httpx.Client(base_url=serving.url, timeout=_PATIENCE) as client:
        answer = client.post("/api/v1/ask", json={"question": question}).raise_for_status().json()
    return [citation["quote"] for citation in answer["citations"]]


def by_rest(client: httpx.Client, question: str) -> str:
    """Ask by the REST door; return all that was said."""
    response = client.post("/api/v1/ask", json={"question": question}).raise_for_status()
    return "\n".join(citation["quote"] for citation in response.json()["citations"])


def by_page(client: httpx.Client, event: "AskEvent", session: str, question: str) -> str:
    """Ask as the page in a browser does; return all that it shows.

    Raises:
        EvaluationError: the page says that it failed, or ends without an answer.
    """
    joined = event.asking(question, session)
    client.post("/gradio_api/queue/join", json=joined).raise_for_status()
    said: list[str] = []
    visit = {"session_hash": session}
    with client.stream("GET", "/gradio_api/queue/data", params=visit) as stream:
        for message in _messages(stream.raise_for_status()):
            said.extend(_leaves(message.get("output")))
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise EvaluationError(f"The page failed: {message}. See the server's log.")
                return "\n".join(said)
    raise EvaluationError("The page ended without an answer. See the server's log.")


@dataclass(frozen=True)
class AskEvent:
    """The page's event that answers a question.

    Attributes:
        number: of the function.
        chat: the id of the conversation, which ends with the question.
        inputs: what the function is given: each component's id and first value.
    """

    number: int
    chat: int
    inputs: Sequence[tuple[int, Any]]

    def asking(self, question: str, session: str) -> dict[str, Any]:
        """Return what the browser sends to have a question answered."""
        asked = {"role": "user", "content": [{"type": "text", "text": question}]}
        data = [[asked] if one == self.chat else value for one, value in self.inputs]
        return {"fn_index": self.number, "session_hash": session, "data": data}


def find_ask_event(config: Mapping[str, Any]) -> AskEvent:
    """Return the event that follows when a question was typed into the page.

    Args:
        config: what Gradio tells the browser of the page, at ``/config``.

    Raises:
        EvaluationError: the page has none.
    """
    components = {one["id"]: one.get("props", {}) for one in config["components"]}
    named = {props.get("elem_id"): id_ for id_, props in components.items()}
    box, chat = named.get("question"), named.get("chat")
    events = config["dependencies"]
    typed = {one["id"] for one in events if [box, "submit"] in one["targets"]}
    for one in events:
        if one.get("trigger_after") in typed and one["backend_fn"] and chat in one["inputs"]:
            inputs = [(id_, components[id_].get("value")) for id_ in one["inputs"]]
            return AskEvent(one["id"], int(chat or 0), inputs)
    raise EvaluationError("The page has no event that asks. Compare benchmarks/load.py with it.")


def _messages(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the server-sent events of a stream."""
    for line in stream.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


def _leaves(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)


def _words_of(text: str) -> str:
    """Return letters and digits alone: the page sets them in Markdown and HTML."""
    return "".join(filter(str.isalnum, text))
