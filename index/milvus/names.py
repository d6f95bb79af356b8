"""The names of the collections of an index."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"[0-9]{6,12}_[0-9]{8}T[0-9]{6}Z_[0-9a-f]{6}")
_SEGMENT = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True)
class SegmentNames:
    """The collections of a segment."""

    passages: str
    parts: str
    texts: str

    def all(self) -> tuple[str, str, str]:
        """Return all of them."""
        return self.passages, self.parts, self.texts


@dataclass(frozen=True)
class Names:
    """The names of the collections of an index.

    Attributes:
        alias: the index's name, which stands for its generation in use.
    """

    alias: str

    @property
    def lock(self) -> str:
        """The collection that says who is writing."""
        return f"{self.alias}_lock"

    def of_generation(self, name: str) -> str:
        """Return the collection of a generation."""
        return f"{self.alias}_g{name.replace('-', '_')}"

    def of_segment(self, name: str) -> SegmentNames:
        """Return the collections of a segment."""
        start = f"{self.alias}_s{name}"
        return SegmentNames(f"{start}_passages", f"{start}_parts", f"{start}_texts")

    def generations(self, collections: Iterable[str]) -> list[str]:
        """Return the names of the generations among collections, newest first."""
        start = f"{self.alias}_g"
        found = [name.removeprefix(start) for name in collections if name.startswith(start)]
        return sorted(
            (one.replace("_", "-") for one in found if _NAME.fullmatch(one)), reverse=True
        )

    def segments(self, collections: Iterable[str]) -> set[str]:
        """Return the names of the segments among collections."""
        start = f"{self.alias}_s"
        found = (
            name.removeprefix(start).split("_")[0] for name in collections if name.startswith(start)
        )
        return {one for one in found if _SEGMENT.fullmatch(one)}
