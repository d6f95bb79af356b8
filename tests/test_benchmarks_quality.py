"""Tiny sets measured whole: the figures by hand, the report with all its parts."""

import json
import re
from pathlib import Path

import pytest
from squad_files import PARAGRAPHS, squad
from test_qa_evaluation_figures import outcome

import benchmarks.__main__
from benchmarks.ablation import PASSAGES, QUOTES
from benchmarks.quality import auroc_interval, rates_at
from benchmarks.quality_report import REPORT
from benchmarks.samples import SetFiles, opened_set
from index import QuestionSetError
from qa.confidence import THRESHOLDS
from qa.evaluation.noise import KINDS

SECTIONS = [
    *("The shipped defaults", "Strictness", "Reliability", "What each part adds", "Noise"),
    *("What it costs", "Set-up"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on two sets, by the command."""
    folder = tmp_path_factory.mktemp("quality")
    town = str(squad(folder, "town.json", *PARAGRAPHS))
    english = ("Station.", [("3", "Who designed the station?", ["Li"])])
    en = str(squad(folder, "town_en.json", english))
    status = benchmarks.__main__.main(
        [
            *("quality", "--set", town, "--set", en, town, "--no-cache", "--noise-set", "town"),
            *("--out", str(folder / "report.md"), "--json", str(folder / "figures.json")),
        ]
    )
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def report(written: Path) -> str:
    return (written / "report.md").read_text(encoding="utf-8")


def table(report: str, after: str) -> dict[str, list[str]]:
    """The first table behind some words: its rows by their first cell."""
    lines = report[report.index(after) :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return {row[0]: row[1:] for row in rows}


def test_the_report_has_every_part(written: Path, report: str) -> None:
    command = (
        "python -m benchmarks quality --set town.json --set town_en.json town.json --noise-set town"
    )
    assert report.splitlines()[0] == f"<!-- Written by: {command} -->"
    assert f"```bash\n{command}\n```" in report
    assert re.findall("^## (.*)$", report, re.MULTILINE) == SECTIONS
    assert "6 questions of 2 sets" in report
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", report)
    assert len(pictures) == 3
    assert all((written / picture).read_text("utf-8").startswith("<?xml") for picture in pictures)


def test_the_report_names_no_place_of_this_machine(written: Path, report: str) -> None:
    figures = (written / "figures.json").read_text(encoding="utf-8")
    for text in (report, figures):
        assert str(written) not in text
        assert str(Path.home()) not in text
        assert not re.search(r"/(tmp|home|root|Users|var)/", text)


def test_the_tables_hold_the_figures(written: Path, report: str) -> None:
    town, english = json.loads((written / "figures.json").read_text(encoding="utf-8"))["sets"]
    figures = town["evaluation"]["figures"]
    finding = table(report, "## The shipped defaults")
    assert finding["town"][:2] == ["5", "4"]
    assert finding["town_en → town"][:2] == ["1", "1"]
    recall = figures["recall_1"]
    shown = f"{recall['mean']:.3f} ({recall['low']:.3f}–{recall['high']:.3f})"
    assert finding["town"][2] == shown
    telling = table(report, "Each question is asked a second time")
    assert telling["town"][0].startswith(f"{figures['abstention']['auroc']:.3f} (")
    assert telling["town_en → town"][:5] == ["–"] * 5, "nothing else is indexed"
    assert english["auroc"] is None
    passages = table(report, "## What each part adds")
    assert [row for row in passages if row in PASSAGES] == list(PASSAGES)
    assert passages["order by the best quote (shipped)"][0].startswith(f"{recall['mean']:.3f} (")
    quotes = table(report, "The share of questions whose first quote holds")
    assert [row for row in quotes if row in QUOTES] == list(QUOTES)
    best = figures["best_right"]["mean"]
    shipped = quotes["best five passages: pair by learned weights (shipped)"][0]
    assert shipped.startswith(f"{best:.3f} (")
    assert len(table(report, "## Noise")) == 2 + len(KINDS)
    cost = table(report, "## What it costs")
    assert {"`tokens`", "`sentences`", "`vectors.faiss`", "`lexical`"} <= cost.keys()
    sizes = town["bytes_a_passage"]
    assert cost["together"] == [f"{sum(sizes.values()):,.0f}"]


def test_rates_by_hand() -> None:
    outcomes = [
        outcome(1, 0.9, 0.6, right="b"),
        outcome(1, 0.5, 0.1),
        outcome(1, 0.3, 0.3, right="b"),
        outcome(None, 0.1, None),
    ]
    half = rates_at(0.5, outcomes)
    assert (half.false_refusals, half.false_answers, half.right) == (0.5, 1 / 3, 0.5)
    low = rates_at(0.2, outcomes)
    assert (low.false_refusals, low.false_answers, low.right) == (0.25, 2 / 3, 2 / 3)
    none = rates_at(0.95, outcomes)
    assert (none.false_refusals, none.false_answers, none.right) == (1.0, 0.0, None)
    assert rates_at(0.5, outcomes[3:]).false_answers is None


def test_the_strictness_table_has_a_row_for_each(report: str) -> None:
    lines = report[report.index("## Strictness") : report.index("## Reliability")]
    for name, lowest in THRESHOLDS.items():
        assert lines.count(f"| {name} ({lowest:g}) |") == 2


def test_auroc_of_outcomes() -> None:
    """Of nine pairs of a confidence with and one without, 0.9 and 0.5 win all, 0.3 two and half."""
    outcomes = [outcome(1, *both) for both in [(0.9, 0.3), (0.5, 0.1), (0.3, 0.2), (0.1, None)]]
    found = auroc_interval(outcomes)
    assert found is not None
    assert found.mean == pytest.approx(8.5 / 9)
    assert found.low <= found.mean <= found.high <= 1
    assert auroc_interval(outcomes[3:]) is None


def test_noised_documents_keep_their_questions(written: Path) -> None:
    files = SetFiles(written / "town.json")
    with opened_set(
        files, limit=2, embedding_cache=None, change=lambda text, number: f"{number}：{text}"
    ) as (opened, golds):
        assert len(golds) == 2
        for gold in golds:
            (id_,) = gold.documents
            context = gold.question.context
            assert context is not None
            assert opened.document(id_).text.endswith(context)


def test_a_set_without_contexts_is_refused(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("question,expected\n誰？,王小明\n", encoding="utf-8")
    with (
        pytest.raises(QuestionSetError, match="has questions but no contexts"),
        opened_set(SetFiles(rows), limit=None, embedding_cache=None),
    ):
        pass


def test_the_report_goes_to_docs_unless_told() -> None:
    assert REPORT.parts[-2:] == ("docs", "quality.md")
    assert REPORT.parent.is_dir()
