"""The manifest: what a generation says of itself, and of every file in it.

    {
      "format": 5, "created": "…", "model": "…", …,
      "files": {"passages.sqlite": {"bytes": 40960, "sha256": "…"}, …},
      "sha256": "…"
    }

``sha256`` is that of everything else, as JSON with sorted keys, no spaces and only ASCII. It is
written last: a generation with a manifest is complete. To add a fact, give ``Manifest`` a field
with a default, or hand it to ``seal`` as it is: fields that a reader does not know are kept in
``facts`` and otherwise left alone.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from index.durable import read_bounded, replace_text, sha256_of
from index.errors import IndexDamagedError, IndexFormatError
from index.types import TOKEN_VECTOR_KINDS

FORMAT = 6
MANIFEST = "manifest.json"
BUILD_AGAIN = "Build it again: python -m index build PATH"
_MOST_BYTES = 16 << 20
_MOST_DIMENSIONS = 1 << 16
_MOST_SEGMENTS = 1000
_FILE_NAME = re.compile(
    r"(?:segments/[0-9]{1,4}/)?(?:[A-Za-z0-9._-]{1,100}/)?[A-Za-z0-9._-]{1,100}"
)
_OF_THEIR_OWN = {"files", "segments", "facts"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileFacts:
    """What the manifest says of a file: its size in bytes and its SHA-256 in hexadecimal."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class SegmentFacts:
    """What the manifest says of a segment: how many documents and passages it has."""

    documents: int
    passages: int


@dataclass(frozen=True)
class Manifest:
    """What a generation says of itself.

    Attributes:
        format: version of the layout.
        created: when it was built, ISO 8601 in UTC.
        model: the embedder's name.
        model_revision: identifies its weights.
        dimension: length of a vector.
        max_tokens: the passage limit it was split with.
        token_vectors: how token vectors are stored, ``int8`` or ``pq``.
        documents: how many documents.
        passages: how many passages.
        files: every other file, by path inside the generation.
        segments: its segments, in their order.
        sources: the paths it was built from, absolute, for building it again.
        reading: identifies how texts were read, folded and cut into terms.
        facts: fields this version does not know.
    """

    format: int
    created: str
    model: str
    model_revision: str
    dimension: int
    max_tokens: int
    token_vectors: str
    documents: int
    passages: int
    files: dict[str, FileFacts]
    segments: tuple[SegmentFacts, ...] = ()
    sources: tuple[str, ...] = ()
    reading: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def write_manifest(
    folder: Path, facts: Mapping[str, Any], taken_over: Mapping[str, FileFacts] | None = None
) -> Manifest:
    """Describe every file of a folder, and write it down by one atomic rename.

    Args:
        folder: of the generation.
        facts: the other fields.
        taken_over: the files linked from another generation, with what its manifest says of them:
            they are not read again, and one that was altered since does not fit its hash.
    """
    known = taken_over or {}
    files = {
        name: known.get(name) or FileFacts(path.stat().st_size, sha256_of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix())
    }
    values = {
        "format": FORMAT,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **facts,
        "files": {name: asdict(file) for name, file in files.items()},
    }
    text = json.dumps(signed(values), ensure_ascii=False, indent=2)
    replace_text(folder / MANIFEST, text + "\n")
    return read_manifest(folder)


def signed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a manifest with the hash of all of them."""
    others = {name: value for name, value in values.items() if name != "sha256"}
    canonical = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return {**others, "sha256": hashlib.sha256(canonical.encode("ascii")).hexdigest()}


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation.

    Raises:
        IndexDamagedError: it cannot be read, was altered, or holds impossible values.
        IndexFormatError: it was written by a version with another layout.
    """
    path = folder / MANIFEST
    try:
        values = json.loads(read_bounded(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise IndexDamagedError(f"{path} cannot be read ({error}). {BUILD_AGAIN}") from error
    return manifest_of(values, path)


def manifest_of(values: Any, path: Path | str) -> Manifest:  # noqa: ANN401  (whatever JSON can say)
    """Return the manifest that JSON holds.

    Args:
        values: what was read.
        path: from where, for messages.

    Raises:
        IndexDamagedError: it was altered, or holds impossible values.
        IndexFormatError: it was written by a version with another layout.
    """
    try:
        _check_format(path, values["format"])
        if values != signed(values):
            raise ValueError("it was altered after it was written")
        return _to_manifest(values)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise IndexDamagedError(f"{path} cannot be read ({reason}). {BUILD_AGAIN}") from error


def _check_format(path: Path | str, found: object) -> None:
    if found == FORMAT:
        return
    wrote = "a newer version" if isinstance(found, int) and found > FORMAT else "an older version"
    raise IndexFormatError(
        f"{path} has index format {str(found)[:20]}, written by {wrote} of Yinzheng; this one "
        f"reads format {FORMAT}."
    )


def _to_manifest(values: dict[str, Any]) -> Manifest:
    if type(values["files"]) is not dict:
        raise TypeError("its list of files is none")
    named = {one.name: one for one in fields(Manifest) if one.name not in _OF_THEIR_OWN}
    known = {name: values[name] for name in named if name in values or _is_required(named[name])}
    known["sources"] = tuple(known.get("sources", ()))
    manifest = Manifest(
        **known,
        files={name: _to_file_facts(name, file) for name, file in values["files"].items()},
        segments=tuple(SegmentFacts(**one) for one in values.get("segments", ())),
        facts={n: v for n, v in values.items() if n not in {*named, *_OF_THEIR_OWN, "sha256"}},
    )
    _check_values(manifest)
    return manifest


def _is_required(one: Any) -> bool:  # noqa: ANN401  (a dataclasses.Field of any type)
    return one.default is MISSING and one.default_factory is MISSING


def _to_file_facts(name: str, file: Mapping[str, Any]) -> FileFacts:
    if not _FILE_NAME.fullmatch(name) or set(name.split("/")) & {".", ".."}:
        raise ValueError(f"{name[:100]!r} is not a name inside of a generation")
    size, digest = file["bytes"], file["sha256"]
    if type(size) is not int or size < 0 or not _SHA256.fullmatch(digest):
        raise ValueError(f"what it says of {name} is impossible")
    return FileFacts(size, digest)


def _check_values(manifest: Manifest) -> None:
    datetime.fromisoformat(manifest.created)
    texts = (manifest.model, manifest.model_revision, manifest.reading, *manifest.sources)
    counts = [manifest.documents, manifest.passages, manifest.max_tokens]
    for segment in manifest.segments:
        counts += (segment.documents, segment.passages)
    if len(manifest.segments) > _MOST_SEGMENTS:
        raise ValueError("it names more segments than there can be")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a name in it is no text")
    if not all(type(count) is int and 0 <= count < 1 << 48 for count in counts):
        raise ValueError("a count in it is impossible")
    if type(manifest.dimension) is not int or not 0 < manifest.dimension <= _MOST_DIMENSIONS:
        raise ValueError("the length of its vectors is impossible")
    if manifest.token_vectors not in TOKEN_VECTOR_KINDS:
        raise ValueError(f"it knows no token vectors of kind {str(manifest.token_vectors)[:20]!r}")
