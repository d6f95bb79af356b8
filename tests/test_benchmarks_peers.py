"""The figures, by hand; the adapters' protocol, with real adapters run by real processes."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import benchmarks.__main__
from benchmarks.environments import PeerError
from benchmarks.peers import (
    PACKAGES,
    PEERS,
    AskedSet,
    Figures,
    Peer,
    Search,
    read_sets,
    recall,
    run_adapter,
    to_row,
)
from index import QuestionSetError

PYTHON = Path(sys.executable)
CONTEXTS = {
    "a": "呼倫貝爾草原位於大興安嶺以西，牧草茂盛。",
    "b": "烏海市的全程網辦事項量提升了百分之十五。",
    "c": "包頭的鋼鐵廠建於一九五四年。",
}
QUESTIONS = {"1": "烏海市網辦事項", "2": "包頭鋼鐵廠", "3": "草原牧草", "4": "zebra"}

BM25 = """
import math
from collections import Counter
import jieba
from benchmarks.adapters.protocol import serve

def build(task):
    words = {key: Counter(jieba.lcut_for_search(text)) for key, text in task.contexts.items()}
    mean = sum(sum(w.values()) for w in words.values()) / len(words)
    holding = Counter(word for counted in words.values() for word in counted)

    def score(key, word):
        tf, length = words[key][word], sum(words[key].values())
        idf = math.log(1 + (len(words) - holding[word] + 0.5) / (holding[word] + 0.5))
        return idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / mean))

    def search(question, top_k):
        asked = jieba.lcut_for_search(question)
        scores = {key: sum(score(key, word) for word in asked) for key in words}
        return sorted((k for k, s in scores.items() if s > 0), key=lambda k: -scores[k])[:top_k]

    return search

serve({"bm25": build})
"""

BROKEN = """
import json, sys, time
from pathlib import Path
method, task, result = sys.argv[1:]
asked = list(json.loads(Path(task).read_text())["questions"])
whole = {"build_seconds": 1.0, "median_ms": 1.0, "packages": {}}
rankings = {
    "left out": {key: ["a"] for key in asked[1:]},
    "twice": {key: ["a", "a"] for key in asked},
    "unknown": {key: ["z"] for key in asked},
    "too many": {key: [str(n) for n in range(21)] for key in asked},
}
if method == "raises":
    raise RuntimeError("no such store")
if method == "silent":
    sys.exit(3)
if method == "no json":
    Path(result).write_text("{")
if method == "other fields":
    Path(result).write_text("{}")
if method in rankings:
    Path(result).write_text(json.dumps({"ranked": rankings[method], **whole}))
"""

# A neighbour with nothing but the standard library: characters in common.
OVERLAP = """
import os
from pathlib import Path
from benchmarks.adapters.protocol import serve

def build(task):
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["HAYSTACK_TELEMETRY_ENABLED"] == "False"
    assert (task.query_prompt, task.passage_prompt) == ("query: ", "passage: ")
    assert (Path(task.model) / "model.safetensors").is_file()
    (Path.home() / "rubbish").write_text("a neighbour's cache")

    def search(question, top_k):
        common = {k: len(set(question) & set(text)) for k, text in task.contexts.items()}
        return sorted(common, key=lambda key: -common[key])[:top_k]

    return search

serve({"overlap": build})
"""


def adapter(folder: Path, source: str) -> Path:
    path = folder / "adapter.py"
    path.write_text(source, encoding="utf-8")
    return path


def test_recall_by_hand() -> None:
    ranked = {
        "first": ["x", "y"],
        "fifth": ["1", "2", "3", "4", "x", "5"],
        "sixth": ["1", "2", "3", "4", "5", "x"],
        "never": ["1", "2"],
        "nothing": [],
    }
    assert recall(ranked, dict.fromkeys(ranked, "x")) == Figures(1 / 5, 2 / 5)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_recall_counts_ranks(places: list[int]) -> None:
    """A question's context is put at a drawn place of nine; the figures count the places."""
    names = [f"other {n}" for n in range(8)]
    ranked = {str(q): [*names[:at], "right", *names[at:]] for q, at in enumerate(places)}
    figures = recall(ranked, dict.fromkeys(ranked, "right"))
    assert figures.recall_at_1 == pytest.approx(places.count(0) / len(places))
    assert figures.recall_at_5 == pytest.approx(sum(p < 5 for p in places) / len(places))


def test_a_row_keeps_sets_apart_though_their_questions_share_ids() -> None:
    zh = AskedSet("zh", {"1": "甲", "2": "乙"}, {"1": "a", "2": "b"})
    en = AskedSet("en", {"1": "A", "2": "B"}, {"1": "a", "2": "b"})
    ranked = {"0/1": ["a"], "0/2": ["b"], "1/1": ["b", "a"], "1/2": ["b"]}
    row = to_row("x", Search(ranked, 1.0, 2.0), [zh, en])
    assert row.figures == {"zh": Figures(1.0, 1.0), "en": Figures(0.5, 1.0)}


def test_an_adapter_ranks_by_bm25(tmp_path: Path) -> None:
    search = run_adapter(PYTHON, adapter(tmp_path, BM25), "bm25", CONTEXTS, QUESTIONS)
    assert search.ranked["4"] == []
    assert [search.ranked[key][0] for key in "123"] == ["b", "c", "a"]
    assert search.packages["jieba"] == "0.42.1"
    assert search.build_seconds > 0
    assert search.median_ms > 0


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("raises", "It failed: RuntimeError: no such store"),
        ("silent", "It failed: it said nothing"),
        ("nothing written", "adapter.py wrote no usable result"),
        ("no json", "adapter.py wrote no usable result"),
        ("other fields", "adapter.py wrote no usable result"),
        ("left out", "adapter.py answered 3 questions, 4 were asked"),
        ("twice", "no ranking of contexts for question 1"),
        ("unknown", "no ranking of contexts for question 1"),
        ("too many", "no ranking of contexts for question 1"),
    ],
)
def test_an_adapter_that_fails_gives_no_figures(tmp_path: Path, method: str, message: str) -> None:
    with pytest.raises(PeerError, match=message):
        run_adapter(PYTHON, adapter(tmp_path, BROKEN), method, CONTEXTS, QUESTIONS)


def test_the_table_of_neighbours_is_whole() -> None:
    assert {peer.environment for peer in PEERS} == set(PACKAGES)
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert f'"{peer.method}": ' in peer.adapter.read_text(encoding="utf-8")
    for requirements in PACKAGES.values():
        assert requirements[-1].startswith("torch>=")
        assert all("==" in pinned for pinned in requirements[:-1])


def asked(key: str, question: str) -> dict[str, object]:
    return {"id": key, "question": question, "answers": [{"text": "x"}]}


def write(path: Path, *paragraphs: tuple[str, dict[str, str]]) -> Path:
    parts = [
        {"context": text, "qas": [asked(key, q) for key, q in questions.items()]}
        for text, questions in paragraphs
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": parts}]}), encoding="utf-8")
    return path


def test_questions_keep_the_order_and_place_of_the_contexts(tmp_path: Path) -> None:
    zh = write(tmp_path / "zh.json", ("甲", {"1": "一", "2": "二"}), ("乙", {"3": "三", "4": ""}))
    en = write(tmp_path / "en.json", ("b", {"4": "four", "3": "three"}), ("a", {"1": "one"}))
    contexts, (own, other) = read_sets(zh, [zh, en])
    assert contexts == {"00000": "甲", "00001": "乙"}
    assert (own.name, other.name) == ("zh", "en")
    assert own.questions == {"1": "一", "2": "二", "3": "三"}
    assert own.expected == {"1": "00000", "2": "00000", "3": "00001"}
    assert other.questions == {"1": "one", "3": "three", "4": "four"}
    assert other.expected == {"1": "00000", "3": "00001", "4": "00001"}


def test_every_second_begins_with_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "set.json", ("甲", {str(n): f"問{n}" for n in range(5)}))
    _, (kept,) = read_sets(path, [path], every=2)
    assert list(kept.questions) == ["0", "2", "4"]


def test_sets_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", ("甲", {"1": "一"}))
    two = write(tmp_path / "two.json", ("乙", {"2": "二"}))
    with pytest.raises(QuestionSetError, match=r"1 of the 1 questions in .*two\.json"):
        read_sets(one, [two])
    with pytest.raises(QuestionSetError, match="Two question sets are called one"):
        read_sets(one, [one, one])
    rows = tmp_path / "rows.json"
    rows.write_text('[{"question": "誰？", "expected": "x"}]', encoding="utf-8")
    with pytest.raises(QuestionSetError, match=r"rows\.json holds no contexts"):
        read_sets(rows, [rows])


def write_set(path: Path, contexts: dict[str, str]) -> Path:
    parts = [
        {"context": text, "qas": [asked(key, question)]}
        for text, (key, question) in zip(contexts.values(), QUESTIONS.items(), strict=False)
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": parts}]}), encoding="utf-8")
    return path


def test_the_command_measures_ours_and_reports_who_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environments are this one: what is made in their stead is tested beside."""
    working, broken = tmp_path / "working", tmp_path / "broken"
    for folder, source in ((working, OVERLAP), (broken, BROKEN)):
        folder.mkdir()
        adapter(folder, source)
    peers = (
        Peer("neighbour", "tiny", working / "adapter.py", "overlap"),
        Peer("broken one", "tiny", broken / "adapter.py", "raises"),
    )
    monkeypatch.setattr(benchmarks.__main__, "PEERS", peers)
    monkeypatch.setitem(PACKAGES, "tiny", ())
    monkeypatch.setattr("benchmarks.peers.ensure_environment", lambda *_: PYTHON)
    monkeypatch.setenv("COLUMNS", "120")
    home = Path.home() / "rubbish"
    contexts = {key: CONTEXTS[key] for key in "bca"}  # in the order of the questions 1, 2, 3
    given_set = write_set(tmp_path / "small.json", contexts)
    status = benchmarks.__main__.main(
        ["quality", "--peers", "--contexts", str(given_set), "--json", str(tmp_path / "out.json")]
    )
    printed = capsys.readouterr()
    assert status == 0
    assert "3 questions of small, on 3 contexts" in printed.out
    assert "RuntimeError: no such store" in printed.out
    assert "measuring broken one" in printed.err
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows] == ["Yinzheng", "neighbour", "broken one"]
    for row in rows[:2]:
        assert row["figures"] == {"small": {"recall_at_1": 1.0, "recall_at_5": 1.0}}
    assert rows[2]["figures"] == {}
    assert rows[2]["failure"] == "It failed: RuntimeError: no such store"
    assert not home.exists(), "a neighbour's cache stays in its scratch folder"


def test_when_ours_fails_the_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_set = write_set(tmp_path / "small.json", {"a": CONTEXTS["a"], "b": " \n"})
    status = benchmarks.__main__.main(["quality", "--peers", "--contexts", str(given_set)])
    assert status == 1
    assert "benchmarks: 1 of 2 contexts could not be indexed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "usage:"),
        (["quality"], 2, "--set or --peers"),
        (["quality", "--set", "SET", "--peers"], 2, "--set or --peers"),
        (["quality", "--set", "SET", "--contexts", "SET"], 2, "--contexts goes with --peers"),
        (["quality", "--peers", "--contexts", "SET", "--limit", "5"], 2, "--limit goes with --set"),
        (["quality", "--set", "/no/such.json"], 1, "/no/such.json"),
        (["quality", "--set", "SET", "--set", "SET"], 1, "Two question sets are called small"),
        (["quality", "--set", "SET", "--noise-set", "other"], 1, "Name one of: small"),
        (["fit"], 2, "--set"),
        (["fit", "--set", "SET", "SET", "SET"], 1, "3 files are given for one set"),
        (["fit", "--set", "SET", "--limit", "0"], 2, "Give 1 or more"),
        (["fit", "--set", "SET", "--out", "/no/such/out"], 2, "be written"),
        (["quality", "--peers"], 2, "--contexts"),
        (["quality", "--peers", "--contexts", "/no/such.json"], 1, "/no/such.json"),
        (["quality", "--peers", "--contexts", "SET", "--every", "0"], 2, "Give 1 or more"),
        (["quality", "--peers", "--contexts", "SET", "--every", "x"], 2, "x is no number"),
        (["quality", "--peers", "--contexts", "SET", "--json", "/no/such/out"], 2, "be written"),
        (
            ["quality", "--peers", "--contexts", "SET", "--questions", "/no"],
            1,
            "/no",
        ),
    ],
)
def test_bad_use_prints_a_message(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    given_set = write_set(tmp_path / "small.json", CONTEXTS)
    arguments = [str(given_set) if text == "SET" else text for text in arguments]
    try:
        ended: int | str | None = benchmarks.__main__.main(arguments)
    except SystemExit as stopped:
        ended = stopped.code
    assert ended == status
    assert message in capsys.readouterr().err
