"""Samples weighed anew are what the search gives; a fit of a tiny set can be read and used."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from squad_files import PARAGRAPHS, squad

import benchmarks.__main__
from benchmarks.fit import (
    FIXED,
    INTERCEPT,
    add_phrases,
    fit_confidence,
    fit_weights,
    leave_one_out,
    measure,
    weigh_set,
)
from benchmarks.fitting import SHIPPED
from benchmarks.samples import Sample, SampleSet, SetFiles, ask_sample, gather, opened_set, weigh
from index import Index
from qa.confidence import THRESHOLDS, confidence_of
from qa.evaluation.gold import Gold
from qa.quotes import find_spans, read_for
from qa.retriever import find_candidates, to_query
from qa.weights import Weights, read_weights, weights_for


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, list[Gold]]]:
    folder = tmp_path_factory.mktemp("fit")
    files = SetFiles(squad(folder, "town.json", *PARAGRAPHS))
    with opened_set(files, limit=None, embedding_cache=None) as opened:
        yield opened


@pytest.fixture(scope="module")
def asked(town: tuple[Index, list[Gold]]) -> SampleSet:
    return gather(*town, "town", lambda _: None)


def test_a_sample_weighed_as_before_is_what_the_search_gives(
    town: tuple[Index, list[Gold]], asked: SampleSet
) -> None:
    opened, golds = town
    for gold, sample in zip(golds, asked.present, strict=True):
        query = to_query(opened, gold.question.text)
        candidates = find_candidates(opened, query, 30)
        spans = find_spans(
            opened, query, gold.question.text, candidates[: read_for(gold.question.text)]
        )
        again = weigh(sample, query.weights)
        assert [c.passage for c in again.candidates] == [c.passage for c in candidates]
        assert [c.score for c in again.candidates] == [c.score for c in candidates]
        assert [(s.passage.id, s.start, s.end) for s in again.spans] == [
            (s.passage.id, s.start, s.end) for s in spans
        ]
        assert [s.score for s in again.spans] == pytest.approx([s.score for s in spans], rel=1e-5)
        for span, answers in zip(again.spans, again.answers.tolist(), strict=True):
            text = opened.document(span.passage.document_id).text[span.start : span.end]
            assert answers == gold.is_in(text)


def test_slim_samples_give_the_same_confidence(
    town: tuple[Index, list[Gold]], asked: SampleSet
) -> None:
    opened, golds = town
    for gold, sample in zip(golds, asked.present, strict=True):
        whole = ask_sample(opened, gold, {})
        confidences = [
            confidence_of(gold.question.text, one.query, one.candidates, one.best_spans)
            for one in (whole, sample)
        ]
        assert confidences[0] == confidences[1] > 0
        kept, all_of_them = (sum(c.similar.size for c in one.candidates) for one in (sample, whole))
        assert kept < all_of_them


def test_other_weights_give_another_order(asked: SampleSet) -> None:
    sample = asked.present[0]
    weights = sample.query.weights
    turned = replace(weights, passage={"late": -1.0}, span={"passage": 1.0})
    after = weigh(sample, turned)
    late = [c.evidence.late for c in after.candidates]
    assert late == sorted(late)
    assert [c.score for c in after.candidates] == pytest.approx([-value for value in late])
    assert after.spans[0].passage.id == after.candidates[0].passage.id
    assert after.spans[0].evidence.passage == after.candidates[0].score
    golds = [c.passage.document_id in sample.gold.documents for c in after.candidates]
    assert after.is_gold.tolist() == golds


def test_hidden_samples_hold_no_passage_that_answers(asked: SampleSet) -> None:
    assert len(asked.hidden) == len(asked.present) == 5
    assert all(sample.is_gold.sum() == 1 for sample in asked.present)
    assert not any(sample.is_gold.any() for sample in asked.hidden)


def test_the_confidence_means_how_likely_the_span_answers(asked: SampleSet) -> None:
    # Present, but its best span never answers: as unlikely as if it were hidden.
    wrong = [replace(s, answers=np.zeros_like(s.answers)) for s in asked.present]
    shy = replace(asked, present=wrong)
    weights = fit_weights([asked], {"dense": 1.0}, is_scale_free=False)
    sure, unsure = (fit_confidence([weigh_set(one, weights)]) for one in (asked, shy))
    told = [replace(weights, confidence=of_one) for of_one in (sure, unsure)]
    likely, unlikely = (mean_confidence(asked.present, one) for one in told)
    assert unlikely < 0.2
    assert likely > 0.6


def confidences(samples: Sequence[Sample], weights: Weights) -> list[float]:
    weighed = [weigh(sample, weights) for sample in samples]
    text = [sample.gold.question.text for sample in weighed]
    return [
        confidence_of(t, s.query, s.candidates, s.best_spans)
        for t, s in zip(text, weighed, strict=True)
    ]


def mean_confidence(samples: Sequence[Sample], weights: Weights) -> float:
    found = confidences(samples, weights)
    return sum(found) / len(found)


def test_a_tiny_set_is_fitted(asked: SampleSet) -> None:
    first = {"dense": 1.0}
    weights = fit_weights([asked], first, is_scale_free=False)
    assert weights.first == first
    assert weights.confidence.items() >= FIXED.items()
    assert min(*weights.passage.values(), *weights.span.values()) >= 0
    figures = measure(asked, weights)
    assert figures.passage_1 == figures.recall_1 == figures.first_right == 1
    assert figures.auroc > 0.9
    assert leave_one_out([asked], [], lambda *_: weights) == []


def with_phrases(asked: SampleSet, right: float, wrong: float) -> SampleSet:
    """Return a set in which a phrase is as likely as that in what answers, and in what does not."""

    def read(sample: Sample) -> Sample:
        spans = [
            replace(span, evidence=replace(span.evidence, phrase=right if answers else wrong))
            for span, answers in zip(sample.spans, sample.answers.tolist(), strict=True)
        ]
        return replace(sample, spans=spans)

    return replace(
        asked, present=[read(s) for s in asked.present], hidden=[read(s) for s in asked.hidden]
    )


def test_what_phrases_count_is_added_and_all_else_stays(asked: SampleSet) -> None:
    unsure = {INTERCEPT: 0.0, "named": 0.5}
    weights = fit_weights([asked], {"dense": 1.0}, is_scale_free=False, confidence=unsure)
    told, silent = (
        add_phrases([with_phrases(asked, right, -5.0)], weights) for right in (5.0, -5.0)
    )
    assert (told.first, told.passage) == (weights.first, weights.passage)
    assert told.span == {**weights.span, "phrase": told.span["phrase"]}
    assert told.span["phrase"] > 0
    assert told.confidence["phrase"] > 0
    moved = {n for n, value in told.confidence.items() if value != weights.confidence.get(n, 0.0)}
    assert moved <= {INTERCEPT, "phrase", "is_translated", "is_elsewhere"}
    assert (silent.span["phrase"], silent.confidence["phrase"]) == (0, 0)


def test_counting_phrases_refuses_no_more_than_before(asked: SampleSet) -> None:
    """One of five is refused; afterwards, as its phrase is likely, another or none is."""
    unsure = {INTERCEPT: 0.0, "named": 1.0}
    weights = fit_weights([asked], {"dense": 1.0}, is_scale_free=False, confidence=unsure)
    likely = sorted(confidences(asked.present, weights))
    lowest = np.log(THRESHOLDS["balanced"] / (1 - THRESHOLDS["balanced"]))
    between = float(np.mean([np.log(one / (1 - one)) for one in likely[:2]]))
    weights = replace(weights, confidence={**unsure, INTERCEPT: lowest - between})
    refused = [sum(one < THRESHOLDS["balanced"] for one in confidences(asked.present, weights))]
    read = with_phrases(asked, 5.0, -5.0)
    found = confidences(read.present, add_phrases([read], weights))
    refused.append(sum(one < THRESHOLDS["balanced"] - 1e-9 for one in found))
    assert refused[1] <= refused[0] <= 1


def test_the_command_writes_weights_that_are_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    paths = [squad(tmp_path, f"{name}.json", *PARAGRAPHS) for name in "ab"]
    out = tmp_path / "weights.json"
    sets = [argument for path in paths for argument in ("--set", str(path))]
    status = benchmarks.__main__.main(["fit", *sets, "--no-cache", "--out", str(out)])
    assert status == 0
    text = out.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    written, shipped = read_weights(text), read_weights(SHIPPED.read_text(encoding="utf-8"))
    assert list(written) == list(shipped)
    own, one_pass, other, read = written.values()
    assert [one_pass, read] == list(shipped.values())[1::2], "they were not fitted"
    assert (own.is_scale_free, other.is_scale_free) == (False, True)
    assert own.confidence == other.confidence
    assert next(iter(own.confidence)) == INTERCEPT
    for name, weights in written.items():
        assert weights.first == shipped[name].first
        assert list(weights.span) == list(shipped[name].span)
        assert set(weights.passage) == set(shipped[name].passage)
    for value in (
        v
        for e in json.loads(text).values()
        for k in e.values()
        if isinstance(k, dict)
        for v in k.values()
    ):
        assert value == float(f"{value:.4g}")
    printed = capsys.readouterr()
    assert "any other: as in the file before → fitted (fitted on the other sets)" in printed.out
    assert "a: gathering evidence 5 of 5" in printed.err


def test_a_model_that_is_not_known_gets_the_weights_without_a_scale() -> None:
    assert weights_for("no such model", "1").is_scale_free
