"""The next generation out of segments: those of the old one that stay, and one that is written.

A segment all of whose documents stay is taken over by links to its files. What is new is written
into a segment of its own, together with what stays of segments that lost a document (nothing that
was taken out is left in any file), and with segments that are small beside all this: so there are
only a few of them, and each passage is copied a number of times that grows with the logarithm of
how many there are (O'Neil et al., "The log-structured merge-tree", 1996).
"""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index import generation
from index.durable import link_or_copy, writing
from index.folding import terms
from index.gathering import Gathering
from index.lexical import add_lexical, write_lexical
from index.manifest import FileFacts, SegmentFacts
from index.places import Places
from index.reading import numbered
from index.reuse import OldGeneration
from index.spool import Waiting
from index.store import Entry
from index.types import Passage

IntArray = npt.NDArray[np.int64]

_SHARE = 4
"""A segment of up to this many times the passages that are written is written along with them."""
_MOST_SEGMENTS = 8
_META = {"meta.json", ".managed.json"}
"""What tantivy writes anew when passages are added; copied, so that no link can lead to it."""


@dataclass(frozen=True)
class Written:
    """The documents of a new segment, in the order of their paths; each is loaded when it is used.

    Attributes:
        known: what is known of each without that.
        load: returns one of them.
    """

    known: Sequence[Waiting] = ()
    load: Callable[[str], Entry] | None = None

    def __len__(self) -> int:
        return len(self.known)

    @property
    def passages(self) -> int:
        """How many passages they have."""
        return sum(one.passages for one in self.known)

    def entries(self, ids: Container[str] | None = None) -> Iterator[Entry]:
        """Yield the documents, or some of them, their passages numbered by their rows."""
        first = 0
        for one in self.known:
            if self.load is not None and (ids is None or one.id in ids):
                yield numbered(self.load(one.id), first)
            first += one.passages


@dataclass(frozen=True)
class Layout:
    """What becomes of the old generation's segments, and what is written.

    Attributes:
        linked: the segments of the old generation that are taken over as they are, in order.
        written: the documents that are written into a new segment behind those.
        numbers: of documents that had one, their number in the lexical index, by id.
    """

    linked: Sequence[int]
    written: Written = field(default_factory=Written)
    numbers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, gathering: Gathering, *, may_link: bool) -> "Layout":
        """Decide which segments stay.

        Args:
            gathering: which documents the next generation holds.
            may_link: whether any may, or all is to be written anew.
        """
        old = gathering.old
        linked = _linked(old, gathering) if old is not None and may_link else []
        known, numbers, kept_in = list(gathering.spool), {}, {}
        for segment in range(len(old.stores)) if old is not None else ():
            if segment not in linked and old is not None:
                for waiting, row in gathering.kept_of(segment):
                    numbers[waiting.id] = old.places.number_of(segment, row)
                    kept_in[waiting.id] = segment
                    known.append(waiting)

        def load(document_id: str) -> Entry:
            if document_id in kept_in:
                return gathering.kept(kept_in[document_id], document_id)
            return gathering.spool.entry(document_id)

        return cls(linked, Written(sorted(known, key=_path_of), load), numbers)

    def segments(self, old: OldGeneration | None) -> list[SegmentFacts]:
        """Return what the manifest says of the segments."""
        found = [old.manifest.segments[number] for number in self.linked] if old else []
        if self.written or not found:  # an index without documents has a segment all the same
            found.append(SegmentFacts(len(self.written), self.written.passages))
        return found


def _linked(old: OldGeneration, gathering: Gathering) -> list[int]:
    """Return which segments stay as they are."""
    sizes = {number: facts.passages for number, facts in enumerate(old.manifest.segments)}
    written = sum(one.passages for one in gathering.spool)
    for id_ in gathering.gone:
        sizes.pop(old.segment_of(id_), None)
    gone = sum(info.passages for id_ in gathering.gone if (info := old.info(id_)) is not None)
    written += old.manifest.passages - sum(sizes.values()) - gone
    return staying(sizes, written)


def staying(sizes: Mapping[int, int], written: int) -> list[int]:
    """Return which segments are not written along with what is written anyway, in order.

    Args:
        sizes: how many passages each segment has.
        written: how many passages are written in any case.
    """
    left = dict(sizes)
    for number in sorted(sizes, key=lambda one: (sizes[one], one)):
        if written and (sizes[number] <= _SHARE * written or len(left) >= _MOST_SEGMENTS):
            written += left.pop(number)
    return sorted(left)


def _path_of(document: Waiting) -> tuple[str, str]:
    return document.path, document.id


# ---- files that are taken over -------------------------------------------------------------------


def link_segments(beside: Path, old: OldGeneration, linked: Sequence[int]) -> dict[str, FileFacts]:
    """Link the files of segments into a new generation; return what is known of them there.

    Raises:
        IndexDamagedError: one had to be copied, and is not as it was built.
        IndexFolderError: the disk has no room.
    """
    found: dict[str, FileFacts] = {}
    for number, segment in enumerate(linked):
        for name in old.files_of(segment):
            own = "/".join((generation.SEGMENTS, str(number), *name.split("/")[2:]))
            _take_over(old, name, beside / own)
            found[own] = old.manifest.files[name]
    return found


def _take_over(old: OldGeneration, name: str, target: Path) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if not link_or_copy(old.folder / name, target):
            old.check([name])


# ---- where everything is -------------------------------------------------------------------------


def next_places(layout: Layout, old: OldGeneration | None, *, same_numbers: bool) -> Places:
    """Return the places of the next generation's documents.

    Args:
        layout: its segments.
        old: the generation before; None when nothing is taken from it.
        same_numbers: whether its lexical index is added to, and not written anew.
    """
    kept, of_kept = _kept_places(layout, old)
    known = layout.written.known
    new = np.zeros((len(known), 4), np.int64)
    new[:, 0] = len(layout.linked)
    new[:, 2] = [one.passages for one in known]
    new[:, 1] = np.cumsum(new[:, 2]) - new[:, 2]
    at = [bisect_left(of_kept, _path_of(one)) for one in known]
    if same_numbers and old is not None:
        new[:, 3] = _numbers(layout, old.manifest.passages)
        return Places(np.insert(kept, at, new, axis=0))
    table = np.insert(kept, at, new, axis=0)
    table[:, 3] = table[:, 1] + _bases(layout.segments(old))[table[:, 0]]
    return Places(table)


def _kept_places(layout: Layout, old: OldGeneration | None) -> tuple[IntArray, "_Paths"]:
    """Return the places of the documents in linked segments, and their paths."""
    if old is None or not layout.linked:
        return np.empty((0, 4), np.int64), _Paths(None, np.empty((0, 4), np.int64))
    before = old.places.table
    before = before[np.isin(before[:, 0], layout.linked)]
    kept = before.copy()
    kept[:, 0] = np.searchsorted(layout.linked, before[:, 0])
    return kept, _Paths(old, before)


class _Paths(Sequence[tuple[str, str]]):
    """The path and id of each document of a table, looked up when they are asked for."""

    def __init__(self, old: OldGeneration | None, table: IntArray) -> None:
        self._old = old
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, at: int) -> tuple[str, str]:  # type: ignore[override]  # no slices
        if self._old is None:
            raise IndexError(at)
        segment, row = self._table[at, :2].tolist()
        return self._old.path_of(segment, row)


def _numbers(layout: Layout, first: int) -> list[int]:
    """Return the number of each document that is written: its own, or one from ``first`` on."""
    found = []
    for one in layout.written.known:
        known = layout.numbers.get(one.id)
        found.append(first if known is None else known)
        if known is None:
            first += one.passages
    return found


def _bases(segments: Sequence[SegmentFacts]) -> IntArray:
    sizes = np.array([facts.passages for facts in segments], np.int64)
    bases: IntArray = np.cumsum(sizes) - sizes
    return bases


# ---- the lexical index ---------------------------------------------------------------------------


def add_to_lexical(beside: Path, layout: Layout, old: OldGeneration) -> dict[str, FileFacts]:
    """Link the old generation's lexical index, and add the documents that it does not hold.

    Returns:
        What is known of the files that are the old ones.

    Raises:
        IndexDamagedError: one that was copied or merged is not as it was built.
        IndexFolderError: the disk has no room.
    """
    start = f"{generation.LEXICAL}/"
    names = [name for name in old.manifest.files if name.startswith(start)]
    meta = [name for name in names if name.removeprefix(start) in _META]
    old.check(meta)
    for name in names:
        if name in meta:
            with writing(beside / name):
                (beside / generation.LEXICAL).mkdir(exist_ok=True)
                (beside / name).write_bytes((old.folder / name).read_bytes())
        else:
            _take_over(old, name, beside / name)
    new = {one.id for one in layout.written.known if one.id not in layout.numbers}
    passages = (passage for entry in layout.written.entries(new) for passage in entry.passages)
    add_lexical(beside / generation.LEXICAL, old.manifest.passages, _terms_of(passages))
    left = {name for name in names if name not in meta and (beside / name).is_file()}
    # Merged ones were read, whatever was in them.
    old.check([name for name in names if name not in left])
    return {name: old.manifest.files[name] for name in left}


def write_whole_lexical(beside: Path, layout: Layout, old: OldGeneration | None) -> None:
    """Write the lexical index of all segments anew, in their order.

    Raises:
        IndexDamagedError: a store that is read is not as it was built.
        IndexFolderError: the disk has no room.
    """
    of_linked = (_passages_of(old, number) for number in layout.linked) if old else ()
    of_new = (passage for entry in layout.written.entries() for passage in entry.passages)
    passages = chain(chain.from_iterable(of_linked), of_new)
    write_lexical(beside / generation.LEXICAL, _terms_of(passages))


def _passages_of(old: OldGeneration, segment: int) -> Iterator[Passage]:
    old.check([f"{generation.SEGMENTS}/{segment}/{generation.PASSAGES}"])
    store = old.stores[segment]
    for start in range(0, store.passages, 500):
        yield from store.get_passages(range(start, min(start + 500, store.passages)))


def _terms_of(passages: Iterable[Passage]) -> Iterator[Sequence[str]]:
    return (terms(passage.searchable) for passage in passages)
