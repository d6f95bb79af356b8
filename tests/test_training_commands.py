"""``python -m training``: what its commands write, and what they say of what is wrong."""

import json
from pathlib import Path

import pytest

from training.__main__ import main
from training.examples import read_examples

TWICE = (
    "台风过境后全市停电用户约3200户。市长到现场看望了居民。"
    "供电公司说,停电的3200户大多在城东,全市抢修已经开始。公园明天照常开放。"
)
OTHER = "图书馆新馆去年接待读者45万人次,比前年多了一成。馆长说新馆每天开放12个小时。"


def texts(folder: Path) -> Path:
    path = folder / "texts.jsonl"
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in (TWICE, OTHER)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("retold", [False, True])
def test_questions_are_made_and_find_their_own_passage(tmp_path: Path, retold: bool) -> None:
    out = tmp_path / "made.json"
    asked = ["make", "--texts", str(texts(tmp_path)), "--out", str(out)]
    assert main([*asked, *["--retold"] * retold]) == 0
    found = read_examples(out)
    assert found
    assert {one.source for one in found} == {"made"}
    for one in found:
        assert (one.context in (TWICE, OTHER)) is not retold
        assert all(one.context[start:end] in TWICE + OTHER for start, end in one.answers)


@pytest.mark.parametrize("command", ["measure", "export"])
def test_a_folder_without_training_is_named(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [command, "--state", str(tmp_path), "--set", str(tmp_path / "set.json")]
    assert main(asked + ["--out", str(tmp_path / "out")] * (command == "export")) == 1
    assert f"training: There is no training in {tmp_path}." in capsys.readouterr().err


def test_trainings_of_two_sizes_have_no_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, frozen in zip(folders, (2, 3), strict=True):
        folder.mkdir()
        (folder / "size.json").write_text(json.dumps({"frozen": frozen}), encoding="utf-8")
    states = [part for folder in folders for part in ("--state", str(folder))]
    assert main(["measure", *states, "--set", str(tmp_path / "set.json")]) == 1
    assert f"{folders[1]} holds a training with another --frozen" in capsys.readouterr().err
