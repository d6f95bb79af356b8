"""Changing what a generation says and holds, as damage or a stranger would."""

import json
from pathlib import Path
from typing import Any

from index.durable import sha256_of
from index.manifest import signed


def rewrite(manifest: Path, **changes: Any) -> None:
    """Change fields of a manifest, and its own hash with them."""
    values = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(signed({**values, **changes})), encoding="utf-8")


def resign(folder: Path) -> None:
    """Make the manifest of a generation say of its files what is so now."""
    values = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    names = [name for name in values["files"] if (folder / name).is_file()]
    facts = {
        n: {"bytes": (folder / n).stat().st_size, "sha256": sha256_of(folder / n)} for n in names
    }
    rewrite(folder / "manifest.json", files=facts)
