"""The pictures show the figures."""

import re
from pathlib import Path

from test_qa_evaluation_figures import outcome

from qa.evaluation import Evaluation, Settings
from qa.evaluation.figures import compute_figures
from qa.evaluation.plots import write_plots

SETTINGS = Settings("q.json", None, None, None, 1, 0.5, 20, "model", "1", 3, 3, "int8", 0, 0)
OUTCOMES = tuple(
    [outcome(1, 0.9, 0.1, right="fab")] * 3 + [outcome(None, 0.2, 0.2), outcome(3, 0.55, None)]
)
EVALUATION = Evaluation(SETTINGS, compute_figures(OUTCOMES, seed=1), OUTCOMES)


def texts(path: Path) -> list[str]:
    """The words of a picture; matplotlib notes each beside the outlines it draws."""
    return re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))


def test_the_figures_stand_in_the_pictures(tmp_path: Path) -> None:
    recall, risk, reliability = (texts(path) for path in write_plots(EVALUATION, tmp_path / "new"))
    # 3 of 5 at rank 1, another at rank 3
    assert "0.600" in recall
    assert recall.count("0.800") >= 2
    assert any("(5 questions)" in text for text in recall)
    assert "shipped threshold 0.5: 80.0% answered" in risk
    assert {"1", "3"} <= set(reliability), "how many questions each bin has"
    # (3 · |.9-1| + |.2-0| + |.55-0|), and hidden (3 · |.1-0| + |.2-0|), over 9
    assert any("mean error 0.172" in text for text in reliability)


def test_the_same_figures_give_the_same_files(tmp_path: Path) -> None:
    first, again = (write_plots(EVALUATION, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
