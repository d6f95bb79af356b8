"""Files in, a new generation out: the whole way on one screen."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index import generation
from index.cleaner import Cleaned, clean
from index.errors import DocumentError, NoDocumentsError, SettingError
from index.folding import fold, terms
from index.lexical import write_lexical
from index.loaders import Source, find_sources, load, shown
from index.loaders.decoded import Block, Decoded
from index.locations import default_index_dir
from index.part_vectors import (
    PartVectors,
    PartVectorWriter,
    compress,
)
from index.quantiser import FEWEST_TRAINED, PIECE
from index.reader import Index
from index.splitter import CountTokens, Section, find_blocks, split
from index.store import write_store
from index.types import (
    TOKEN_VECTOR_KINDS,
    BuildReport,
    Document,
    FailedFile,
    Passage,
    TokenVectorKind,
)
from index.vectors import write_vectors

if TYPE_CHECKING:
    from index.embedder import Embedder

Progress = Callable[[str, int, int], None]
"""Called with the stage (``read``, ``embed``, ``compress``, ``embed sentences``, ``write``), how
much is done, and of how much."""

_TOO_FEW = (
    f"Token vectors are stored as int8: a product quantiser needs {FEWEST_TRAINED:,} tokens to "
    "learn from, and there are fewer."
)

_ENCODED_TOGETHER = 256
"""Passages whose sentences are encoded in one go: texts of like length find each other."""


def build_index(
    paths: str | Path | Iterable[str | Path],
    *,
    index_dir: str | Path | None = None,
    model: str | None = None,
    token_vectors: TokenVectorKind = "int8",
    progress: Progress | None = None,
    embedding_cache: str | Path | None = None,
    wait: float = 0.0,
) -> BuildReport:
    """Index files and folders as a new generation; the old one serves until it is complete.

    Args:
        paths: files, and folders whose files of a known kind are taken.
        index_dir: the index folder; None = ``YINZHENG_INDEX`` or the user's data folder.
        model: a sentence-transformers folder or name; None = ``YINZHENG_MODEL`` or the bundled one.
        token_vectors: how the vectors of every token are stored: ``int8``, or ``pq`` in a quarter
            of that, by a product quantiser; with too few tokens for one it is int8 all the same,
            and a note of the report says so.
        progress: called as the work goes on.
        embedding_cache: a file that keeps embeddings for the next build; None = nothing is kept.
        wait: seconds to wait while another process is writing in this folder.

    Raises:
        DocumentError: a named path does not exist.
        NoDocumentsError: nothing in the paths could be indexed.
        IndexBusyError: another process is still writing in this folder after that time.
        IndexFolderError: the folder cannot be used, or the disk is full.
        ModelError: the model cannot be used.
        CacheError: the file of kept embeddings cannot be used.
        SettingError: there is no such kind of token vectors, or not for this model; or ``wait``
            is below 0.
    """
    started = time.perf_counter()
    told = progress or _tell_nobody
    folder = default_index_dir() if index_dir is None else Path(index_dir).expanduser()
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    files = list(find_sources(named))
    with (
        _embedder(model, embedding_cache) as embedder,
        generation.building(folder, wait=wait) as beside,
    ):
        _check_kind(token_vectors, embedder)
        read = _read_all(files, embedder.count_passage_tokens, embedder.max_tokens, told)
        kind = _write_views(beside, read, embedder, token_vectors, told)
        generation.seal(
            beside,
            model=embedder.name,
            model_revision=embedder.revision,
            dimension=embedder.dimension,
            max_tokens=embedder.max_tokens,
            token_vectors=kind,
            documents=len(read.documents),
            passages=len(read.passages),
            sources=[_as_text(Path(path).expanduser().absolute()) for path in named],
        )
        _verify(folder, beside)
        generation.swap(folder, beside)
    return BuildReport(
        index_dir=str(folder),
        generation=beside.name,
        documents=len(read.documents),
        passages=len(read.passages),
        removed_noise=read.removed_noise,
        seconds=time.perf_counter() - started,
        failed=tuple(read.failed),
        token_vectors=kind,
        notes=() if kind == token_vectors else (_TOO_FEW,),
    )


def _check_kind(token_vectors: str, embedder: "Embedder") -> None:
    if token_vectors not in TOKEN_VECTOR_KINDS:
        raise SettingError(
            f"Token vectors cannot be stored as {token_vectors!r}. "
            f"Choose one of {', '.join(TOKEN_VECTOR_KINDS)}."
        )
    if token_vectors == "pq" and embedder.dimension % PIECE:
        raise SettingError(
            f"The vectors of {embedder.name} have {embedder.dimension} numbers, which cannot be "
            f"divided by {PIECE} as pq needs. Store token vectors as int8."
        )


@contextmanager
def _embedder(model: str | None, embedding_cache: str | Path | None) -> Iterator["Embedder"]:
    from index.embedder import load_embedder, model_setting
    from index.embedding_cache import CachedEmbedder

    embedder = load_embedder(model_setting(model), allow_download=True)
    if embedding_cache is None:
        yield embedder
        return
    with CachedEmbedder(embedder, Path(embedding_cache).expanduser()) as cached:
        yield cached


@dataclass
class _Read:
    """What the files hold."""

    documents: list[Document] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    failed: list[FailedFile] = field(default_factory=list)
    removed_noise: int = 0


def _read_all(
    files: Sequence[Source | FailedFile], count_tokens: CountTokens, max_tokens: int, told: Progress
) -> _Read:
    read = _Read()
    for done, source in enumerate(files, start=1):
        if isinstance(source, FailedFile):
            read.failed.append(source)
            continue
        try:
            _read_one(read, source, count_tokens, max_tokens)
        except DocumentError as error:
            read.failed.append(FailedFile(shown(source.path), str(error)))
        told("read", done, len(files))
    if not read.passages:
        reasons = "; ".join(failed.reason for failed in read.failed[:3])
        raise NoDocumentsError(
            f"None of the {len(files)} files could be indexed"
            f"{f': {reasons}' if reasons else ''}. The old index, if any, is unchanged. "
            "Give documents, or folders that hold some."
        )
    return read


def _read_one(read: _Read, source: Source, count_tokens: CountTokens, max_tokens: int) -> None:
    content = source.read()
    decoded = load(source.path, content)
    cleaned = clean(decoded.text, has_blocks=decoded.blocks is not None)
    blocks = _clean_blocks(decoded, cleaned)
    sections = split(cleaned.text, blocks, count_tokens=count_tokens, max_tokens=max_tokens)
    if not sections:
        raise DocumentError(
            f"{shown(Path(source.path).name)} holds no text. Check the file, or leave it out."
        )
    # A file name may hold bytes that are no UTF-8; they cannot be stored or shown.
    name = os.fsencode(source.path)
    document = Document(
        id=hashlib.sha256(name).hexdigest()[:12],
        path=name.decode("utf-8", "replace"),
        title=_title(cleaned.text, blocks)
        or os.fsencode(Path(source.path).stem).decode("utf-8", "replace"),
        text=cleaned.text,
        content_hash=hashlib.sha256(content).hexdigest(),
        encoding=decoded.encoding,
        offsets=cleaned.offsets,
    )
    read.documents.append(document)
    first = len(read.passages)
    read.passages.extend(
        _passage(first + n, document, section) for n, section in enumerate(sections)
    )
    read.removed_noise += cleaned.removed


def _as_text(name: str | Path) -> str:
    """Return a file's name as text: it may hold bytes that are no UTF-8, which cannot be stored."""
    return os.fsencode(name).decode("utf-8", "replace")


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


def _passage(passage_id: int, document: Document, section: Section) -> Passage:
    return Passage(
        id=passage_id,
        document_id=document.id,
        start=section.start,
        end=section.end,
        text=document.text[section.start : section.end],
        headings=section.headings,
        sentences=section.sentences,
        page=section.page,
    )


def _write_views(
    beside: Path, read: _Read, embedder: "Embedder", kind: TokenVectorKind, told: Progress
) -> TokenVectorKind:
    """Write everything but the manifest; return how token vectors are stored in the end."""
    texts = [passage.searchable for passage in read.passages]
    _write_vectors(beside, [fold(text) for text in texts], embedder, told)
    if kind == "pq" and not compress(beside / generation.TOKENS, partial(told, "compress")):
        kind = "int8"
    _write_sentences(beside, read.passages, embedder, told)
    write_lexical(beside / generation.LEXICAL, map(terms, texts))
    told("write", 1, 2)
    write_store(beside / generation.PASSAGES, read.documents, read.passages)
    told("write", 2, 2)
    return kind


def _write_vectors(
    beside: Path, folded: Sequence[str], embedder: "Embedder", told: Progress
) -> None:
    """Write both kinds of vectors from one forward pass."""
    counts = embedder.token_counts(folded)
    longest = max(map(len, folded))
    tokens = PartVectorWriter(
        beside / generation.TOKENS, counts, embedder.dimension, longest=longest
    )
    vectors = np.empty((len(folded), embedder.dimension), np.float32)
    for done, (passage_id, encoded) in enumerate(embedder.encode_passage_tokens(folded), start=1):
        vectors[passage_id] = encoded.vector
        tokens.write(passage_id, encoded.tokens)
        told("embed", done, len(folded))
    tokens.close()
    write_vectors(beside / generation.VECTORS, vectors)


def _write_sentences(
    beside: Path, passages: Sequence[Passage], embedder: "Embedder", told: Progress
) -> None:
    """Write a vector for every sentence, encoded by itself.

    One pooled from the tokens of its passage would save a forward pass, but those all speak of the
    whole passage: across languages it found the right sentence for .50 of the questions, not .71.
    """
    counts = [len(passage.sentences) for passage in passages]
    longest = max(len(passage.text) for passage in passages)
    writer = PartVectorWriter(
        beside / generation.SENTENCES, counts, embedder.dimension, longest=longest
    )
    for at in range(0, len(passages), _ENCODED_TOGETHER):
        part = passages[at : at + _ENCODED_TOGETHER]
        texts = [fold(text) for passage in part for text in passage.sentence_texts]
        vectors = np.split(embedder.encode_passages(texts), np.cumsum(counts[at : at + len(part)]))
        for passage, of_passage in zip(part, vectors[:-1], strict=True):
            spans = np.array([(s.start, s.end) for s in passage.sentences], np.int64)
            writer.write(passage.id, PartVectors(of_passage, spans - passage.start))
        told("embed sentences", at + len(part), len(passages))
    writer.close()


def _verify(index_dir: Path, beside: Path) -> None:
    """Read the new generation back before anyone else does."""
    with Index(index_dir, folder=beside) as index:
        index.verify(deep=False)


def _tell_nobody(_stage: str, _done: int, _total: int) -> None:
    return
