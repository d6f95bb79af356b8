"""The shipped weights name what there is, and standardised evidence has no scale."""

import math
from dataclasses import dataclass, fields

import numpy as np
import pytest

from index.bundled_model import MODEL_NAME, ONE_PASS_NAME
from index.models import identify
from qa.confidence import Evidence
from qa.quotes import SpanEvidence
from qa.retriever import PassageEvidence
from qa.weights import Weights, _all_weights, weights_for

KINDS = {
    "first": {field.name for field in fields(PassageEvidence)},
    "passage": {field.name for field in fields(PassageEvidence)},
    "span": {field.name for field in fields(SpanEvidence)},
    "confidence": {field.name for field in fields(Evidence)} | {"intercept"},
}


@pytest.mark.parametrize("entry", list(_all_weights()))
@pytest.mark.parametrize("kind", list(KINDS))
def test_shipped_weights_name_evidence_that_exists(entry: str, kind: str) -> None:
    named = getattr(_all_weights()[entry], kind)
    assert named
    assert named.keys() <= KINDS[kind]
    assert all(math.isfinite(value) for value in named.values())


def test_there_is_an_entry_for_each_bundled_model_and_one_for_the_others() -> None:
    own, one_pass, other, read = _all_weights()
    for entry, name in ((own, MODEL_NAME), (one_pass, ONE_PASS_NAME)):
        found = identify(name)
        assert found is not None
        assert entry == " ".join(found)
        assert weights_for(*found) == _all_weights()[entry]
        assert not weights_for(*found).is_scale_free
    found = identify(MODEL_NAME)
    assert found is not None
    assert read == f"{' '.join(found)}, read"
    assert weights_for(*found, has_read=True) == _all_weights()[read]
    assert weights_for("another", "1") == _all_weights()[other]
    assert _all_weights()[other].is_scale_free


@dataclass(frozen=True)
class Seen:
    a: float
    b: float


def test_scores_by_hand() -> None:
    seen = [Seen(1.0, 10.0), Seen(3.0, 10.0), Seen(2.0, 40.0)]
    plain = Weights({}, {}, {}, {}, is_scale_free=False)
    assert plain.scores(seen, {"a": 2.0, "b": 0.1}).tolist() == pytest.approx([3.0, 7.0, 8.0])
    free = Weights({}, {}, {}, {}, is_scale_free=True)
    scores = free.scores(seen, {"a": 2.0, "b": 1.0})
    a, b = np.sqrt(2 / 3), np.sqrt(200)  # standard deviations of 1, 3, 2 and of 10, 10, 40
    assert scores.tolist() == pytest.approx([-2 / a - 10 / b, 2 / a - 10 / b, 20 / b])
    wider = [Seen(one.a * 7 - 3, one.b / 9) for one in seen]
    assert free.scores(wider, {"a": 2.0, "b": 1.0}) == pytest.approx(scores, abs=1e-5)
    assert free.scores([], {"a": 1.0}).shape == (0,)
