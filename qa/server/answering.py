"""The one way by which every door asks: limits, a turn to wait for, and what it took."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TypeVar

from index import CitationError, Index, QuestionError, ServerBusyError
from qa import Answer, Hit, Strictness, ask, retrieve
from qa.indexes import shared_index
from qa.server.gate import Gate
from qa.server.metrics import Metrics, Outcome
from qa.server.scores import ConfidenceStore
from qa.server.settings import ServerSettings
from qa.stages import Measured, measuring, note, stage

MOST_HITS = 100
"""The most passages that can be asked for."""
MOST_EARLIER = 20
"""Of the questions before a question, so many of the last are looked at."""
LONGEST_QUESTION = 1000
"""Characters of a question; longer ones are refused, longer earlier ones left out."""

_Result = TypeVar("_Result")


class Answering:
    """Asks the index of a server, for every door alike.

    Args:
        settings: which index, and how many questions at once.
        metrics: where outcomes and times are counted.
        confidences: where it is counted how confident the answers are; None = nowhere.
    """

    def __init__(
        self,
        settings: ServerSettings,
        metrics: Metrics | None = None,
        confidences: ConfidenceStore | None = None,
    ) -> None:
        self._settings = settings
        self._confidences = confidences
        self._metrics = metrics or Metrics()
        self._gate = Gate(settings.max_running, settings.max_waiting)

    @property
    def running(self) -> int:
        """How many questions are being answered."""
        return self._gate.running

    @property
    def waiting(self) -> int:
        """How many questions wait for their turn."""
        return self._gate.waiting

    def open_index(self) -> Index:
        """Return a view of the index that stays with the generation now in use.

        Raises:
            IndexNotFoundError: there is no index where the settings say.
            IndexDamagedError: no generation of it is good.
        """
        return shared_index(self._settings.index)

    def ask(
        self,
        question: str,
        *,
        earlier: Sequence[str] = (),
        strictness: Strictness = "balanced",
        top_k: int = 5,
        door: str,
        index: Index | None = None,
    ) -> Answer:
        """Answer a question as ``qa.ask`` does, when it is its turn.

        Args:
            question: at most 1,000 characters.
            earlier: the questions before it, oldest first; the last 20 are looked at.
            strictness: how sure an answer must be.
            top_k: how many of the closest passages to return, at most 100.
            door: by which way it came, for the metrics: ``page``, ``rest``, ``openai``, ``mcp``.
            index: a view of the index from ``open_index``; None = the generation now in use.

        Raises:
            QuestionError: the question cannot be asked.
            ServerBusyError: too many questions wait already.
            IndexFolderError: the index cannot be read.
        """
        before = [one for one in earlier[-MOST_EARLIER:] if len(one) <= LONGEST_QUESTION]

        def work(opened: Index) -> Answer:
            return ask(
                question,
                index=opened,
                top_k=top_k,
                strictness=strictness,
                earlier=before,
                reader=self._settings.reads_phrases,
            )

        def outcome(answer: Answer) -> Outcome:
            return "small_talk" if answer.is_small_talk else answer.status

        answer = self._in_turn(door, top_k, index, work, outcome)
        if self._confidences is not None:
            self._confidences.add(answer)
        return answer

    def retrieve(
        self, question: str, *, top_k: int = 5, door: str, index: Index | None = None
    ) -> list[Hit]:
        """Return the closest passages as ``qa.retrieve`` does, when it is the question's turn.

        Arguments and errors are those of ``ask``.
        """
        return self._in_turn(
            door,
            top_k,
            index,
            lambda opened: retrieve(
                question, index=opened, top_k=top_k, reader=self._settings.reads_phrases
            ),
            lambda _: "retrieved",
        )

    def _in_turn(
        self,
        door: str,
        top_k: int,
        index: Index | None,
        work: Callable[[Index], _Result],
        outcome_of: Callable[[_Result], Outcome],
    ) -> _Result:
        began, outcome = perf_counter(), _outcome_of_error(None)
        with measuring() as measured:
            try:
                if top_k > MOST_HITS:
                    raise QuestionError(f"top_k is {top_k}. Ask for at most {MOST_HITS} passages.")
                with self._gate.passing():
                    result = work(self._opened(index))
                outcome = outcome_of(result)
            except Exception as error:
                outcome = _outcome_of_error(error)
                raise
            finally:
                self._record(door, outcome, perf_counter() - began, measured)
        return result

    def _opened(self, index: Index | None) -> Index:
        with stage("open"):
            opened = self.open_index() if index is None else index
        note(generation=opened.generation)
        return opened

    def _record(self, door: str, outcome: Outcome, seconds: float, measured: Measured) -> None:
        note(door=door, outcome=outcome)
        self._metrics.asked(door, outcome, seconds, measured.seconds)


def _outcome_of_error(error: Exception | None) -> Outcome:
    if isinstance(error, ServerBusyError):
        return "busy"
    is_refused = isinstance(error, QuestionError) and not isinstance(error, CitationError)
    return "refused" if is_refused else "failed"
