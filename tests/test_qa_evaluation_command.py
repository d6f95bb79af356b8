"""``python -m qa eval`` as a user runs it."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from squad_files import PARAGRAPHS, squad

import index.commands
from index import Index
from qa.__main__ import main
from qa.evaluation import command


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept = tmp_path / "kept" / "embeddings.sqlite"
    monkeypatch.setattr(command, "default_embedding_cache", lambda: kept)
    return squad(tmp_path, "set.json", *PARAGRAPHS)


def test_table_json_and_plots(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, plots = tmp_path / "out.json", tmp_path / "new" / "plots"
    assert main(["eval", str(questions), "--json", str(out), "--plots", str(plots)]) == 0
    printed = capsys.readouterr()
    assert printed.err == "", "no progress unless a terminal looks on"
    assert "5 questions, 4 documents, 4 passages" in printed.out
    assert "empty questions left out: 1" in printed.out
    rows = dict(re.findall(r"│ (\S.*?\S) +│ +([\d.,]+) │", printed.out))
    written = json.loads(out.read_text(encoding="utf-8"))
    assert rows["quotes that are not verbatim"] == "0"
    assert float(rows["R@5"]) == written["figures"]["recall_5"]["mean"] == 1
    assert rows["AUROC of the confidence"] == f"{written['figures']['abstention']['auroc']:.3f}"
    assert list(written) == ["settings", "versions", "figures", "questions"]
    assert written["settings"]["seed"] == 1
    assert written["versions"]["numpy"]
    assert [row["id"] for row in written["questions"]] == ["1", "3", "4", "5", "6"]
    assert sorted(path.name for path in plots.iterdir()) == [
        *("recall.svg", "reliability.svg", "risk_coverage.svg")
    ]
    for path in plots.iterdir():
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kept",
        "new",
        "out.json",
        "set.json",
    ]


def test_nothing_is_kept_when_told_so(questions: Path, tmp_path: Path) -> None:
    assert main(["eval", str(questions), "--limit", "1", "--no-cache"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["set.json"]


def test_every_stage_of_a_build_has_a_name() -> None:
    # An evaluation builds in a folder: nothing goes to a server.
    of_folders = set(index.commands.STAGES) - {"upload", "download"}
    assert of_folders <= set(command._STAGES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "nowhere.json does not exist"),
        (["set.json", "--limit", "0"], "The limit is 0"),
        (["set.json", "--json", "no/folder/out.json"], "There is no folder for"),
        (["set.json", "--index", "no-index"], "There is no index in"),
        (["set.json", "--plots", "set.json"], "set.json is a file"),
        (["set.json", "--index", "i", "--token-vectors", "pq"], "has its token vectors already"),
    ],
)
def test_bad_use_prints_a_message(
    questions: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(questions.parent)
    assert main(["eval", *arguments]) == 1
    assert message in (printed := capsys.readouterr()).err
    assert printed.err.startswith("qa eval: ")


def test_the_questions_of_the_readme(
    report_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```csv\n(.*?)```", readme, re.DOTALL)
    path = tmp_path / "questions.csv"
    path.write_text(example, encoding="utf-8")
    assert main(["eval", str(path), "--index", str(report_dir)]) == 0
    printed = capsys.readouterr().out
    assert "2 questions, 1 documents, 15 passages" in printed
    assert re.search(r"answer in the first quote +│ 1.000", printed)
    assert re.search(r"asked also without the answer's documents +│ +0", printed)


def test_without_a_file_it_is_bad_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["eval"])
    assert exit_.value.code == 2
    assert "python -m qa eval" in capsys.readouterr().err


def test_the_question_eval_can_still_be_asked(
    report_index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(report_index.index_dir)
    main(["--index", folder, "--json", "--", "eval"])
    assert json.loads(capsys.readouterr().out)["question"] == "eval"
    main(["evaluation", "--index", folder, "--json"])
    assert json.loads(capsys.readouterr().out)["question"] == "evaluation"
