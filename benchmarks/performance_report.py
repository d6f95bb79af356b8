"""Results of the timed benchmarks → docs/performance.md."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from benchmarks.cold import IMPORT, LOAD
from benchmarks.indexing import FLOOR, OURS
from benchmarks.load import percentile
from benchmarks.markdown import NONE, table
from benchmarks.performance import (
    BENCHMARKS,
    Results,
    Target,
    against_forward,
    all_of,
    beyond_model,
    count,
    is_measured,
    targets,
    throughput_ratio,
)
from benchmarks.performance_plots import draw_index, draw_scale
from benchmarks.querying import ASK, EMPTY_PAGE, FORWARD, PAGE, READ, RETRIEVE, SCAN
from benchmarks.runs import RESULTS, Figures, ratios, spread
from index import replace_text

REPORT = RESULTS.parent / "performance.md"
_FEW = 500
"""Documents below which indexing is mostly loading."""


def write_report(folder: Path, out: Path) -> None:
    """Write the report of the results in a folder, and its pictures into the folder.

    Raises:
        EvaluationError: a file is none of ours.
    """
    results = Results.read(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if results.index:
        draw_index(results.index["figures"], folder / "index.svg")
    if results.scale:
        draw_scale(results.scale["figures"], folder / "scale.svg")
    replace_text(out, to_markdown(results, folder.name))


def to_markdown(results: Results, pictures: str) -> str:
    """Return the report.

    Args:
        results: of all benchmarks that were run.
        pictures: the folder of the pictures, as the report sees it.
    """
    parts = [
        "<!-- Written by: python -m benchmarks performance -->",
        "# How fast, how large",
        *_warnings(results),
        *_targets(targets(results)),
        *(_index(results.index["figures"], pictures) if results.index else ()),
        *(_query(results.query["figures"]) if results.query else ()),
        *(_cold(results.cold["figures"]) if results.cold else ()),
        *(_scale(results.scale["figures"], pictures) if results.scale else ()),
        "## Set-up",
        *(_set_up(name, getattr(results, name)) for name in BENCHMARKS),
        _reading(),
    ]
    return "\n\n".join(parts) + "\n"


def _warnings(results: Results) -> Iterable[str]:
    """Say what makes the figures rough."""
    found = [result for name in BENCHMARKS if (result := getattr(results, name))]
    busy = [one["setup"] for one in found if one["setup"]["load_before"] > one["setup"]["cores"]]
    if busy:
        load = max(one["load_before"] for one in busy)
        yield (
            f"**The machine was busy** (a load of up to {load:g} on {busy[0]['cores']} cores when "
            "measuring began): times are several times those of an idle one, and even ratios are "
            "rough. Measure again on an idle machine before relying on any."
        )
    if results.index and results.index["figures"]["documents"] < _FEW:
        yield (
            f"**Only {results.index['figures']['documents']:,} documents were indexed**: loading "
            "the model, which is counted, weighs more there than among many."
        )


def _targets(listed: list[Target]) -> Iterable[str]:
    met, missed = count(listed, lambda met: met is True), count(listed, lambda met: met is False)
    yield (
        f"Of {len(listed)} targets {met} are met, {missed} missed, "
        f"{len(listed) - met - missed} not measured. Everything that is compared was measured in "
        "one run, in turns; ratios are the median of the rounds, with the least and the largest."
    )
    verdict = {True: "met", False: "**missed**", None: "not measured"}
    yield table(
        ["what", "target", "measured", ""],
        [[one.what, one.wanted, one.measured, verdict[one.is_met]] for one in listed],
    )
    if missed:
        yield "Why some are missed, and what was tried: [limits.md](limits.md)."


# ---- index -----------------------------------------------------------------------------------


def _index(figures: Figures, pictures: str) -> Iterable[str]:
    yield "## Indexing"
    yield (
        f"{figures['documents']:,} documents of {figures['characters']:,} characters, a file each; "
        f"{figures['passages']:,} passages of {figures['tokens']:,} tokens. Each system in a fresh "
        "process, its imports not counted, loading the model counted. Ours reads the files, cleans "
        "and splits them, and writes the vectors of passages, sentences and tokens, words and "
        "texts, and checks them; a neighbour is given our passages, a file each, keeps its index "
        "in memory, and makes one vector a passage (and word counts, where it says so), in the "
        "precision named (bfloat16 is no default of any of them); ours has its linear layers in "
        "int8 where the processor does (encoding.md). The one-pass model tells sentences' vectors "
        "from the pass over their passage. The floor is the passages' tokens through the model "
        "alone, in batches of like length of the best of several sizes, tokenising and loading "
        "not counted; in int8 by torch's own dynamic quantisation, whose vectors are further off."
    )
    systems = figures["systems"]
    rows = [_index_row(name, one, figures) for name, one in systems.items()]
    yield table(
        ["", "passages/s", "ours is so many times as fast", "most memory", "bytes a passage"], rows
    )
    yield f"![Passages a second]({pictures}/index.svg)"


def _index_row(name: str, system: Figures, figures: Figures) -> list[str]:
    if not is_measured(system):
        return [name, f"failed: {system['failure']}", NONE, NONE, NONE]
    rate = spread([figures["passages"] / one for one in system["seconds"]])
    ratio = NONE if name == OURS else str(throughput_ratio(figures["systems"], name))
    disk = system.get("disk_bytes")
    return [
        name,
        f"{rate.middle:.1f} ({rate.low:.1f}–{rate.high:.1f})",
        ratio,
        f"{system['peak_bytes'] / 2**20:,.0f} MiB",
        f"{disk / figures['passages']:,.0f}" if disk and not name.startswith(FLOOR) else NONE,
    ]


# ---- query -----------------------------------------------------------------------------------


def _query(figures: Figures) -> Iterable[str]:
    yield "## Asking"
    yield (
        f"{figures['documents']:,} documents, {figures['passages']:,} passages; everything warm, "
        "in turns question by question, no question twice. The flat scan is of all passage "
        "vectors for the nearest 100; at the speed this memory was read in the same run "
        f"({figures['memory_bytes_per_second'] / 1e9:.1f} GB/s) its {figures['vector_bytes']:,} "
        f"bytes take {figures['scan_floor_ms']:.3f} ms."
    )
    calls = {
        FORWARD: FORWARD,
        SCAN: SCAN,
        RETRIEVE: RETRIEVE,
        ASK: "ask, reader=False",
        READ: "ask",
    }
    rows = [
        _call_row(said, figures, name)
        for name, said in calls.items()
        if name in figures["milliseconds"]
    ]
    yield table(["", "p50 ms", "p95 ms", "p50 / forward pass", "p95 / forward pass"], rows)
    once = figures["at_once"]
    faster = ratios(once["seconds_after_one_another"], once["seconds_at_once"])
    yield (
        f"{once['questions']} questions at once, each in a thread: {faster} × the throughput of "
        f"as many after one another, p50 {median(all_of(once['milliseconds_at_once'])):.0f} ms, "
        f"p95 {percentile(all_of(once['milliseconds_at_once']), 95):.0f} ms, "
        f"{once['errors']} errors."
    )
    if PAGE in figures["milliseconds"]:
        yield _page(figures["milliseconds"])
    if figures["peers"]:
        yield _peers(figures["peers"])


def _call_row(said: str, figures: Figures, name: str) -> list[str]:
    found = all_of(figures["milliseconds"][name])
    of_forward = [str(against_forward(figures, name, percent)) for percent in (50, 95)]
    return [said, f"{median(found):.2f}", f"{percentile(found, 95):.2f}", *of_forward]


def _page(milliseconds: Figures) -> str:
    page, empty = all_of(milliseconds[PAGE]), all_of(milliseconds[EMPTY_PAGE])
    ratio = ratios(*([median(one) for one in milliseconds[name]] for name in (PAGE, EMPTY_PAGE)))
    return (
        f"Over HTTP, as a browser asks: the page p50 {median(page):.0f} ms, p95 "
        f"{percentile(page, 95):.0f} ms; an empty Gradio page that hands back what it is given "
        f"p50 {median(empty):.0f} ms, p95 {percentile(empty, 95):.0f} ms; ratio {ratio}."
    )


def _peers(peers: Figures) -> str:
    rows = []
    for name, one in peers.items():
        if "failure" in one:
            rows.append([name, f"failed: {one['failure']}", NONE])
        else:
            found = one["milliseconds"]
            rows.append([name, f"{median(found):.1f}", f"{percentile(found, 95):.1f}"])
    return "The neighbours' search on the same passages, each in its own process:\n\n" + table(
        ["", "p50 ms", "p95 ms"], rows
    )


# ---- cold, scale -------------------------------------------------------------------------------


def _cold(figures: Figures) -> Iterable[str]:
    yield "## Starting"
    yield (
        f"Fresh processes, {figures['rounds']} of each in turns, files in memory already. Whole "
        f"processes from start to end, but for `{IMPORT}`, which is timed inside its own."
    )
    load = figures["seconds"][LOAD]
    yield table(
        ["", "s", "/ loading torch and the model"],
        [[name, str(spread(s)), str(ratios(s, load))] for name, s in figures["seconds"].items()],
    )


def _scale(figures: Figures, pictures: str) -> Iterable[str]:
    yield "## As the index grows"
    yield (
        f"Passages of at least {figures['characters']} characters, composed of "
        f"{figures['sentences']:,} sentences of {figures['texts']:,} real texts in new "
        "combinations, ten to a document. Each token has the vector the model gave it, between the "
        "same neighbours, in the real text; so **seconds to index hold no forward pass**, only all "
        f"the rest. Token vectors are stored as {figures['token_vectors']}. Questions are encoded "
        "by the model itself. Memory: what opening and asking the index added to a process that "
        "had asked a small one; mapped files can be dropped by the system at any time. Adding: "
        "one document of ten passages, read, split, written and put in use."
    )
    header = [
        *("passages", "index s", "bytes a passage", "most memory, indexing", "adding s"),
        *("memory, asking", "… mapped", "recall@100", "ask p50 ms", "… p95"),
        *("p50 / forward pass", "p95 / forward pass", "flat scan ms"),
    ]
    yield table(header, [_size_row(one) for one in figures["sizes"]])
    yield from (f"Not measured: {reason}." for reason in figures["skipped"].values())
    yield f"![Time, disk, memory and latency]({pictures}/scale.svg)"


def _size_row(size: Figures) -> list[str]:
    grown, found = size["grown"], all_of(size["milliseconds"][ASK])
    return [
        f"{size['passages']:,}",
        f"{grown['seconds']:.1f}",
        f"{grown['disk_bytes'] / grown['passages']:,.0f}",
        f"{grown['peak_bytes'] / 2**20:,.0f} MiB",
        str(spread(grown["add_seconds"])),
        f"{beyond_model(size, 'anonymous') / 2**20:,.0f} MiB",
        f"{beyond_model(size, 'mapped') / 2**20:,.0f} MiB",
        f"{size['recall_at_100']:.3f}",
        f"{median(found):.1f}",
        f"{percentile(found, 95):.1f}",
        *(str(against_forward(size, ASK, percent)) for percent in (50, 95)),
        f"{median(all_of(size['milliseconds'][SCAN])):.2f}",
    ]


# ---- set-up ------------------------------------------------------------------------------------


def _set_up(name: str, result: Figures | None) -> str:
    if result is None:
        return f"`{name}`: not run."
    setup = result["setup"]
    versions = ", ".join(f"{package} {version}" for package, version in setup["versions"].items())
    return (
        f"```bash\n{result['command']}\n```\n\n"
        f"{setup['data']}. {setup['processor']}, {setup['cores']} cores, "
        f"{setup['memory_gib']} GiB, load {setup['load_before']} before; "
        f"the model in {setup['precision']}; {versions}."
        + (f" {setup['note']}" if setup.get("note") else "")
    )


def _reading() -> str:
    return (
        "The texts and questions are no part of the project: `--texts` is JSON Lines with a `text` "
        "on each line (`.jsonl` or `.jsonl.xz`), `--questions` a question set as `qa eval` reads "
        "it; without one, clauses of the texts are asked. `--limit N` takes the first N texts, "
        "`--peers` installs the neighbours into environments of their own, and `python -m "
        "benchmarks performance` writes this page from the results beside it; with `--texts` it "
        "measures everything first. Threads that wait sleep (`OMP_WAIT_POLICY=PASSIVE`) in every "
        "process, the neighbours' too."
    )


def command_line(name: str, options: dict[str, object]) -> str:
    """Return the command that was run, with file names only.

    Args:
        name: of the benchmark.
        options: their names and values; True = a switch that was given; None, False, () = was not.
    """
    words = [f"python -m benchmarks {name}"]
    for option, value in options.items():
        if value is True:
            words.append(f"--{option}")
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None and one is not False:
                shown = one.name if isinstance(one, Path) else str(one)
                words.append(f"--{option} {shlex.quote(shown)}")
    return " ".join(words)
