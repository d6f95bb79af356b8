"""What a stopped build leaves in an index folder for the next one."""

from pathlib import Path

CHECKPOINT = "checkpoint.sqlite"
"""What was embedded so far; see ``checkpoint.py``."""


def remove_checkpoint(index_dir: Path) -> None:
    """Remove what an earlier attempt left."""
    for name in (CHECKPOINT, f"{CHECKPOINT}-journal"):
        (index_dir / name).unlink(missing_ok=True)
