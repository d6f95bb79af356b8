"""What is kept of questions: how confident the answers were, and nothing else."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from index import Index, ReportError
from qa import Answer, ask
from qa.confidence import THRESHOLDS
from qa.server.scores import STEPS, ConfidenceStore

QUESTION = "烏海市全程網辦事項量提升了多少？"


@pytest.fixture(scope="module")
def answer(report_index: Index) -> Answer:
    return ask(QUESTION, index=report_index)


def test_answers_are_counted_by_confidence_and_outcome(tmp_path: Path, answer: Answer) -> None:
    store = ConfidenceStore(tmp_path / "data" / "confidences.sqlite")
    assert (store.counts().total, store.counts().since) == (0, None)
    assert not (tmp_path / "data").exists()
    given = [0.0, 0.019, 0.02, 0.06, 0.58, 0.999, 1.0]
    for confidence in given:
        store.add(replace(answer, confidence=confidence, status="answered"))
    store.add(replace(answer, confidence=0.05, status="not_found"))
    store.add(replace(answer, is_small_talk=True))
    counts = ConfidenceStore(tmp_path / "data" / "confidences.sqlite").counts()
    expected = [0] * STEPS
    for step in (0, 0, 1, 3, 29, 49, 49):
        expected[step] += 1
    assert list(counts.answered) == expected
    assert [step for step, count in enumerate(counts.refused) if count] == [2]
    assert counts.total == len(given) + 1
    assert counts.since is not None


def test_the_thresholds_lie_between_two_steps() -> None:
    for threshold in THRESHOLDS.values():
        assert threshold * STEPS == pytest.approx(round(threshold * STEPS))


def test_no_word_of_a_question_is_kept(tmp_path: Path, answer: Answer) -> None:
    store = ConfidenceStore(tmp_path / "confidences.sqlite")
    store.add(answer)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for text in (QUESTION, answer.citations[0].quote, answer.citations[0].document.title):
        assert text[:4].encode() not in kept


def test_many_at_once_are_all_counted(tmp_path: Path, answer: Answer) -> None:
    stores = [ConfidenceStore(tmp_path / "confidences.sqlite") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=store: [s.add(answer) for _ in range(10)])
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].counts().total == 40


def test_what_cannot_be_written_costs_no_answer(
    tmp_path: Path, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    ConfidenceStore(tmp_path / "file" / "confidences.sqlite").add(answer)
    assert "could not be written" in caplog.text


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "confidences.sqlite"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=r"confidences\.sqlite cannot be read .* Remove it"):
        ConfidenceStore(path).counts()
