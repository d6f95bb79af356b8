"""One file's bytes → its document and passages, with their keys, and what reading it showed."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from index.cleaner import Cleaned, clean
from index.errors import DocumentError
from index.folding import fold
from index.garble import garbled
from index.keys import duplicate_key, vector_key
from index.loaders import Block, Decoded, Limits, load, shown
from index.splitter import CountTokens, Section, find_blocks, split
from index.store import Entry, Keys
from index.types import Document, Dropped, FileFacts, Passage

_MADE_BY = (
    *("cleaner.py", "folding.py", "garble.py", "layout.py", "numbers.py", "reading.py"),
    *("splitter.py", "loaders/*.py"),
)
_MADE_WITH = (
    *("jieba", "lxml", "markdown-it-py", "opencc", "openpyxl", "pypdfium2", "pypinyin"),
    "selectolax",
)

_LOOKED_THROUGH = 1_000_000
"""Characters that garble is looked for in: where all is garble it takes 0.1 ms each."""


def way_of_reading(encoding: str | None = None) -> str:
    """Return what identifies how files are read, cleaned, split and folded here.

    Args:
        encoding: the one that text files are forced into, if any.
    """
    return _way() if encoding is None else f"{_way()}:{encoding}"


def forced_encoding(reading: str) -> str | None:
    """Return the encoding that a file read in this way was forced into, if any."""
    return reading.partition(":")[2] or None


@lru_cache(maxsize=1)
def _way() -> str:
    """Return the same of whatever encoding.

    Made of the code itself, so that nobody has to remember to raise a number: after any change to
    it files are read again, and embedded only where their texts came out otherwise.
    """
    digest = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted(path for pattern in _MADE_BY for path in room.glob(pattern)):
        digest.update(path.read_bytes())
    for package in _MADE_WITH:
        digest.update(f"{package} {_version(package)}\n".encode())
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def document_id(path: str) -> str:
    """Return the id of the document that is known by a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def read(
    path: str,
    content: bytes,
    count_tokens: CountTokens,
    max_tokens: int,
    *,
    encoding: str | None = None,
    limits: Limits | None = None,
) -> Entry:
    """Return the document of a file, with its passages; they are numbered later.

    Args:
        path: the name the index knows the file by.
        content: its bytes.
        count_tokens: tokens of each text as the model counts them.
        max_tokens: the most a passage may cost.
        encoding: of a text file, where it is known; None = it is found out.
        limits: what is refused; None = the defaults.

    Raises:
        DocumentError: the bytes are no text that can be read, or there is none in them.
    """
    decoded = load(path, content, encoding=encoding, limits=limits)
    cleaned = clean(decoded.text, has_blocks=decoded.blocks is not None)
    blocks = _clean_blocks(decoded, cleaned)
    sections = split(cleaned.text, blocks, count_tokens=count_tokens, max_tokens=max_tokens)
    if not sections:
        raise DocumentError(
            f"{shown(Path(path).name)} holds no text. Check the file, or leave it out."
        )
    document = Document(
        id=document_id(path),
        path=shown(path),
        title=_title(cleaned.text, blocks) or shown(Path(path).stem),
        text=cleaned.text,
        content_hash=hashlib.sha256(content).hexdigest(),
        encoding=decoded.encoding,
        offsets=cleaned.offsets,
    )
    passages = [_passage(document, section) for section in sections]
    facts = _facts(decoded, cleaned, blocks, sections, way_of_reading(encoding))
    return Entry(document, passages, [_keys(passage) for passage in passages], facts)


def numbered(entry: Entry, first: int) -> Entry:
    """Return an entry whose passages have the ids from ``first`` on."""
    passages = [replace(one, id=first + n) for n, one in enumerate(entry.passages)]
    return replace(entry, passages=passages)


def with_keys_of_today(entry: Entry) -> Entry:
    """Return an entry that was read otherwise, with the keys that its passages have now."""
    return replace(entry, keys=[_keys(passage) for passage in entry.passages])


def _clean_blocks(decoded: Decoded, cleaned: Cleaned) -> Sequence[Block]:
    """Return the blocks in offsets of the clean text."""
    if decoded.blocks is None:
        return find_blocks(cleaned.text)
    derived = cleaned.offsets.to_derived
    moved = (
        Block(derived(block.start), derived(block.end), block.level, block.page)
        for block in decoded.blocks
    )
    return [block for block in moved if block.start < block.end]


def _title(text: str, blocks: Sequence[Block]) -> str | None:
    headings = [block for block in blocks if block.level is not None]
    if not headings:
        return None
    top = min(headings, key=lambda block: (block.level, block.start))
    # Only a heading above everything else speaks for the whole document.
    return " ".join(text[top.start : top.end].split()) if top is headings[0] else None


def _passage(document: Document, section: Section) -> Passage:
    return Passage(
        id=0,
        document_id=document.id,
        start=section.start,
        end=section.end,
        text=document.text[section.start : section.end],
        headings=section.headings,
        sentences=section.sentences,
        page=section.page,
    )


def _keys(passage: Passage) -> Keys:
    whole = fold(passage.searchable)
    own = whole[passage.searchable_offset :]  # folding goes character by character
    return Keys(
        vectors=vector_key(whole, passage.searchable_sentences), duplicate=duplicate_key(own)
    )


def _facts(
    decoded: Decoded,
    cleaned: Cleaned,
    blocks: Sequence[Block],
    sections: Sequence[Section],
    reading: str,
) -> FileFacts:
    dropped = Counter[str]()
    for skipped in decoded.skipped:
        dropped[f"{skipped.what}: {skipped.why}"] += skipped.count
    used = {heading for section in sections for heading in section.headings}
    for block in blocks:
        text = " ".join(cleaned.text[block.start : block.end].split())
        if block.level is not None and text not in used:
            dropped["heading with no paragraph below it"] += 1
    if decoded.blocks is not None:
        dropped["line outside every paragraph"] += _lines_outside(cleaned.text, blocks)
    return FileFacts(
        kind=decoded.kind,
        removed_noise=cleaned.removed,
        merged=max(0, _lines(decoded.text) - _lines(cleaned.text)),
        dropped=tuple(Dropped(reason, count) for reason, count in dropped.items() if count),
        garbled=len(garbled(cleaned.text[:_LOOKED_THROUGH])),
        notes=(*decoded.notes, *_on_garble(cleaned.text)),
        reading=reading,
    )


def _lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _lines_outside(text: str, blocks: Sequence[Block]) -> int:
    """Return how many lines hold letters or digits, none of them in a block."""
    outside, at = 0, 0
    for block in [*sorted(blocks, key=lambda b: b.start), Block(len(text), len(text))]:
        between = text[at : block.start]
        # What stands before a block on its own line is its mark: # or 1. say.
        whole = between.splitlines()[:-1] if block.start < len(text) else between.splitlines()
        outside += sum(any(map(str.isalnum, line)) for line in whole[bool(at) :])
        at = max(at, block.end)
    return outside


def _on_garble(text: str) -> Iterator[str]:
    if len(text) > _LOOKED_THROUGH:
        yield f"Garble was looked for in the first {_LOOKED_THROUGH:,} characters only."
