"""The shared index brings itself up to date, and the page with it."""

import re
from pathlib import Path

import pytest

from index import IndexFallbackWarning, IndexNotFoundError, build_index, list_generations, rollback
from page.chat import answered
from page.markdown import from_markdown
from qa import ask
from qa.__main__ import main
from qa.indexes import shared_index
from qa.server.answering import Answering
from qa.server.settings import ServerSettings


def test_a_rebuild_is_taken_without_being_asked(two_generations: Path) -> None:
    before = shared_index(two_generations)
    assert shared_index(two_generations) is before
    rollback(two_generations)
    after = shared_index(two_generations)
    assert (len(before), len(after)) == (2, 1)
    assert shared_index(after) is after
    assert shared_index(str(two_generations)) is after
    held = [one.is_held for one in list_generations(two_generations)]
    assert held == [True, True]
    del before
    assert [one.is_held for one in list_generations(two_generations)] == [False, True]


def test_an_index_given_is_asked_as_it_is(two_generations: Path) -> None:
    shared = shared_index(two_generations)
    rollback(two_generations)
    assert len(shared_index(shared)) == 2


def test_an_index_that_is_gone_is_not_answered_from(two_generations: Path, tmp_path: Path) -> None:
    shared_index(two_generations)
    two_generations.rename(tmp_path / "elsewhere")
    with pytest.raises(IndexNotFoundError):
        ask("水利", index=two_generations)
    (tmp_path / "elsewhere").rename(two_generations)
    texts = [hit.passage.text for hit in ask("水利", index=two_generations).hits]
    assert sorted(texts) == ["乙文件講水利。", "乙文件講網絡。"]


def test_the_page_answers_from_the_new_generation(two_generations: Path) -> None:
    answering = Answering(ServerSettings(index=str(two_generations)))
    quoted = answered("水利", [], "lenient", answering).sources
    assert quoted is not None
    assert "乙文件講" in quoted
    rollback(two_generations)
    reply = answered("網絡", [], "lenient", answering)
    assert "⚠" not in "".join(reply.parts)
    assert reply.sources is not None
    words = re.sub(r"<[^>]*>", "", reply.sources)
    assert "甲文件講網絡" in words
    assert "乙" not in words


@pytest.mark.parametrize(
    ("question", "told"), [("水利網絡", "已"), ("What is 網絡?", "The newest index is damaged")]
)
def test_the_page_says_when_an_older_index_answers(
    two_generations: Path, question: str, told: str
) -> None:
    newest, older = list_generations(two_generations)
    (two_generations / "generations" / newest.name / "segments/0/passages.sqlite").unlink()
    assert older.created is not None
    built = f"{older.created.astimezone():%Y-%m-%d %H:%M}"
    answering = Answering(ServerSettings(index=str(two_generations)))
    with pytest.warns(IndexFallbackWarning):
        parts = answered(question, [], "balanced", answering).parts
    assert parts[-1].startswith("⚠ ")
    assert told in parts[-1]
    assert built in from_markdown(parts[-1])
    again = answered(question, [], "balanced", answering).parts
    assert again[-1] == parts[-1], "as long as it is so"


def test_the_command_line_says_it_too(
    two_generations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, older = list_generations(two_generations)
    (two_generations / "generations" / newest.name / "segments/0/passages.sqlite").unlink()
    assert main(["網絡", "--index", str(two_generations)]) in (0, 3)
    out, err = capsys.readouterr()
    assert "甲文件講網絡。" in out
    assert err.startswith("qa: ")
    assert "passages.sqlite is missing. Build it again: python -m index build PATH. " in err
    assert f"Until then the generation {older.name}" in err
    assert "Traceback" not in err
    assert "reader.py" not in err


def test_a_damaged_index_with_nothing_else_is_an_error(
    two_generations: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in list_generations(two_generations):
        (two_generations / "generations" / one.name / "segments/0/passages.sqlite").unlink()
    assert main(["網絡", "--index", str(two_generations)]) == 1
    assert "passages.sqlite is missing" in capsys.readouterr().err
    (tmp_path / "new.txt").write_text("丙文件。", encoding="utf-8")
    build_index(tmp_path / "new.txt", index_dir=two_generations, model=str(tiny))
    assert ask("丙", index=two_generations).hits[0].passage.text == "丙文件。"
