"""Tiny indexes that grow: what is in each, the same questions, the report with all its parts."""

import json
import lzma
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from squad_files import LIBRARY, PARAGRAPHS, PARK, SCHOOL, STATION, squad

import benchmarks.__main__
from benchmarks.distractors import LONGEST, beginning, read_distractors
from benchmarks.samples import SetFiles
from benchmarks.scale import KnownQuestions, Scale, fill, measure_scale
from benchmarks.scale_report import REPORT, to_markdown
from benchmarks.unread import unread
from index import EvaluationError, QuestionSetError
from index.models import load_embedder
from qa.confidence import Evidence
from qa.evaluation import evaluate

OTHERS = [
    *("今日股市小幅上漲。", "球隊以三比一獲勝。", "明天有雨，請帶傘。", "新車下月上市。"),
    *("展覽將於週末開幕。", "市場裡的蘋果便宜了。", "電影票房創新高。", "航班因霧延誤。"),
]
ENGLISH = [
    ("1", "Who directs the library?", ["Wang"]),
    ("3", "Who designed the station?", ["Li"]),
    ("5", "How large is the park?", ["20"]),
    ("6", "Who is the head of the school?", ["Chen"]),
]


def measured(folder: Path, sizes: Sequence[int], others: Sequence[str] = OTHERS) -> Scale:
    """Two sets that share their contexts, in growing indexes."""
    town = squad(folder, "town.json", *PARAGRAPHS)
    english = squad(folder, "town_en.json", ("Town.", ENGLISH))
    return measure_scale(
        [SetFiles(town), SetFiles(english, town)],
        among="others.jsonl",
        texts=others,
        sizes=sizes,
        limit=None,
        embedding_cache=None,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="module")
def scale(folder: Path) -> Scale:
    return measured(folder, [12, 2, 4])


def test_every_question_is_asked_at_every_size(scale: Scale) -> None:
    town, _ = scale.sets
    assert [one.size for one in town.sizes] == [2, 4, 12]
    assert [one.figures.questions for one in town.sizes] == [5, 5, 5]
    assert [one.indexes for one in town.sizes] == [2, 1, 1]
    assert [one.passages for one in town.sizes] == [2, 4, 12]
    assert town.contexts == 4


def test_figures_are_those_of_an_evaluation(scale: Scale, folder: Path) -> None:
    """An index of the contexts alone is what ``qa eval`` asks, here without the reader."""
    with unread():
        figures = evaluate(folder / "town.json").figures
    (alone,) = (one for one in scale.sets[0].sizes if one.size == 4)
    for name in ("recall_1", "first_right", "refused", "calibration_error"):
        assert getattr(alone.figures, name) == getattr(figures, name), name
    assert alone.figures.abstention == figures.abstention
    assert alone.compared.mean == 1.0, "fewer passages than are compared"
    assert alone.auroc is not None
    assert alone.figures.abstention is not None
    assert alone.auroc.mean == alone.figures.abstention.auroc


def test_evidence_is_told_apart(scale: Scale) -> None:
    for size in scale.sets[0].sizes:
        assert set(size.evidence) == set(Evidence.__dataclass_fields__)
        contrast = size.evidence["sentence_contrast"]
        assert contrast.present is not None
        assert contrast.hidden is not None
        assert contrast.present > contrast.hidden
    assert scale.sets[1].sizes[0].evidence["is_translated"].present == 1.0


@given(
    contexts=st.lists(st.text(min_size=1), min_size=1, max_size=30, unique=True),
    others=st.lists(st.text(min_size=1), max_size=30, unique=True),
    size=st.integers(2, 40),
)
def test_indexes_hold_all_contexts_once(contexts: list[str], others: list[str], size: int) -> None:
    filled = list(fill(contexts, others, size))
    own = [text for documents in filled for text in documents if text in set(contexts)]
    assert own == contexts
    beside = [text for text in others if text not in set(contexts)]
    for documents in filled:
        rest = [text for text in documents if text not in set(contexts)]
        assert rest == beside[: len(rest)], "what the smaller index holds, the larger one holds"
        assert len(documents) == min(size, len(documents) - len(rest) + len(beside))
    assert len(filled) == -(-len(contexts) // size)


def test_too_few_other_texts(folder: Path) -> None:
    with pytest.raises(
        EvaluationError, match=r"4 contexts and others.jsonl 8 other texts, too few"
    ):
        measured(folder, [2, 13])
    with pytest.raises(EvaluationError, match=r"8 other texts"):
        measured(folder, [13], [*OTHERS, LIBRARY])


def test_a_set_without_contexts_is_refused(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("question,expected\n誰？,王小明\n", encoding="utf-8")
    with pytest.raises(QuestionSetError, match="has questions but no contexts"):
        measure_scale(
            [SetFiles(rows)], among="", texts=OTHERS, sizes=[2], limit=None, embedding_cache=None
        )


def test_a_known_question_is_encoded_as_ever() -> None:
    embedder = load_embedder()
    known = KnownQuestions(embedder)
    ours, again = (known.encode_query_tokens("誰？") for _ in range(2))
    theirs = embedder.encode_query_tokens("誰？")
    assert ours is again
    assert (ours.vector == theirs.vector).all()
    assert (ours.tokens.vectors == theirs.tokens.vectors).all()


# ---- other texts ---------------------------------------------------------------------------------


def test_a_text_is_cut_at_a_sentence_end() -> None:
    sentence = "水庫" * 30 + "。"  # 61 characters
    assert beginning(sentence * 5) == sentence * 3
    assert beginning("字" * 300 + "。") == "字" * LONGEST
    assert beginning("一行\n 又一行。\n") == "一行 又一行。"


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.xz", "folder"])
def test_texts_are_read_once_each(tmp_path: Path, name: str) -> None:
    texts = [PARK, " ", STATION, PARK, SCHOOL]
    path = tmp_path / name
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    if name == "folder":
        path.mkdir()
        for number, text in enumerate(texts):
            (path / f"{number}.txt").write_text(text, encoding="utf-8")
    else:
        path.write_bytes(lzma.compress(lines) if path.suffix == ".xz" else lines)
    assert read_distractors(path) == [PARK, STATION, SCHOOL]


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[1]\n", b"3\n", b"no JSON\n", b'{"text": "\xff"}\n', b"\n"]
)
@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.xz"])
def test_what_holds_no_texts_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"texts\.jsonl"):
        read_distractors(path)
    with pytest.raises(EvaluationError, match="cannot be read as texts"):
        read_distractors(tmp_path / "missing.jsonl")


# ---- the report and the command ------------------------------------------------------------------


def test_the_command_writes_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town = squad(folder, "town.json", *PARAGRAPHS)
    texts = folder / "others.jsonl"
    texts.write_text("".join(json.dumps({"text": t}) + "\n" for t in OTHERS), encoding="utf-8")
    out = folder / "report.md"
    command = ["scale", "--set", str(town), "--among", str(texts), "--sizes", "6,2", "--limit", "3"]
    kept = folder / "kept.sqlite"
    status = benchmarks.__main__.main([*command, "--embeddings", str(kept), "--out", str(out)])
    assert status == 0, capsys.readouterr().err
    assert kept.is_file()
    report = out.read_text(encoding="utf-8")
    shown = "python -m benchmarks scale --set town.json --limit 3 --among others.jsonl --sizes 2,6"
    assert report.splitlines()[0] == f"<!-- Written by: {shown} -->"
    assert f"```bash\n{shown}\n```" in report
    assert "3 questions, 4 contexts." in report
    assert not re.search(r"/(tmp|home|root|Users|var)/", report)


def test_the_report_holds_the_figures(scale: Scale) -> None:
    report = to_markdown(scale)
    assert "**not** checked for containing answers" in report
    town, _ = scale.sets
    for one in town.sizes:
        (row,) = re.findall(rf"^\| {one.size} \| .*$", report.split("### town_en")[0], re.MULTILINE)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1:3] == [f"{one.passages:.0f}", str(one.indexes)]
        assert cells[3].startswith(f"{one.figures.recall_1.mean:.3f} (")
        assert one.confidence.hidden is not None
        assert cells[-1] == f"{one.confidence.hidden:.3f}"
    change = town.sizes[-1].figures.recall_1.mean - town.sizes[0].figures.recall_1.mean
    assert f"{change:+.3f}" in report
    weight = scale.weights["weakest"]
    first, last = (town.sizes[at].evidence["weakest"].present for at in (0, -1))
    assert first is not None
    assert last is not None
    (own,) = re.findall(r"^\| `weakest` .*$", report, re.MULTILINE)[:1]
    assert own.split("|")[-3].strip() == f"{weight * (last - first):+.2f}"


@pytest.mark.parametrize("sizes", ["1,2", "a", "2,", "-3"])
def test_sizes_must_be_numbers(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmarks.__main__.main(["scale", "--set", "a", "--among", "b", f"--sizes={sizes}"])
    assert "is no list of sizes" in capsys.readouterr().err


def test_the_report_goes_to_docs_unless_told() -> None:
    assert REPORT.parts[-2:] == ("docs", "scale.md")
