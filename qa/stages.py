"""How long each stage of a question takes, and what else is worth a line in a log.

Whoever wants to know opens ``measuring()``; where nobody does, a stage costs one look at a context
variable. A stage inside another one stops the clock of the outer one, so that the times add up.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from time import perf_counter
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass
class Measured:
    """What was measured, and noted.

    Attributes:
        seconds: how long each stage took itself, without the stages inside it.
        facts: what else was noted: the door, the generation that answered, the outcome.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    _inner: list[float] = field(default_factory=lambda: [0.0])  # of the stages that are open

    def add(self, other: "Measured") -> None:
        """Take over what a measurement inside this one found."""
        for name, seconds in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.facts |= other.facts


_measured: ContextVar[Measured | None] = ContextVar("measured", default=None)
_NOTHING = nullcontext()


@contextmanager
def measuring() -> Iterator[Measured]:
    """Measure the stages inside; whoever measures around it is told as well."""
    around, measured = _measured.get(), Measured()
    token = _measured.set(measured)
    try:
        yield measured
    finally:
        _measured.reset(token)
        if around is not None:
            around.add(measured)


def stage(name: str) -> AbstractContextManager[None]:
    """Return a context whose time counts for the stage."""
    measured = _measured.get()
    return _NOTHING if measured is None else _clocked(measured, name)


@contextmanager
def _clocked(measured: Measured, name: str) -> Iterator[None]:
    measured._inner.append(0.0)
    began = perf_counter()
    try:
        yield
    finally:
        took = perf_counter() - began
        own = took - measured._inner.pop()
        measured._inner[-1] += took
        measured.seconds[name] = measured.seconds.get(name, 0.0) + own


def staged(name: str) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Make every call of a function a stage."""

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @wraps(function)
        def timed(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
            measured = _measured.get()
            if measured is None:
                return function(*arguments, **named)
            with _clocked(measured, name):
                return function(*arguments, **named)

        return timed

    return decorate


def note(**facts: str) -> None:
    """Note facts with what is being measured, if anything is."""
    measured = _measured.get()
    if measured is not None:
        measured.facts |= facts
