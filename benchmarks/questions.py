"""Questions for the timed benchmarks: no two alike, because answers may be remembered."""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from index import EvaluationError
from qa.evaluation import read_questions

_SEED = 1
_CLAUSE_ENDS = re.compile(r"[\s，。！？；：、,.!?;:“”‘’\"'《》（）()【】\[\]|…—]+")
_SHORTEST, _LONGEST = 8, 30


class Questions:
    """Questions that are handed out once each.

    Args:
        texts: whose clauses are asked when there are no sets.
        sets: files of questions.
    """

    def __init__(self, texts: Sequence[str], sets: Sequence[Path]) -> None:
        found = clauses(texts)
        if sets:
            found = (one.text for path in sets for one in read_questions(path).questions)
        self._left = list(dict.fromkeys(found))
        random.Random(_SEED).shuffle(self._left)  # noqa: S311  (the same ones every time)

    def take(self, count: int) -> list[str]:
        """Return so many that nobody asked before.

        Raises:
            EvaluationError: there are no more.
        """
        if len(self._left) < count:
            raise EvaluationError(
                f"{count} more questions are needed, and {len(self._left)} are left. "
                "Give more texts (--limit) or question sets (--questions), or fewer --rounds."
            )
        taken, self._left = self._left[:count], self._left[count:]
        return taken


def clauses(texts: Sequence[str]) -> Iterator[str]:
    """Yield the clauses of texts that are as long as a question."""
    for text in texts:
        for clause in _CLAUSE_ENDS.split(text):
            if _SHORTEST <= len(clause) <= _LONGEST:
                yield clause
