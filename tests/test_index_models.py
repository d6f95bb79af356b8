"""Models are loaded once, and let go of when others take their place."""

import gc
import weakref
from pathlib import Path

from tiny_models import tiny_model

from index.models import load_embedder


def test_a_model_no_longer_used_leaves_memory(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    names = [str(tiny_model(folder / "tiny")) for folder in folders]
    load_embedder(names[0])  # whatever is loaded first stays: it is what a process works with
    second = weakref.ref(load_embedder(names[1]))
    assert second() is load_embedder(names[1])
    for name in names[2:]:
        load_embedder(name)
    gc.collect()
    assert second() is None


def test_importing_is_kept_from_the_collector(tmp_path: Path) -> None:
    load_embedder(str(tiny_model(tmp_path / "tiny")))
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()
