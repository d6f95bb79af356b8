"""Texts that make an index larger: a passage each, of documents that have nothing to do with it."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path

from index import EvaluationError
from index.splitter import sentences

LONGEST = 200
"""Characters that are kept of a text, so that it is one passage."""


def read_distractors(path: Path) -> list[str]:
    """Return the beginnings of texts, each once, in order (``read_texts``)."""
    return list(dict.fromkeys(map(beginning, read_texts(path))))


def read_texts(path: Path) -> list[str]:
    """Return texts, each once, in order.

    Args:
        path: JSON Lines with a ``text`` on each line (``.jsonl``, or ``.jsonl.xz``), or a folder
            of text files.

    Raises:
        EvaluationError: it is neither, or holds no text.
    """
    try:
        texts = list(dict.fromkeys(filter(str.strip, _read(path))))
    except (OSError, EOFError, lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path} cannot be read as texts ({type(error).__name__}: {error}). Give JSON Lines "
            'with a "text" on each line (.jsonl or .jsonl.xz), or a folder of text files in UTF-8.'
        ) from error
    if not texts:
        raise EvaluationError(f"{path} holds no text. Name another file or folder.")
    return texts


def beginning(text: str) -> str:
    """Return the sentences of a text that end within ``LONGEST`` characters, on one line.

    Of a first sentence that is longer, its beginning.
    """
    line = " ".join(text.split())
    ends = [span.end for span in sentences(line, 0, len(line)) if span.end <= LONGEST]
    return line[: ends[-1] if ends else LONGEST]


def _read(path: Path) -> Iterator[str]:
    if path.is_dir():
        for file in sorted(path.rglob("*.txt")):
            yield file.read_text(encoding="utf-8")
        return
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield str(json.loads(line)["text"])
