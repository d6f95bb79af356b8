"""The rows of the ablation on three questions, by hand."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from squad_files import PARAGRAPHS, squad

from benchmarks.ablation import (
    PASSAGES,
    QUOTES,
    Pair,
    Trial,
    passage_steps,
    quote_steps,
    reciprocal_rank,
    try_sample,
)
from benchmarks.samples import SetFiles, ask_sample, opened_set
from qa.question_types import KINDS
from qa.quotes import SpanEvidence
from qa.retriever import PassageEvidence


def pair(
    cosines: tuple[float, float], missed: float, late: float, score: float, right: str
) -> Pair:
    """A pair by its best and its mean cosine; ``right`` says yes or no."""
    evidence = SpanEvidence(
        passage=0,
        sentence=cosines[0],
        sentences=cosines[1],
        missed=missed,
        lexical=0,
        translated=0,
        **dict.fromkeys(KINDS, 0.0),
    )
    return Pair(evidence, late, score, right == "yes")


# Passage 1 is right; 2 and 3 are not.
PLAIN = Trial(
    gold=frozenset({1}),
    dense=(1, 2, 3),
    words=(1, 3),
    words_and_pairs=(1, 2),
    candidates=(
        (1, PassageEvidence(0.9, 0.9, 0.0, 0.9, 0.9, 0.0)),
        (2, PassageEvidence(0.8, 0.2, 0.0, 0.8, 0.8, -0.1)),
    ),
    by_quote=1,
    sentences=((0.9, True), (0.2, False)),
    pairs=(pair((0.9, 0.5), 0.0, 0.9, 2.0, "yes"), pair((0.3, 0.2), -0.3, 0.4, 1.0, "no")),
    is_quote_right=True,
)
# The words stand in 3, the pairs and the dictionary in 1; only the sentence brings 1 above 2.
TURNS = Trial(
    gold=frozenset({1}),
    dense=(2, 1, 3),
    words=(3,),
    words_and_pairs=(1, 3, 2),
    candidates=(
        (2, PassageEvidence(0.90, 0.10, 0.0, 0.90, 0.80, 0.0)),
        (1, PassageEvidence(0.85, 0.10, 0.5, 0.95, 0.78, -0.1)),
    ),
    by_quote=1,
    sentences=((0.9, False), (0.8, True), (0.1, False)),
    pairs=(
        pair((0.9, 0.85), -0.2, 0.5, 3.0, "yes"),
        pair((0.8, 0.45), -0.1, 0.6, 4.0, "no"),
    ),
    is_quote_right=False,
)
NOTHING = Trial(
    gold=frozenset(), dense=(), words=(), words_and_pairs=(), candidates=(), by_quote=None,
    sentences=(), pairs=(), is_quote_right=False,
)  # fmt: skip
# TURNS, row by row: nearest is 2; words find 3; pairs find 1; by reciprocal rank
# 1: 1/62 + 1/61, 2: 1/61 + 1/63; .90 + .06 > .85 + .06; .96 < .95 + .06; .83 > .81;
# .83 < .86; .83 > .76; 2 stands first; the quote is of 1.
TURNED = [0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1]


def test_passages_by_hand() -> None:
    steps = passage_steps([PLAIN, TURNS, NOTHING])
    assert list(steps) == list(PASSAGES)
    shares = [step.share.mean for step in steps.values()]
    assert shares == pytest.approx([(1 + turned) / 3 for turned in TURNED])
    first, *others = steps.values()
    assert first.change is None
    for before, after, step in zip(TURNED, TURNED[1:], others, strict=False):
        assert step.change is not None
        assert step.change.mean == pytest.approx((after - before) / 3)
        assert step.change.low <= step.change.mean <= step.change.high


def test_quotes_by_hand() -> None:
    """TURNS: best sentence wrong; pair .9 + .85 right; late .6, .6 - .1, 4.0 too."""
    steps = quote_steps([PLAIN, TURNS, NOTHING])
    assert list(steps) == list(QUOTES)
    shares = [step.share.mean for step in steps.values()]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3])


def test_what_ships_is_the_last_row() -> None:
    found = replace(NOTHING, gold=frozenset({7}), by_quote=7, is_quote_right=True)
    assert [step.share.mean for step in passage_steps([found]).values()] == [0] * 10 + [1]
    assert [step.share.mean for step in quote_steps([found]).values()] == [0] * 5 + [1]


def test_reciprocal_rank_by_hand() -> None:
    """Rank k counts 1 / (1 + k): 3 gets 1/3 + 1/2, 1 gets 1/2, 2 and 4 get 1/3 and 1/4."""
    assert reciprocal_rank([[1, 3, 4], [3, 2]], constant=1) == [3, 1, 2, 4]
    assert reciprocal_rank([[9, 5], [5, 9]]) == [5, 9], "equal sums, the lower id first"
    assert reciprocal_rank([[], []]) == []


def test_reciprocal_rank_keeps_what_all_agree_on() -> None:
    for ranking in permutations([1, 2, 3]):
        assert reciprocal_rank([ranking, ranking]) == list(ranking)


def test_pairs_are_compared_token_by_token(tmp_path: Path) -> None:
    """Against every token of the pair, one by one; a passage of two sentences is one pair."""
    files = SetFiles(squad(tmp_path, "town.json", *PARAGRAPHS))
    with opened_set(files, limit=None, embedding_cache=None) as (opened, golds):
        for gold in golds:
            sample = ask_sample(opened, gold, {})
            best = sample.candidates[0].passage
            tokens = opened.token_vectors(best.id)
            shift = best.start - best.searchable_offset
            for span, pair in zip(
                [span for span in sample.spans if span.passage is best],
                try_sample(opened, sample).pairs,
                strict=True,
            ):
                inside = [span.start <= start + shift < span.end for start in tokens.spans[:, 0]]
                cosines = sample.query.tokens.vectors @ tokens.vectors[inside].T
                assert pair.late == pytest.approx(float(cosines.max(axis=1).mean()), abs=1e-5)
                assert pair.late > 0.5
