"""What a monitoring system reads of a server, in the format of Prometheus; docs/api.md lists it."""

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Literal, get_args

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from index import Index, YinzhengError
from qa.stages import Measured, measuring

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Outcome = Literal["answered", "not_found", "small_talk", "retrieved", "refused", "busy", "failed"]
"""What became of a question. ``refused``: it cannot be asked; ``busy``: too many waited."""

_DOORS = frozenset({"page", "rest", "openai", "mcp"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._asks = Histogram(
            "yinzheng_ask_seconds",
            "Time from a question to its answer, waiting included",
            ["door", "outcome"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "yinzheng_stage_seconds",
            "Time of each stage of a question",
            ["stage"],
            buckets=(0.001, 0.0025, *_SECONDS),
            registry=self.registry,
        )
        self._requests = Histogram(
            "yinzheng_request_seconds",
            "Time of HTTP requests, until the last byte was sent",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        for outcome in get_args(Outcome):  # so that a rate exists before the first one
            self._asks.labels("rest", outcome)

    def watch(
        self, *, running: Callable[[], int], waiting: Callable[[], int], index: Callable[[], Index]
    ) -> None:
        """Add what is read anew at each look: the queue, and the index in use."""
        queue = {
            "running": (running, "Questions being answered"),
            "waiting": (waiting, "Questions waiting for their turn"),
        }
        for name, (count, told) in queue.items():
            Gauge(f"yinzheng_questions_{name}", told, registry=self.registry).set_function(count)
        self.registry.register(_IndexFigures(index))

    def asked(
        self, door: str, outcome: Outcome, seconds: float, stages: Mapping[str, float]
    ) -> None:
        """Count a question and its times."""
        self._asks.labels(door if door in _DOORS else "other", outcome).observe(seconds)
        for name, took in stages.items():
            self._stages.labels(name).observe(took)

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an HTTP request."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all figures in the format that is accepted, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _IndexFigures(Collector):
    """The index in use, opened at each look as it is at each question."""

    def __init__(self, index: Callable[[], Index]) -> None:
        self._index = index

    def describe(self) -> Iterable["Metric"]:
        """Return nothing: the index need not be there when the server starts."""
        return []

    def collect(self) -> Iterable["Metric"]:
        """Return the figures; of an index that cannot be opened, only that."""
        try:
            index = self._index()
        except (YinzhengError, OSError):
            return [_gauge("up", "Whether the index can be opened", 0)]
        info = index.info
        named = GaugeMetricFamily(
            "yinzheng_index_info",
            "The generation in use, and the model it was made with; always 1",
            labels=["generation", "model"],
        )
        named.add_metric([info.generation, info.model], 1)
        return [
            _gauge("up", "Whether the index can be opened", 1),
            named,
            _gauge("fallback", "Whether an older generation answers", float(bool(index.warning))),
            _gauge("documents", "Documents in the index", info.documents),
            _gauge("passages", "Passages in the index", info.passages),
            _gauge("bytes", "Size of the generation on the disk", info.bytes_on_disk),
            _gauge("created_timestamp_seconds", "When it was built", info.created.timestamp()),
        ]


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"yinzheng_index_{name}", told, value=value)


class RequestMetrics:
    """Counts every HTTP request by its route; those of the page are one.

    It leaves the stages of a question, in milliseconds, in ``scope["state"]["stages"]`` and what
    was noted (door, outcome, generation) in ``scope["state"]["facts"]``: for the log, which is
    around it.
    """

    def __init__(self, app: "ASGIApp", metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # of a request that ends without a response
        began = perf_counter()

        async def sending(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with measuring() as measured:
                await self._app(scope, receive, sending)
        finally:
            took = perf_counter() - began
            self._metrics.requested(scope["method"], _route_of(scope), status, took)
            _leave_for_log(scope, measured)


def _leave_for_log(scope: "Scope", measured: Measured) -> None:
    if measured.facts:
        state = scope.setdefault("state", {})
        state["stages"] = {name: 1000 * took for name, took in measured.seconds.items()}
        state["facts"] = dict(measured.facts)


def _route_of(scope: "Scope") -> str:
    """Return the path's template: a path itself may be anything."""
    path = getattr(scope.get("route"), "path", "")
    is_ours = path.startswith(("/api/", "/v1/", "/healthz", "/readyz", "/metrics"))
    return path if is_ours else "page"
