"""The formulas, by hand and against tantivy."""

from pathlib import Path

import pytest

from index import bm25
from index.lexical import LexicalIndex, write_lexical


def test_idf_by_hand() -> None:
    # ln(1 + (3 - 2 + .5) / (2 + .5)) = ln 1.6; of a term in none of 3: ln(1 + 3.5 / .5) = ln 8
    assert bm25.idf(2, 3) == pytest.approx(0.47000362924573563)
    assert bm25.idf(0, 3) == pytest.approx(2.0794415416798357)


def test_share_of_idf_by_hand() -> None:
    # length 3, mean 4: 1.2 · (.25 + .75 · 3/4) = .975; tf 2: 4.4 / 2.975
    assert bm25.share_of_idf(2, 3, 4.0) == pytest.approx(4.4 / 2.975)


@pytest.mark.parametrize(
    ("length", "stored"), [(0, 0), (1, 1), (40, 40), (41, 40), (42, 42), (59, 56), (87, 84)]
)
def test_lengths_are_rounded_down(length: int, stored: int) -> None:
    assert bm25.stored_length(length) == stored


def test_scores_are_those_of_tantivy_at_every_length(tmp_path: Path) -> None:
    lengths = [*range(1, 300), 1000, 4097, 70_000]
    others = [["乙"]] * len(lengths)  # or the idf of 甲 would have few digits in float32
    write_lexical(tmp_path, [*(["甲", *["乙"] * (n - 1)] for n in lengths), *others])
    index = LexicalIndex(tmp_path)
    mean = (sum(lengths) + len(others)) / (2 * len(lengths))
    for hit in index.search(["甲"], len(lengths)):
        expected = index.idf("甲") * bm25.share_of_idf(1, lengths[hit.passage_id], mean)
        assert hit.score == pytest.approx(expected, rel=1e-5)
