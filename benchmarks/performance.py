"""Results of the timed benchmarks → the targets, each met or missed; measures nothing itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.cold import ANSWER, HELP, IMPORT, LOAD
from benchmarks.indexing import FLOOR, ONE_PASS, OURS
from benchmarks.load import percentile
from benchmarks.markdown import NONE
from benchmarks.querying import ASK, FORWARD, READ
from benchmarks.runs import Figures, Spread, ratios, read_result, spread

BENCHMARKS = ("index", "query", "cold", "scale")
_MILLION = 1_000_000
_SMALL_SIZES = (1_000, 10_000, 100_000)
_NEAR = 0.25  # how far a size may be from the one a target names


@dataclass(frozen=True)
class Target:
    """A line of the table.

    Attributes:
        what: is measured.
        wanted: in words.
        measured: in words; a dash when nothing was.
        is_met: None when nothing was measured.
    """

    what: str
    wanted: str
    measured: str = NONE
    is_met: bool | None = None


@dataclass(frozen=True)
class Results:
    """What each benchmark wrote; None where it was not run."""

    index: Figures | None
    query: Figures | None
    cold: Figures | None
    scale: Figures | None

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read the results in a folder.

        Raises:
            EvaluationError: a file is none of ours.
        """
        return cls(*(read_result(folder / f"{name}.json") for name in BENCHMARKS))


def targets(results: Results) -> list[Target]:
    """Return every target with what was measured."""
    sizes = _sizes(results.scale)
    return [
        *_index_targets(results.index),
        *(_latency(sizes, size) for size in _SMALL_SIZES),
        _large_latency(sizes),
        _reading(results.query),
        _recall(sizes),
        _memory(sizes),
        *_cold_targets(results.cold),
        *_at_once_targets(results.query),
        _adding(sizes),
    ]


# ---- index -----------------------------------------------------------------------------------


def throughput_ratio(systems: Figures, other: str, ours: str = OURS) -> Spread:
    """Return how many times as fast as another we index: seconds over seconds, round by round."""
    return ratios(systems[other]["seconds"], systems[ours]["seconds"])


def is_measured(system: Figures) -> bool:
    """Return whether there are seconds, and not a failure."""
    return bool(system.get("seconds")) and "failure" not in system


def neighbours(systems: Figures) -> list[str]:
    """Return the names of the neighbours that were measured, the fastest first."""
    names = [
        name
        for name, one in systems.items()
        if not name.startswith((OURS, FLOOR)) and is_measured(one)
    ]
    return sorted(names, key=lambda name: median(systems[name]["seconds"]))


def _index_targets(result: Figures | None) -> list[Target]:
    peer = Target("index throughput, end to end from files", "≥ 2 × the fastest neighbour")
    floor = Target(
        "the same against one bare forward pass over the same tokens, its fastest precision",
        "≥ 85 %",
    )
    if result is None:
        return [peer, floor]
    systems, count = result["figures"]["systems"], result["figures"]["documents"]
    one_pass = ONE_PASS in systems
    if fastest := next(iter(neighbours(systems)), None):
        ratio = throughput_ratio(systems, fastest)
        said = f"{ratio} × {fastest}; {count:,} documents"
        if one_pass:
            said += f"; in one pass {throughput_ratio(systems, fastest, ONE_PASS)} ×"
        peer = Target(peer.what, peer.wanted, said, ratio.middle >= 2)
    floors = [name for name in systems if name.startswith(FLOOR)]
    name = min(floors, key=lambda one: median(systems[one]["seconds"]))
    bare = throughput_ratio(systems, name)
    said = f"{_share(bare)} of {name.removeprefix(FLOOR).strip(', ')}"
    if one_pass:
        said += f"; in one pass {_share(throughput_ratio(systems, name, ONE_PASS))}"
    return [peer, Target(floor.what, floor.wanted, said, bare.middle >= 0.85)]


def _share(ratio: Spread) -> str:
    return f"{100 * ratio.middle:.0f} % ({100 * ratio.low:.0f}–{100 * ratio.high:.0f})"


# ---- query -----------------------------------------------------------------------------------


def against_forward(figures: Figures, name: str, percent: int) -> Spread:
    """Return a percentile of a kind of call over the median forward pass, round by round."""
    milliseconds = figures["milliseconds"]
    return ratios(
        [percentile(of_round, percent) for of_round in milliseconds[name]],
        [median(of_round) for of_round in milliseconds[FORWARD]],
    )


def all_of(milliseconds: Sequence[Sequence[float]]) -> list[float]:
    """Return the values of all rounds."""
    return [one for of_round in milliseconds for one in of_round]


def _sizes(result: Figures | None) -> list[Figures]:
    return list(result["figures"]["sizes"]) if result else []


def _near(sizes: Sequence[Figures], wanted: int) -> Figures | None:
    return next((one for one in sizes if abs(one["passages"] - wanted) <= _NEAR * wanted), None)


def _latency(sizes: Sequence[Figures], size: int) -> Target:
    what = f"`ask` warm without reading phrases, p50 / p95, {size:,} passages"
    wanted = "≤ 1.5 × / 3 × one query forward pass (≤ 2 × p50 with late interaction)"
    found = _near(sizes, size)
    if found is None:
        return Target(what, wanted)
    middle, late = (against_forward(found, ASK, percent) for percent in (50, 95))
    said = f"{middle} × / {late} ×"
    return Target(what, wanted, said, middle.middle <= 2 and late.middle <= 3)


def _large_latency(sizes: Sequence[Figures]) -> Target:
    what, wanted = "the same, 1,000,000 passages", "p50 ≤ 3 × one query forward pass"
    found = _near(sizes, _MILLION)
    if found is None:
        return Target(what, wanted)
    middle = against_forward(found, ASK, 50)
    return Target(what, wanted, f"{middle} ×", middle.middle <= 3)


def _reading(result: Figures | None) -> Target:
    what = "`ask` warm with the phrase that answers read"
    wanted = "p50 ≤ 5 × one query forward pass"
    if result is None or READ not in result["figures"]["milliseconds"]:
        return Target(what, wanted)
    middle = against_forward(result["figures"], READ, 50)
    return Target(what, wanted, f"{middle} ×", middle.middle <= 5)


def _recall(sizes: Sequence[Figures]) -> Target:
    what, wanted = "candidate recall against exact search, top 100", "≥ .99 at every size"
    if not sizes:
        return Target(what, wanted)
    said = ", ".join(f"{one['recall_at_100']:.3f} of {one['passages']:,}" for one in sizes)
    return Target(what, wanted, said, all(one["recall_at_100"] >= 0.99 for one in sizes))


def beyond_model(size: Figures, kind: str) -> int:
    """Return the bytes that opening and asking the index added to what the process held before.

    Args:
        size: the figures of one size.
        kind: ``anonymous`` or ``mapped``.
    """
    return int(size["memory_after"][kind] - size["memory_before"][kind])


def _memory(sizes: Sequence[Figures]) -> Target:
    what = "resident memory at 1,000,000 passages, beyond the model"
    wanted = "≤ 1.5 GB (mapped files do the rest)"
    found = _near(sizes, _MILLION)
    if found is None:
        return Target(what, wanted)
    own, mapped = (beyond_model(found, kind) for kind in ("anonymous", "mapped"))
    said = f"{own / 1e9:.2f} GB, and {mapped / 1e9:.2f} GB of mapped files"
    return Target(what, wanted, said, own <= 1.5e9)


def _adding(sizes: Sequence[Figures]) -> Target:
    what, wanted = "adding 1 document to 1,000,000 passages", "≤ 2 s beside its own embedding"
    found = _near(sizes, _MILLION)
    if found is None:
        return Target(what, wanted)
    seconds = spread(found["grown"]["add_seconds"])
    return Target(what, wanted, f"{seconds} s", seconds.middle <= 2)


# ---- cold, at once -----------------------------------------------------------------------------


def _cold_targets(result: Figures | None) -> list[Target]:
    importing = Target("`import qa`", "≤ 0.2 s")
    helping = Target("`python -m qa --help`", "≤ 0.4 s")
    answering = Target(
        "cold process to first answer, index present",
        "≤ 1.3 × importing torch + sentence-transformers and loading the model",
    )
    if result is None:
        return [importing, helping, answering]
    seconds = result["figures"]["seconds"]
    ratio = ratios(seconds[ANSWER], seconds[LOAD])
    said = f"{ratio} ×"
    return [
        _at_most(importing, seconds[IMPORT], 0.2),
        _at_most(helping, seconds[HELP], 0.4),
        Target(answering.what, answering.wanted, said, ratio.middle <= 1.3),
    ]


def _at_most(target: Target, seconds: Sequence[float], limit: float) -> Target:
    found = spread(seconds)
    return Target(target.what, target.wanted, f"{found} s", found.middle <= limit)


def _at_once_targets(result: Figures | None) -> list[Target]:
    what = [
        ("32 questions at once", "≥ 3 × the throughput of one after another"),
        ("the same, p95", "≤ 8 × the warm p50"),
        ("the same, errors", "none"),
    ]
    if result is None:
        return [Target(*one) for one in what]
    once = result["figures"]["at_once"]
    faster = ratios(once["seconds_after_one_another"], once["seconds_at_once"])
    milliseconds = result["figures"]["milliseconds"]
    warm = [median(of_round) for of_round in milliseconds.get(READ, milliseconds[ASK])]
    usual = median(warm)
    late = spread([percentile(one, 95) / usual for one in once["milliseconds_at_once"]])
    found: list[tuple[str, bool]] = [
        (f"{faster} ×", faster.middle >= 3),
        (f"{late} ×", late.middle <= 8),
        (f"{once['errors']}", once["errors"] == 0),
    ]
    return [Target(*one, *measured) for one, measured in zip(what, found, strict=True)]


def count(listed: Sequence[Target], wanted: Callable[[bool | None], bool]) -> int:
    """Return of how many targets something holds."""
    return sum(wanted(one.is_met) for one in listed)
