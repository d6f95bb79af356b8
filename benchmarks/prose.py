"""Text to learn from: passages cut from texts, and English prose that is on every machine."""

import ast
import importlib.metadata
import random
import re
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from index.splitter import sentences

LENGTHS = (150, 300, 480)
"""Characters of a passage that is cut from a text, by chance; of English, more to a token."""
ENGLISH_LENGTHS = (400, 800, 1400)
_SEED = 3
_SHORTEST, _LONGEST, _LETTERS = 100, 1500, 0.9
_CODE = re.compile(r"[`<>|{}\[\]#*=_/\\]|::|https?:")


def passages_of(text: str, lengths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of a text, long ones in parts of several lengths, whole sentences each."""
    chance = random.Random(f"{_SEED} {text[:40]}")  # noqa: S311  (the same parts every time)
    for line in text.splitlines():
        rest = line.strip()
        while rest:
            part = rest[: chance.choice(lengths)]
            ends = [span.end for span in sentences(part, 0, len(part))]
            if len(ends) > 1 and len(part) < len(rest):
                part = part[: ends[-2]]
            yield part
            rest = rest[len(part) :]


def installed_prose() -> list[str]:
    """Return what installed packages, and modules of Python's library, say of themselves."""
    described = (
        (one.read_text("METADATA") or "").partition("\n\n")[2]  # behind the head of a message
        for one in importlib.metadata.distributions()
    )
    library = Path(sysconfig.get_paths()["stdlib"])
    modules = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    documented = ("\n\n".join(_docstrings(path)) for path in modules if "test" not in path.parts)
    found = ("\n".join(_paragraphs(text)) for text in (*sorted(described), *documented))
    return [text for text in found if text]


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):  # a sample of what cannot be parsed
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs that are prose."""
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        if not _SHORTEST <= len(line) <= _LONGEST or _CODE.search(line):
            continue
        if sum(one.isalpha() or one.isspace() for one in line) > _LETTERS * len(line):
            yield line
