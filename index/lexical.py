"""BM25 over terms in tantivy. The only file that knows tantivy.

Terms come from ``index.folding.terms``; tantivy only splits them at the spaces between. Its files
are memory-mapped and it can add and delete without writing everything anew. ``bm25.py`` has the
formulas.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tantivy

from index import bm25
from index.durable import read_bounded, writing
from index.errors import IndexDamagedError
from index.locations import cache_dir

_TERMS = "terms"
_ID = "id"
LONGEST_TERM = 64
"""Terms are cut to this many characters, in passages and in queries."""
_HEAP_BYTES = 128 << 20
_COUNTS_KEPT = 4096
_META = "meta.json"
_MOST_META_BYTES = 4 << 20
_SEGMENT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

Alternatives = Sequence[Sequence[str]]
"""Words of which any will do, each as the terms that must all stand in a passage for it."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_ID, stored=False, indexed=False, fast=True)
    builder.add_text_field(_TERMS, stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def write_lexical(folder: Path, terms_of_passages: Iterable[Sequence[str]]) -> None:
    """Write the terms of each passage; the i-th is passage i.

    Raises:
        IndexFolderError: the disk has no room for them.
    """
    with writing(folder, ValueError):
        folder.mkdir(parents=True, exist_ok=True)
        index = tantivy.Index(_schema(), path=str(folder))
        _add(index, 0, terms_of_passages)


def add_lexical(folder: Path, first: int, terms_of_passages: Iterable[Sequence[str]]) -> None:
    """Add the terms of more passages to what was written; the i-th is passage ``first + i``.

    Its files are left as they are, or merged into new ones and removed; none is changed.

    Raises:
        IndexFolderError: the disk has no room for them.
    """
    with writing(folder, ValueError):
        index = tantivy.Index(_schema(), path=str(folder), reuse=True)
        _add(index, first, terms_of_passages)


def _add(index: tantivy.Index, first: int, terms_of_passages: Iterable[Sequence[str]]) -> None:
    # One thread: with more, which passages share a segment would differ from build to build.
    writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    for passage_id, terms in enumerate(terms_of_passages, start=first):
        document = tantivy.Document()
        document.add_unsigned(_ID, passage_id)
        document.add_text(_TERMS, " ".join(term[:LONGEST_TERM] for term in terms))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


@dataclass(frozen=True)
class LexicalHit:
    """A passage that shares terms with the query, and its BM25 score."""

    passage_id: int
    score: float


class LexicalIndex:
    """The terms of a generation.

    Raises:
        IndexDamagedError: the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._schema = _schema()
        self._folder = folder
        _check_meta(folder)
        with self._readable(), _writable(folder) as place:
            self._index = tantivy.Index(self._schema, path=str(place), reuse=True)
            # A generation never changes. By default a thread watches for changes, and reads files
            # again that somebody may be cutting short: that ends the process.
            self._index.config_reader(reload_policy="manual")
            self._searcher = self._index.searcher()
        self._counts: dict[tuple[tuple[str, ...], ...], int] = {}

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def idf(self, term: str) -> float:
        """Return the term's inverse document frequency; largest for a term in no passage."""
        return bm25.idf(self.frequency(term), len(self))

    def frequency(self, term: str) -> int:
        """Return in how many passages the term stands."""
        return int(self._searcher.doc_freq(_TERMS, term[:LONGEST_TERM]))

    def search(self, terms: Sequence[str], k: int) -> list[LexicalHit]:
        """Return the k passages with the highest BM25 score for these terms, best first."""
        distinct = dict.fromkeys(term[:LONGEST_TERM] for term in terms)
        if not distinct or not len(self):
            return []
        query = tantivy.Query.boolean_query(
            [
                (
                    tantivy.Occur.Should,
                    tantivy.Query.term_query(self._schema, _TERMS, term, index_option="freq"),
                )
                for term in distinct
            ]
        )
        return self._hits(query, k)

    def frequency_of_any(self, alternatives: Alternatives) -> int:
        """Return in how many passages at least one of the alternatives stands."""
        # Every passage of a word is counted, and those that stand in most are asked for most.
        key = tuple(map(tuple, alternatives))
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) >= _COUNTS_KEPT:
                self._counts.clear()
            count = self._counts[key] = self._count_any(alternatives)
        return count

    def _count_any(self, alternatives: Alternatives) -> int:
        query = self._any_of(alternatives)
        if query is None:
            return 0
        found = self._searcher.search(query, limit=1)
        return int(found.count)  # type: ignore[attr-defined]  # it is there, its stub forgets it

    def search_any(self, weighed: Sequence[tuple[Alternatives, float]], k: int) -> list[LexicalHit]:
        """Return the k passages with the most weight, best first.

        Args:
            weighed: alternatives and their weight; a passage gets the weight, once, when at least
                one of them stands in it.
            k: how many passages.
        """
        queries = [(self._any_of(alternatives), weight) for alternatives, weight in weighed]
        scored = [
            (tantivy.Occur.Should, tantivy.Query.const_score_query(query, weight))
            for query, weight in queries
            if query is not None
        ]
        if not scored or not len(self):
            return []
        return self._hits(tantivy.Query.boolean_query(scored), k)

    def _any_of(self, alternatives: Alternatives) -> tantivy.Query | None:
        present = [
            terms for terms in alternatives if terms and all(self.frequency(term) for term in terms)
        ]
        if not present:
            return None
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._all_of(terms)) for terms in present]
        )

    def _all_of(self, terms: Sequence[str]) -> tantivy.Query:
        queries = [
            tantivy.Query.term_query(
                self._schema, _TERMS, term[:LONGEST_TERM], index_option="basic"
            )
            for term in terms
        ]
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])

    def passage_ids(self) -> list[int]:
        """Return the id of every passage, in no order; for checking them."""
        with self._readable():
            return [hit.passage_id for hit in self._hits(tantivy.Query.all_query(), len(self))]

    def _hits(self, query: tantivy.Query, k: int) -> list[LexicalHit]:
        with self._readable():
            found = self._searcher.search(query, limit=min(k, len(self)), count=False).hits
            ids = self._searcher.fast_field_values(_ID, [address for _, address in found])
            # The other views are asked by this id; a stranger's must not lead outside of them.
            if any(passage_id is None or passage_id >= len(self) for passage_id in ids):
                raise ValueError("it names a passage there cannot be")
        hits = [
            LexicalHit(int(passage_id or 0), float(score))
            for (score, _), passage_id in zip(found, ids, strict=True)
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            # What tantivy did not expect arrives as a panic, which is no Exception.
            if isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException":
                raise _damaged(self._folder, f"cannot be read ({error})") from error
            raise


@contextmanager
def _writable(folder: Path) -> Iterator[Path]:
    """Lend a folder for opening an index: tantivy makes a lock file, even where it only reads.

    Where it cannot, on a share or a disk for reading only, links to the files do: a searcher has
    mapped all it needs when it is there.
    """
    if os.access(folder, os.W_OK):
        yield folder
        return
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="lexical-") as place:
        for path in folder.iterdir():
            if path.suffix != ".lock":
                (Path(place) / path.name).symlink_to(path.resolve())
        yield Path(place)


def _check_meta(folder: Path) -> None:
    """Look at the list of segments; their ids become names of files."""
    path = folder / _META
    try:
        segments = json.loads(read_bounded(path, _MOST_META_BYTES))["segments"]
        for segment in segments:
            if not _SEGMENT.fullmatch(segment["segment_id"]) or segment["deletes"] is not None:
                raise ValueError("it names a segment that was not written here")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, f"cannot be read ({error})") from error


def _damaged(path: Path, fact: str) -> IndexDamagedError:
    return IndexDamagedError(f"{path} {fact}. Build the index again: python -m index build PATH")
