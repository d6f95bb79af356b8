"""The log: one JSON line a request, an answer or a failure, without what was asked or found.

Nothing but ``attach`` here opens a file: the others hand what they note to the logger ``yinzheng``
and its children, as does the rest of the program.
"""

import json
import logging
import logging.handlers
import secrets
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any

from index import ServerSettingError, YinzhengError
from qa.server.refusals import Refusal, refuse
from qa.server.scopes import header, path_in, state_of
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ROOT = logging.getLogger("yinzheng")
_requests = logging.getLogger("yinzheng.requests")
_answers = logging.getLogger("yinzheng.answers")
_MOST_BYTES, _FILES_KEPT = 10 * 2**20, 9
_MOST_TEXT = 200


def note_answer(
    door: str,
    *,
    status: str,
    ms: float,
    request_id: str = "",
    visitor: str = "",
    stages: Mapping[str, float] | None = None,
    question: str = "",
) -> None:
    """Note an answer given outside of a request, as those of the page are.

    Args:
        door: through which it was asked.
        status: ``answered``, ``not_found`` or ``failed``.
        ms: how long it took.
        request_id: of the request with which it began.
        visitor: who asked.
        stages: how long each stage took.
        question: written only when the server logs questions.
    """
    fields: dict[str, Any] = {"kind": "answer", "request_id": request_id, "door": door}
    fields |= {"status": status, "ms": round(ms, 1)}
    fields |= {"visitor": visitor} if visitor else {}
    fields |= {"stages": _rounded(stages)} if stages else {}
    fields |= {"question": question} if question else {}
    _answers.info("answer", extra={"journal": fields})


def note_failure(error: BaseException, *, request_id: str) -> None:
    """Note what failed, under the reference number that the reader is given."""
    _ROOT.error(
        "A request failed (reference number %s): %s",
        request_id,
        type(error).__name__,
        exc_info=error,
        extra={"journal": {"kind": "failure", "request_id": request_id}},
    )


@contextmanager
def attach(settings: ServerSettings) -> Iterator[None]:
    """Write what is noted to the log file, and what an administrator must know to stderr.

    Raises:
        ServerSettingError: the file cannot be written.
    """
    handlers: list[logging.Handler] = [_stderr(settings)]
    if settings.keep_log:
        handlers.append(_file(settings))
    level, propagates = _ROOT.level, _ROOT.propagate
    _ROOT.setLevel(logging.INFO)
    _ROOT.propagate = False
    for handler in handlers:
        _ROOT.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            _ROOT.removeHandler(handler)
            handler.close()
        _ROOT.setLevel(level)
        _ROOT.propagate = propagates


class RequestLog:
    """Numbers every request, notes how it ended, and answers for an application that failed."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(4)
        scope.setdefault("state", {})["request_id"] = request_id
        path, begun = path_in(scope), time.perf_counter()
        reply = _Reply(request_id, send)
        try:
            await self._app(scope, receive, reply.send)
            await reply.release()
        except Exception as error:
            note_failure(error, request_id=request_id)
            if reply.is_sent:
                raise  # the connection must break off: what was sent must not look complete
            if reply.is_problem:
                await reply.release()
            else:
                reply.held.clear()
                reply.is_final = True
                await refuse(Refusal(500, "failed"), scope, receive, reply.send)
        finally:
            _note_request(scope, path, reply, begun)


class _Reply:
    """What the application answers; a failure is held back until it is known what it is."""

    def __init__(self, request_id: str, send: "Send") -> None:
        self._number = (b"x-request-id", request_id.encode())
        self._send = send
        self.status = 0
        self.first = 0.0
        self.held: list[Message] = []
        self.is_sent = False
        self.is_final = False
        self.is_problem = False

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            self.is_problem = (b"content-type", b"application/problem+json") in given
            message = {**message, "headers": [*given, self._number]}
            if self.status == 500 and not self.is_final:
                self.held = [message]
                return
        elif self.held:
            self.held.append(message)
            if not message.get("more_body", False):
                return
            await self.release()
            return
        await self._pass(message)

    async def release(self) -> None:
        """Send what was held back."""
        held, self.held = self.held, []
        for message in held:
            await self._pass(message)

    async def _pass(self, message: "Message") -> None:
        if not self.is_sent:
            self.is_sent, self.first = True, time.perf_counter()
        await self._send(message)


def _note_request(scope: "Scope", path: str, reply: _Reply, begun: float) -> None:
    state, now = state_of(scope), time.perf_counter()
    fields: dict[str, Any] = {
        "kind": "request",
        "request_id": state["request_id"],
        "method": scope.get("method", scope["type"]),
        "route": _route(scope, path),
        "status": reply.status,
        "ms": round(1000 * (now - begun), 1),
        "first_ms": round(1000 * ((reply.first or now) - begun), 1),
    }
    if isinstance(state.get("stages"), Mapping):
        fields["stages"] = _rounded(state["stages"])
    visitor = state.get("visitor")
    if visitor is not None and visitor.name:
        fields["visitor"] = visitor.name
    fields["agent"] = header(scope, "user-agent")[:80]
    _requests.info("request", extra={"journal": fields})


def _route(scope: "Scope", path: str) -> str:
    """Return the route's pattern, as a path can name a file; the path where no route was found."""
    pattern = getattr(scope.get("route"), "path", None)
    if pattern:
        return str(pattern)
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(str(value), f"{{{name}}}")
    return path[:_MOST_TEXT]


def _rounded(stages: Mapping[str, float]) -> dict[str, float]:
    return {str(name): round(float(value), 2) for name, value in stages.items()}


class _Lines(logging.Formatter):
    """Makes a record one line of JSON."""

    def __init__(self, *, with_questions: bool) -> None:
        super().__init__()
        self._with_questions = with_questions

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, tz=timezone.utc)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        line |= getattr(record, "journal", None) or {
            "kind": "note",
            "request_id": getattr(record, "request_id", ""),
            "message": record.getMessage(),
        }
        if not self._with_questions:
            line.pop("question", None)
        if record.exc_info and record.exc_info[1] is not None:
            line["errors"] = _errors(record.exc_info[1], with_messages=self._with_questions)
        return visible(json.dumps(line, ensure_ascii=False, default=str))


def visible(line: str) -> str:
    """Return JSON in which nothing can move a terminal's cursor or turn its text around."""
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)


def _errors(error: BaseException, *, with_messages: bool) -> list[dict[str, Any]]:
    """Describe an error and what caused it: the places in the program, not the data."""
    found: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(found) < 5:
        described: dict[str, Any] = {"error": type(current).__name__}
        # Ours and the system's name files and settings; any other may repeat what was asked.
        if with_messages or isinstance(current, YinzhengError | OSError):
            described["message"] = str(current)[:1000]
        found.append(described | {"traceback": _frames(current.__traceback__)})
        current = current.__cause__ or current.__context__
    return found


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-30:]]


def _file(settings: ServerSettings) -> logging.Handler:
    path = settings.log_file or settings.data_dir / "logs" / "requests.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MOST_BYTES, backupCount=_FILES_KEPT, encoding="utf-8"
        )
    except OSError as error:
        raise ServerSettingError(
            f"The log cannot be written: {error}. Choose another folder with --data, another file "
            "with --log-file, or --no-log-file."
        ) from error
    handler.setFormatter(_Lines(with_questions=settings.log_questions))
    return handler


def _stderr(settings: ServerSettings) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    if settings.keep_log:
        handler.setFormatter(_Plain("yinzheng: %(message)s"))
    else:
        handler.setFormatter(_Lines(with_questions=settings.log_questions))
    return handler


class _Plain(logging.Formatter):
    """A line for people, without the traceback that the file has."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return visible(f"yinzheng: {record.getMessage()}")
