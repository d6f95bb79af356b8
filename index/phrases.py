"""The phrase that answers, in passages that retrieval has found: the bundled model as a reader.

One pass of the model over question and passage together, with what its layers have learnt for it
(``changes.py``), and two numbers for each token: how likely an answer starts there, or ends (Devlin
et al., 2019, arXiv:1810.04805). Those of the first token say that there is none.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from index.bundled_model import READER_SHA256, packaged
from index.types import Phrase, Shown, Span
from index.windows import (
    NOWHERE,
    Framing,
    Pieces,
    Tokenizer,
    Window,
    run_around,
    sizes_of,
)

if TYPE_CHECKING:
    from torch import Tensor

    from index.packed import PackedBert

FloatArray = npt.NDArray[np.float32]

_FILE = "data/reader.safetensors"
_LONGEST = 80  # tokens of a phrase


class PhraseReader:
    """Finds phrases that answer. Thread-safe where its tokenizer is.

    Args:
        engine: of the bundled model.
        tokenizer: the model's.
        held: what was trained, by name (``python -m training``).
        most_tokens: that are read at once, of question and passage together.
    """

    def __init__(
        self,
        engine: "PackedBert",
        tokenizer: Tokenizer,
        held: "Mapping[str, Tensor]",
        *,
        most_tokens: int = 160,
    ) -> None:
        self._engine = engine.with_changes(held)
        self._framing = Framing(tokenizer, most_tokens)
        self._weight: FloatArray = held["head.weight"].float().numpy()
        self._bias: FloatArray = held["head.bias"].float().numpy()

    def read(self, question: str, texts: Sequence[Shown]) -> list[list[Phrase | None]]:
        """Return the likeliest phrase of each sentence of each text, from one pass for all.

        None for a sentence that was not read.

        Args:
            question: folded.
            texts: what is read for it.
        """
        asked = self._framing.pieces(question)
        runs = [self._window(asked, text) for text in texts]
        found: list[list[Phrase | None]] = [[None] * len(text.sentences) for text in texts]
        # Neighbours of one length are fastest.
        order = [at for at in np.argsort([len(one.ids) for one in runs]) if runs[at].places]
        if not order:
            return found
        states = self._engine.forward([runs[at].ids for at in order]).tokens
        for at, tokens in zip(order, states, strict=True):
            logits = tokens @ self._weight.T + self._bias
            found[at] = [best_phrase(logits, runs[at], one) for one in texts[at].sentences]
        return found

    def _window(self, asked: Pieces, shown: Shown) -> Window:
        pieces = self._framing.pieces(shown.text)
        if not shown.sentences:
            return self._framing.window(asked, pieces, Span(0, 0))
        sizes = sizes_of(shown.sentences, pieces)
        first, stop = run_around(sizes, shown.first, shown.stop, self._framing.room(asked))
        run = Span(shown.sentences[first].start, shown.sentences[stop - 1].end)
        return self._framing.window(asked, pieces, run)


def bundled_reader(engine: "PackedBert", tokenizer: Tokenizer) -> PhraseReader:
    """Return the reader that comes with the bundled model.

    Args:
        engine: of the bundled model.
        tokenizer: the model's.

    Raises:
        ModelDamagedError: its file is not the expected one.
    """
    from safetensors.torch import load

    return PhraseReader(engine, tokenizer, load(packaged(_FILE, READER_SHA256)))


def best_phrase(
    logits: FloatArray, window: Window, sentence: Span | None = None, *, longest: int = _LONGEST
) -> Phrase | None:
    """Return the likeliest phrase of a window, or of one sentence in it; None where it has none.

    Args:
        logits: of start and end, float32 ``(tokens, 2)``.
        window: what was read.
        sentence: where the phrase has to stand; None = anywhere in the window.
        longest: tokens of a phrase.
    """
    inside = [
        at
        for at, (start, end) in enumerate(window.places)
        if sentence is None or (sentence.start <= start and end <= sentence.end)
    ]
    if not inside:
        return None
    own = logits[window.first + inside[0] : window.first + inside[-1] + 1]
    sums = own[:, 0][:, None] + own[:, 1][None, :]
    allowed = np.tril(np.triu(np.ones_like(sums, np.bool_)), longest - 1)
    first, last = np.unravel_index(int(np.where(allowed, sums, -np.inf).argmax()), sums.shape)
    places = window.places[inside[0] :]
    nothing = float(logits[NOWHERE].sum())
    return Phrase(places[first][0], places[last][1], float(sums[first, last]) - nothing)
