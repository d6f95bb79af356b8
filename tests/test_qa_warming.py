"""What is loaded late is there before the first questions, and nobody is disturbed by it."""

import threading
from pathlib import Path

import pytest

from index import Index, dictionary, folding
from qa import warming
from qa.warming import warm_up, warming_up


def test_tables_and_usual_lengths_are_there_afterwards(report_index: Index) -> None:
    folding._tagged.cache_clear()
    folding._places.cache_clear()
    dictionary._load_dictionary.cache_clear()
    warm_up(str(report_index.index_dir), threading.Event())
    assert folding._places.cache_info().currsize == 1
    assert folding._tagged.cache_info().currsize == 2
    assert dictionary._load_dictionary.cache_info().currsize == 1
    asked = report_index.embedder._asked
    assert asked.get(folding.fold("引證水利設施")) is not None


def test_what_is_wrong_with_the_index_is_told_to_whoever_asks(tmp_path: Path) -> None:
    warm_up(str(tmp_path / "none"), threading.Event())
    with pytest.raises(ZeroDivisionError), warming_up(str(tmp_path / "none")):
        raise ZeroDivisionError


def test_nothing_more_is_asked_when_it_is_enough(
    report_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    enough = threading.Event()

    def ask_once(question: str, **_: object) -> None:
        asked.append(question)
        enough.set()

    monkeypatch.setattr(warming, "ask", ask_once)
    warm_up(str(report_index.index_dir), enough)
    assert len(asked) == 1
    with warming_up(str(report_index.index_dir)):
        pass
    assert not [one for one in threading.enumerate() if one.name == "warming"]
