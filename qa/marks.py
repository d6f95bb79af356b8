"""Which words of a quote decided for it: where the question's tokens found their counterparts."""

from collections.abc import Sequence

import numpy as np

from index import Passage
from index import Span as Range
from qa.quotes import Span
from qa.retriever import Candidate, FloatArray

_SHARE_OF_SHARPEST = 0.4
_LEAST_GAIN = 0.03


def marks_of(
    span: Span, candidates: Sequence[Candidate], typical: FloatArray | None = None
) -> tuple[Range, ...]:
    """Return ranges of the document's text inside a span, in order, that do not touch.

    A token of the question points at the most similar token of the span, if that is clearly more
    similar than what the other passages have for it: what every passage has decided nothing.

    Args:
        span: whose words.
        candidates: the passages compared with the question, that of the span among them.
        typical: ``typical_best`` of them, for whoever asks more than once.
    """
    own = next(c for c in candidates if c.passage.id == span.passage.id)
    inside = (span.start <= own.token_spans[:, 0]) & (own.token_spans[:, 1] <= span.end)
    similar = own.similar[:, inside]
    if not similar.size:
        return ()
    gain = similar.max(axis=1) - (typical_best(candidates) if typical is None else typical)
    decisive = gain >= max(_LEAST_GAIN, _SHARE_OF_SHARPEST * float(gain.max()))
    chosen = own.token_spans[inside][similar.argmax(axis=1)[decisive]]
    return _joined([Range(int(a), int(b)) for a, b in chosen], span.passage)


def typical_best(candidates: Sequence[Candidate]) -> FloatArray:
    """Return what a passage usually has for each token of the question, ``(tokens,)``."""
    if len(candidates) < 2:
        return np.zeros(sum(len(one.similar) for one in candidates), np.float32)
    median: FloatArray = np.median(np.stack([c.token_best for c in candidates]), axis=0)
    return median


def _joined(ranges: Sequence[Range], passage: Passage) -> tuple[Range, ...]:
    """Return ranges in order, those that touch or overlap made one, without bare marks."""
    joined: list[Range] = []
    for one in sorted(ranges, key=lambda r: (r.start, r.end)):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Range(joined[-1].start, max(one.end, joined[-1].end))
        else:
            joined.append(one)
    return tuple(
        r
        for r in joined
        if any(c.isalnum() for c in passage.text[r.start - passage.start : r.end - passage.start])
    )
