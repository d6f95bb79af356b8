"""What readers think of answers: one SQLite file, from which questions for an evaluation come.

It is made when the first judgement is kept. Several threads and processes may write at once.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from index import FeedbackError, Index, IndexPlace, YinzhengError
from qa.references import resolve
from qa.write_ahead import use_write_ahead_log

Verdict = Literal["good", "bad"]
FEEDBACK_FILE = "feedback.sqlite"
"""Name of the file in the folder where a server keeps what visitors leave."""

LONGEST_COMMENT = 2000
_LONGEST_QUESTION = 1000
_LONGEST_ANSWER = 100_000
_MOST_QUOTES = 20
_LONGEST_QUOTE = 10_000
MOST_A_DAY = 5000
"""Judgements kept in one day, so that nobody fills the disk."""

_VERSION = 1
_PATIENCE = 30.0  # seconds to wait for other writers
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    time TEXT NOT NULL,
    question TEXT NOT NULL,
    searched TEXT NOT NULL,
    language TEXT NOT NULL,
    answer_text TEXT NOT NULL,
    status TEXT NOT NULL,
    verdict TEXT NOT NULL,
    comment TEXT NOT NULL,
    generation TEXT NOT NULL,
    quotes TEXT NOT NULL
)
"""
_BY_TIME = "CREATE INDEX IF NOT EXISTS feedback_by_time ON feedback (time)"
_COLUMNS = (
    "id, time, question, searched, language, answer_text, status, verdict, comment, generation, "
    "quotes"
)


@dataclass(frozen=True)
class Quoted:
    """A quote of an answer that was judged.

    Attributes:
        reference: its permanent reference.
        quote: its words; empty when they could not be read any more.
        document: path of the document, when known.
    """

    reference: str
    quote: str = ""
    document: str = ""


@dataclass(frozen=True)
class Feedback:
    """What a reader thought of an answer.

    Attributes:
        id: identifies it.
        time: when it was given or last changed, UTC, ISO 8601.
        question: as it was asked.
        searched: the question searched for, which stands alone; the same unless it was a follow-up.
        language: of the question, as a BCP 47 tag; empty when not known.
        answer_text: what was answered.
        status: ``answered`` or ``not_found``.
        verdict: ``good`` or ``bad``.
        comment: what the reader wrote.
        generation: which generation of the index answered.
        quotes: the quotes, best first.
    """

    id: int
    time: str
    question: str
    searched: str
    language: str
    answer_text: str
    status: str
    verdict: Verdict
    comment: str
    generation: str
    quotes: tuple[Quoted, ...]


class FeedbackStore:
    """Keeps what readers think; safe to use from several threads and processes.

    Args:
        path: the file; made with the first judgement.
        index: where references are looked up for the words they stand for; None = the default.
        most_a_day: how many judgements are kept in one day.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        index: str | IndexPlace | Index | None = None,
        most_a_day: int = MOST_A_DAY,
    ) -> None:
        self.path = Path(path)
        self._index = index
        self._most_a_day = most_a_day

    def add(
        self,
        *,
        question: str,
        answer_text: str,
        status: str,
        verdict: Verdict,
        comment: str = "",
        generation: str = "",
        quotes: Sequence[str | Quoted] = (),
        searched: str = "",
        language: str = "",
    ) -> int:
        """Keep a judgement; return its id.

        Args:
            question: as it was asked.
            answer_text: what was answered.
            status: ``answered`` or ``not_found``.
            verdict: ``good`` or ``bad``.
            comment: at most 2,000 characters.
            generation: which generation of the index answered.
            quotes: best first; of a bare reference the words are looked up in the index.
            searched: the question searched for; empty = the question.
            language: of the question, as a BCP 47 tag.

        Raises:
            FeedbackError: there is no such verdict, a text is too long, too many were kept today,
                or the file cannot be written.
        """
        _check_verdict(verdict)
        _check_lengths(question, searched, answer_text, comment, quotes)
        kept = json.dumps([vars(self._quoted(one)) for one in quotes], ensure_ascii=False)
        texts = (question, searched or question, language, answer_text, status, verdict, comment)
        with self._writing() as connection:
            self._check_day(connection)
            # Not counted up: an id says nothing of how many others there are.
            id_ = secrets.randbits(52)
            connection.execute(
                "INSERT INTO feedback VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 "
                "FROM feedback), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (id_, _now(), *map(_storable, texts), _storable(generation), _storable(kept)),
            )
        return id_

    def change(
        self,
        id: int,  # noqa: A002
        *,
        verdict: Verdict | None = None,
        comment: str | None = None,
    ) -> None:
        """Change the verdict or the comment of a judgement; None = leave it as it is.

        Raises:
            FeedbackError: there is no such judgement or verdict, or the comment is too long.
        """
        if verdict is not None:
            _check_verdict(verdict)
        _check_length("The comment", comment or "", LONGEST_COMMENT)
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE feedback SET verdict = COALESCE(?, verdict), "
                "comment = COALESCE(?, comment), time = ? WHERE id = ?",
                (verdict, None if comment is None else _storable(comment), _now(), id),
            ).rowcount
        if not changed:
            raise FeedbackError(f"There is no feedback {id}. It may have been taken back.")

    def undo(self, id: int, /) -> bool:  # noqa: A002
        """Take a judgement back; return whether there was one."""
        if not self.path.exists():
            return False
        with self._writing() as connection:
            return connection.execute("DELETE FROM feedback WHERE id = ?", (id,)).rowcount > 0

    def entries(self) -> list[Feedback]:
        """Return all judgements, the oldest first.

        Raises:
            FeedbackError: the file cannot be read.
        """
        if not self.path.exists():
            return []
        with self._reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM feedback ORDER BY number").fetchall()  # noqa: S608
        return [_to_feedback(row) for row in rows]

    def export(self) -> list[dict[str, Any]]:
        """Return good answers as questions with known answers, as ``python -m qa eval`` reads them.

        A question is the one searched for, which needs no conversation; expected is any of the
        quotes readers found good. Bad answers have no expected text, which an evaluation needs of
        every question, and are not among them; so is what a reader found good to be not found.
        """
        expected: dict[str, dict[str, None]] = {}
        for entry in self.entries():
            texts = [one.quote for one in entry.quotes if one.quote.strip()]
            if entry.verdict == "good" and entry.status == "answered" and texts:
                expected.setdefault(entry.searched.strip(), {}).update(dict.fromkeys(texts))
        return [
            {"id": number, "question": question, "expected": list(texts)}
            for number, (question, texts) in enumerate(expected.items(), start=1)
        ]

    def _quoted(self, quote: str | Quoted) -> Quoted:
        if isinstance(quote, Quoted):
            return quote
        try:
            found = resolve(quote, index=self._index)
        except YinzhengError:  # gone since: the judgement is still worth keeping
            return Quoted(quote)
        return Quoted(quote, found.quote or "", found.document.path)

    def _check_day(self, connection: sqlite3.Connection) -> None:
        today = _now()[:10]
        (count,) = connection.execute(
            "SELECT COUNT(*) FROM feedback WHERE time >= ?", (today,)
        ).fetchone()
        if count >= self._most_a_day:
            raise FeedbackError(
                f"{count:,} judgements were kept today, which is the most for one day. "
                "Give yours tomorrow."
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _prepare(connection)
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            _check_version(connection)
            yield connection

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection of its own to each use: they are rare, and threads share nothing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Transactions are begun by hand, as Python would begin one only with the first write.
            connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            use_write_ahead_log(connection, _PATIENCE)
            yield connection
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            connection.close()

    def _unusable(self, error: Exception) -> FeedbackError:
        return FeedbackError(
            f"{self.path} cannot be used: {error}. Check its permissions and the disk, or move it "
            "away: a new one is made."
        )


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the table where there is none yet."""
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if tables:
        _check_version(connection)
        return
    connection.execute(_SCHEMA)
    connection.execute(_BY_TIME)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _check_version(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if version != _VERSION or "feedback" not in tables:
        raise sqlite3.DatabaseError(f"it has version {version}, and {_VERSION} is known here")


def _to_feedback(row: Sequence[Any]) -> Feedback:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["quotes"] = tuple(Quoted(**one) for one in json.loads(values["quotes"]))
    return Feedback(**values)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _storable(text: str) -> str:
    """Return a text without lone surrogates, which SQLite cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _check_verdict(verdict: str) -> None:
    if verdict not in get_args(Verdict):
        raise FeedbackError(f"There is no verdict {verdict!r}. Choose good or bad.")


def _check_lengths(
    question: str, searched: str, answer: str, comment: str, quotes: Sequence[str | Quoted]
) -> None:
    _check_length("The question", question, _LONGEST_QUESTION)
    _check_length("The question searched for", searched, 2 * _LONGEST_QUESTION)
    _check_length("The answer", answer, _LONGEST_ANSWER)
    _check_length("The comment", comment, LONGEST_COMMENT)
    if len(quotes) > _MOST_QUOTES:
        raise FeedbackError(
            f"There are {len(quotes)} quotes. Give at most {_MOST_QUOTES}, the best ones."
        )
    for one in quotes:
        text = one if isinstance(one, str) else "".join(vars(one).values())
        _check_length("A quote", text, _LONGEST_QUOTE)


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise FeedbackError(
            f"{what} has {len(text):,} characters, at most {most:,} are kept. Shorten it."
        )
