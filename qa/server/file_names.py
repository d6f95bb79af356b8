"""The name under which an uploaded file is kept: its own, as far as that is safe on any system."""

import hashlib
import unicodedata
from pathlib import PurePosixPath

_MOST_BYTES = 180  # of the 255 that file systems take: others put something before or behind
_MOST_SUFFIX_BYTES = 16
# Windows refuses these; the full-width and look-alike slashes and dots become others when a file
# system or an archiver folds compatible characters into one.
_REPLACED = str.maketrans(
    dict.fromkeys('<>:"|?*\u2044\u2215\u29f8\uff0f\uff3c\ufe68\uff0e\u2024\u2025', "_")
)
_RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
}
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def safe_name(given: str) -> str:
    """Return a file's name without folders, and without what could deceive or harm.

    Control characters, marks that turn the direction of writing and other invisible characters are
    taken out, names that some system refuses are changed, long ones cut. A name that was changed in
    more than its blanks carries six digits of the hash of the given one, so that two names do not
    become the same.
    """
    plain = unicodedata.normalize("NFC", given.encode("utf-8", "replace").decode())
    plain = "".join(" " if unicodedata.category(c) == "Zs" else c for c in plain)
    base = plain.replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = _cut(_cleaned(base))
    if cleaned == base:
        return cleaned
    path = PurePosixPath(cleaned)
    digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{path.stem}~{digest}{path.suffix}"


def _cleaned(base: str) -> str:
    visible = "".join(c for c in base if unicodedata.category(c) not in _INVISIBLE)
    # A leading dot hides a file; Windows drops dots and blanks at the end.
    name = visible.translate(_REPLACED).lstrip(". \t").rstrip(". \t") or "document"
    is_reserved = name.split(".")[0].rstrip().casefold() in _RESERVED
    return f"_{name}" if is_reserved else name


def _cut(name: str) -> str:
    """Shorten a name to what every file system takes, its suffix kept."""
    if len(name.encode()) <= _MOST_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _MOST_SUFFIX_BYTES:
        suffix = ""
    stem = name.removesuffix(suffix).encode()[: _MOST_BYTES - len(suffix.encode())]
    return stem.decode("utf-8", "ignore").rstrip(". \t") + suffix
