"""The timed benchmarks, each with tiny sizes: what is counted and written; no time is judged."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import benchmarks.__main__
from benchmarks import cold, growing, indexing, runs, worker
from benchmarks.adapters.protocol import peak_bytes
from benchmarks.echo import echoing
from benchmarks.forward import ForwardPass, batches
from benchmarks.growing import memory, usable_sentences, write_composed
from benchmarks.load import by_page
from benchmarks.peers import PACKAGES, Peer
from benchmarks.performance import BENCHMARKS, Results, targets
from benchmarks.performance_report import command_line, to_markdown
from benchmarks.querying import ASK, FORWARD, READ, RETRIEVE, SCAN, _echo_event
from benchmarks.questions import Questions, clauses
from benchmarks.runs import (
    Spread,
    in_turns,
    native_precision,
    ratios,
    read_result,
    run_worker,
    set_up,
    spread,
    write_result,
)
from benchmarks.seen_tokens import _MODULE, SeenTokens, make_loadable, write_model
from index import EvaluationError, build_index, open_index
from index.models import load_embedder

TOPICS = ["水庫", "圖書館", "車站", "公園", "學校", "市場", "醫院", "港口"]
TEXTS = [
    "".join(
        f"{topic}在{year}年完成了第{year - 1990}次大規模的整修工程，當時的負責人姓{name}。"
        f"{topic}旁邊有一條長{year}公尺的河流，每到夏天遊客很多。"
        for year, name in zip(range(2001, 2007), "王李張陳林黃", strict=True)
    )
    for topic in TOPICS
]


def in_this_process(name: str, task: runs.Figures, _told: runs.Told | None = None) -> runs.Figures:
    """What ``run_worker`` does, without the seconds that a fresh process takes to import torch."""
    found = worker._WORKERS[name](json.loads(json.dumps(task)))
    return {**found, "peak_bytes": peak_bytes()}


@pytest.fixture(scope="module")
def texts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    lines = [json.dumps({"id": str(n), "text": text}) for n, text in enumerate(TEXTS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, texts_file: Path) -> Iterator[Path]:
    """The results of all commands: ``index`` and ``cold`` in fresh processes, as ever."""
    folder = tmp_path_factory.mktemp("results")
    texts = ["--texts", str(texts_file)]
    few = ["--rounds", "2", "--each", "3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "run_worker", in_this_process)
        patch.setattr(indexing, "run_worker", in_this_process)
        for arguments in (
            ["index", *texts, "--limit", "3", "--rounds", "1"],
            ["query", *texts, *few, "--at-once", "4", "--no-page"],
            ["scale", *texts, *few, "--passages", "20,60", "--characters", "60"],
        ):
            out = folder / f"{arguments[0]}.json"
            assert benchmarks.__main__.main([*arguments, "--out", str(out)]) == 0
    figures = cold.measure_cold(rounds=1, told=lambda _: None, is_warmed=False)
    write_result(folder / "cold.json", "python -m benchmarks cold", set_up("The report"), figures)
    yield folder
    sys.modules.pop(_MODULE, None)


def figures_of(folder: Path, name: str) -> dict[str, Any]:
    found = read_result(folder / f"{name}.json")
    assert found is not None
    assert found["setup"]["cores"] >= 1
    assert found["setup"]["versions"]["torch"]
    return dict(found["figures"])


def test_indexing_counts_what_was_indexed(results: Path) -> None:
    figures = figures_of(results, "index")
    assert figures["documents"] == 3
    assert figures["characters"] == sum(map(len, TEXTS[:3]))
    assert figures["passages"] >= 3
    assert figures["tokens"] > figures["characters"] / 4
    assert {native_precision(), "float32"} <= set(indexing.floors())
    names = {f"{indexing.FLOOR}, {one}" for one in indexing.floors()}
    assert figures["systems"].keys() == {indexing.OURS, indexing.ONE_PASS} | names
    for one in figures["systems"].values():
        assert len(one["seconds"]) == 1
        assert min(one["seconds"]) > 0
        assert one["peak_bytes"] > 1e8
    # Token vectors alone have a byte a dimension.
    assert figures["systems"][indexing.OURS]["disk_bytes"] > 300 * figures["tokens"]


def test_every_question_has_its_time(results: Path) -> None:
    figures = figures_of(results, "query")
    assert figures["documents"] == len(TEXTS)
    assert set(figures["milliseconds"]) == {FORWARD, SCAN, RETRIEVE, ASK, READ}
    for of_rounds in figures["milliseconds"].values():
        assert [len(one) for one in of_rounds] == [3, 3]
        assert min(min(one) for one in of_rounds) > 0
    assert figures["vector_bytes"] == figures["passages"] * 384 * 4
    expected = 1000 * figures["vector_bytes"] / figures["memory_bytes_per_second"]
    assert figures["scan_floor_ms"] == pytest.approx(expected)
    once = figures["at_once"]
    assert once["errors"] == 0
    assert [len(one) for one in once["milliseconds_at_once"]] == [4, 4]


def test_sizes_are_those_asked_for(results: Path) -> None:
    figures = figures_of(results, "scale")
    assert [one["passages"] for one in figures["sizes"]] == [20 + 40, 60 + 40]
    assert [one["grown"]["passages"] for one in figures["sizes"]] == [20, 60]
    assert figures["sentences"] == 12 * len(TEXTS)
    for one in figures["sizes"]:
        assert one["recall_at_100"] == 1.0, "fewer than a hundred passages are all found"
        assert len(one["grown"]["add_seconds"]) == 3
        assert one["grown"]["disk_bytes"] >= sum(one["grown"]["bytes_by_part"].values())
        assert one["memory_before"].keys() == {"anonymous", "mapped"}
    small, large = (one["grown"]["disk_bytes"] for one in figures["sizes"])
    assert large > small


def test_every_kind_of_process_is_started(results: Path) -> None:
    seconds = figures_of(results, "cold")["seconds"]
    assert len(seconds) == 5
    assert all(len(of_one) == 1 and of_one[0] > 0 for of_one in seconds.values())


def test_the_report_is_made_of_the_results(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "performance.md"
    arguments = ["performance", "--results", str(results), "--out", str(out)]
    assert benchmarks.__main__.main(arguments) == 0
    report = out.read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\|$\n?)+", report, re.MULTILINE)
    assert len(tables) == 5
    for one in tables:
        widths = {line.count(" | ") for line in one.strip().splitlines()}
        assert len(widths) == 1, one
    assert "**Only 3 documents were indexed**" in report
    assert "python -m benchmarks index --texts texts.jsonl --limit 3 --rounds 1" in report
    assert not re.search(r"/(tmp|home|root|Users|var)/", report)
    for name in ("index", "scale"):
        root = ElementTree.fromstring((results / f"{name}.svg").read_text("utf-8"))  # noqa: S314
        assert root.tag.endswith("svg")
        assert f"{results.name}/{name}.svg" in report


def test_without_results_nothing_is_claimed(tmp_path: Path) -> None:
    assert {name: read_result(tmp_path / f"{name}.json") for name in BENCHMARKS} == dict.fromkeys(
        BENCHMARKS
    )
    results = Results.read(tmp_path)
    assert {(one.measured, one.is_met) for one in targets(results)} == {("–", None)}
    assert "0 are met, 0 missed" in to_markdown(results, "performance")
    (tmp_path / "cold.json").write_text("[]", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"cold\.json is no result"):
        Results.read(tmp_path)


# ---- targets, by hand ----------------------------------------------------------------------------


def size_of(passages: int, *, ask: float, add: float, own: float) -> dict[str, Any]:
    return {
        "passages": passages,
        "milliseconds": {FORWARD: [[10.0, 10.0, 10.0]] * 2, ASK: [[ask, ask, ask]] * 2},
        "recall_at_100": 0.995,
        "memory_before": {"anonymous": 10**9, "mapped": 0},
        "memory_after": {"anonymous": int(10**9 + own), "mapped": 5 * 10**9},
        "grown": {"add_seconds": [add]},
    }


@pytest.mark.parametrize(("better", "met"), [(True, True), (False, False)])
def test_targets_are_met_or_missed(better: bool, met: bool) -> None:
    """Each figure lies just on one side of what is wanted."""
    nudge = 0.99 if better else 1.01
    at_least = 1 / nudge
    seconds = {cold.IMPORT: [0.2 * nudge], cold.HELP: [0.4 * nudge], cold.LOAD: [5.0]}
    systems = {
        indexing.OURS: {"seconds": [10.0, 10.0]},
        indexing.ONE_PASS: {"seconds": [5.0, 5.0]},
        f"{indexing.FLOOR}, float32": {"seconds": [8.5 * at_least] * 2},
        "quick": {"seconds": [20 * at_least] * 2},
        "slow": {"seconds": [90.0, 90.0]},
        "broken": {"failure": "it failed"},
    }
    sizes = [size_of(n, ask=20 * nudge, add=1, own=0) for n in (1_000, 10_400, 100_000)]
    sizes.append(size_of(1_000_000, ask=30 * nudge, add=2 * nudge, own=1.5e9 * nudge))
    for one in sizes:
        one["recall_at_100"] = min(1.0, 0.99 * at_least)
    once = {
        "seconds_after_one_another": [6 * at_least] * 2,
        "seconds_at_once": [2.0, 2.0],
        "milliseconds_at_once": [[80 * nudge, 80 * nudge]] * 2,
        "errors": 0 if better else 1,
    }
    asked = {
        FORWARD: [[2.0 * at_least] * 2] * 2,
        ASK: [[5.0, 5.0]] * 2,
        READ: [[10.0, 10.0]] * 2,
    }
    results = Results(
        index={
            "figures": {"systems": systems, "documents": 2},
            "setup": {"precision": "float32"},
        },
        query={"figures": {"at_once": once, "milliseconds": asked}},
        cold={"figures": {"seconds": seconds | {cold.ANSWER: [6.5 * nudge]}}},
        scale={"figures": {"sizes": sizes}},
    )
    found = targets(results)
    assert {one.what: one.is_met for one in found} == dict.fromkeys((t.what for t in found), met)
    assert "× quick" in found[0].measured
    assert f"in one pass {4 * at_least:.2f}" in found[0].measured


@pytest.mark.parametrize(("load", "is_told"), [(2.0, False), (2.1, True)])
def test_a_busy_machine_is_told(load: float, is_told: bool) -> None:
    setup = set_up("The report") | {"load_before": load, "cores": 2}
    seconds = {name: [1.0] for name in (cold.IMPORT, cold.HELP, cold.ANSWER, cold.LOAD)}
    result = {
        "command": "python -m benchmarks cold",
        "setup": setup,
        "figures": {"rounds": 1, "seconds": seconds},
    }
    report = to_markdown(Results(None, None, result, None), "performance")
    assert ("**The machine was busy** (a load of up to 2.1 on 2 cores" in report) is is_told
    assert "[limits.md](limits.md)" in report  # importing takes a second, and may not
    noted = result | {"setup": setup | {"note": "Somebody else built beside it."}}
    report = to_markdown(Results(None, None, noted, None), "performance")
    assert report.count("Somebody else built beside it.") == 1


# ---- the parts -----------------------------------------------------------------------------------


def test_ratios_are_those_of_each_round() -> None:
    assert ratios([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == Spread(1.0, 2.0, 3.0)
    assert str(spread([1.0, 2.0, 4.0])) == "2.00 (1.00–4.00)"


def test_every_second_round_goes_backwards() -> None:
    called: list[str] = []
    kinds = {name: lambda n, name=name: called.append(f"{name}{n}") for name in "abc"}
    in_turns(kinds, 3, lambda _: None)
    assert called == ["a0", "b0", "c0", "c1", "b1", "a1", "a2", "b2", "c2"]


@given(
    lengths=st.lists(st.integers(1, 40), max_size=60),
    budget=st.integers(1, 200),
)
def test_batches_hold_each_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches([[0] * n for n in lengths], budget))
    assert sorted(at for batch in found for at in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[at] for at in batch) <= budget
    longest = [lengths[at] for batch in found for at in batch]
    assert longest == sorted(lengths, reverse=True)


def test_padding_does_not_change_what_the_bare_model_says() -> None:
    bare = ForwardPass("float32")
    short, long = bare.tokens(["水庫。", TEXTS[0][:50]], "passage: ")
    together = bare.run([long, short])
    assert together.shape == (2, len(long), 384)
    np.testing.assert_allclose(
        together[1, : len(short)].numpy(), bare.run([short])[0].numpy(), atol=1e-4
    )


def test_no_question_is_asked_twice(texts_file: Path) -> None:
    assert texts_file.is_file()
    everything = set(clauses(TEXTS))
    assert {len(one) >= 8 for one in everything} == {True}
    questions = Questions(TEXTS, [])
    taken = [one for _ in range(4) for one in questions.take(20)]
    assert len(set(taken)) == 80
    assert set(taken) <= everything
    with pytest.raises(EvaluationError, match="more questions are needed"):
        questions.take(10_000)


def test_composed_documents_are_real_sentences_and_grow(tmp_path: Path) -> None:
    pool = [sentence for text in TEXTS for sentence in usable_sentences(text)]
    assert "".join(usable_sentences(TEXTS[0])) == TEXTS[0]
    for name, count in (("few", 25), ("many", 43)):
        write_composed(tmp_path / name, pool, count, 60)
    few = [path.read_text("utf-8") for path in sorted((tmp_path / "few").iterdir())]
    many = [path.read_text("utf-8") for path in sorted((tmp_path / "many").iterdir())]
    assert many[:2] == few[:2]
    paragraphs = [line for text in many for line in text.splitlines() if line]
    assert len(paragraphs) == 43
    for paragraph in paragraphs:
        assert len(paragraph) >= 60
        assert set(usable_sentences(paragraph)) <= set(pool)
        assert "".join(usable_sentences(paragraph)) == paragraph


def test_texts_without_padding_have_the_vectors_they_have_alone(tmp_path: Path) -> None:
    texts = ["水庫位於山谷之中，供應全市八成的飲用水。", "圖書館收藏了三萬冊地方志，每週一休息。"]
    write_model(tmp_path / "model", texts, "float32", lambda _: None)
    seen = SeenTokens(tmp_path / "model")
    features = [seen.preprocess([text], "passage: ") for text in (*texts, texts[0])]
    alone = [seen.forward(of_one)["token_embeddings"][0].numpy() for of_one in features]
    together = seen.look_up([of_one["input_ids"][0].tolist() for of_one in features])
    assert all(map(np.array_equal, together.tokens, alone))
    assert together.vectors == pytest.approx(
        np.stack([one.mean(axis=0) for one in alone]), abs=1e-6
    )


def test_looked_up_vectors_are_the_models_own(tmp_path: Path) -> None:
    """A passage that was encoded gets, without a forward pass, the vector that it had."""
    texts = ["水庫位於山谷之中，供應全市八成的飲用水。", "圖書館收藏了三萬冊地方志，每週一休息。"]
    write_model(tmp_path / "model", texts, "float32", lambda _: None)
    make_loadable()
    try:
        seen = load_embedder(str(tmp_path / "model"))
        looked_up = seen.encode_passages(texts)
        tokens = dict(seen.encode_passage_tokens(texts))[1].tokens
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "one.txt").write_text("".join(texts), encoding="utf-8")
        index_dir = tmp_path / "index"
        build_index(tmp_path / "docs", index_dir=index_dir, model=str(tmp_path / "model"))
    finally:
        sys.modules.pop(_MODULE)
    own = load_embedder()
    first, second = (looked_up * own.encode_passages(texts)).sum(axis=1)
    assert first > 0.999, "what differs is the precision"
    assert second > 0.99, "the prompt and the last mark are those of the first"
    own_tokens = dict(own.encode_passage_tokens(texts))[1].tokens
    assert (tokens.spans == own_tokens.spans).all()
    assert (tokens.vectors * own_tokens.vectors).sum(axis=1)[1:-1].min() > 0.98
    with open_index(index_dir) as opened:
        assert len(opened) >= 1
        assert opened.info.dimension == 384


def test_a_worker_is_a_process_of_its_own() -> None:
    with pytest.raises(EvaluationError, match="Measuring nothing failed: KeyError"):
        run_worker("nothing", {})
    if Path("/proc/self/status").exists():
        assert memory()["anonymous"] > 0
        assert peak_bytes() >= memory()["anonymous"]


def test_a_neighbour_reads_the_passages_and_one_that_fails_keeps_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is this one; the adapter is driven by the real protocol."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "from benchmarks.adapters.protocol import serve\n"
        "def build(task):\n"
        "    assert task.precision == 'float32'\n"
        "    found = [k for k, text in task.contexts.items() if '第11次' in text]\n"
        "    return lambda question, top_k: found[:top_k]\n"
        "serve({'finds': build, 'fails': lambda task: 1 / 0})\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(PACKAGES, "tiny", ())
    monkeypatch.setattr(indexing, "ensure_environment", lambda *_: Path(sys.executable))
    monkeypatch.setattr(indexing, "run_worker", in_this_process)
    monkeypatch.setattr(indexing, "native_precision", lambda: "float32")  # one floor, not two
    peers = [Peer(name, "tiny", adapter, name) for name in ("finds", "fails")]
    figures = indexing.measure_index(
        TEXTS[:1], rounds=2, peers=peers, venvs=tmp_path, told=lambda _: None
    )
    found, failed = (figures["systems"][f"{p.name}, float32"] for p in peers)
    assert len(found["seconds"]) == 2
    assert found["peak_bytes"] > 1e6
    assert failed == {"failure": "It failed: ZeroDivisionError: division by zero"}


def test_the_empty_page_hands_back_what_it_is_given() -> None:
    with echoing() as url, httpx.Client(base_url=url, timeout=60) as client:
        config = client.get("/config").raise_for_status().json()
        assert "水庫在哪裡？" in by_page(client, _echo_event(config), "visit", "水庫在哪裡？")


def test_the_command_names_files_and_not_folders() -> None:
    options = {"texts": Path("/a/b/t.jsonl"), "questions": [Path("/q 1.json")], "limit": 3}
    shown = command_line("query", options | {"peers": True, "no-page": False})
    assert shown == (
        "python -m benchmarks query --texts t.jsonl --questions 'q 1.json' --limit 3 --peers"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index"], "--texts"),
        (["index", "--texts", "x", "--rounds", "0"], "Give 1 or more"),
        (["scale"], "give --set with --among, or --texts"),
        (["scale", "--set", "a"], "--set needs --among"),
        (["scale", "--texts", "a", "--passages", "1,x"], "x is no number"),
    ],
)
def test_bad_use_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        benchmarks.__main__.main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[1]\n", "no JSON\n"])
def test_what_holds_no_texts_is_refused(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(content, encoding="utf-8")
    assert benchmarks.__main__.main(["index", "--texts", str(path)]) == 1
    assert "texts.jsonl" in capsys.readouterr().err
