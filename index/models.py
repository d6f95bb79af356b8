"""Which sentence-transformers model, and loading it: the bundled one, a folder, or a hub's name."""

import contextlib
import gc
import hashlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from index import bundled_model
from index.embedder import Embedder
from index.errors import ModelError, ModelNotFoundError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_SAMPLED_BYTES = 1 << 20


def load_embedder(model: str | None = None, *, allow_download: bool = False) -> Embedder:
    """Return the embedder for a model; one copy a process.

    Args:
        model: a sentence-transformers folder or a model hub's name; None or the bundled model's own
            name = the bundled one.
        allow_download: whether a name that is not on this machine may be fetched.

    Raises:
        ModelNotFoundError: the model is not on this machine and may not be, or cannot be, fetched.
        ModelDamagedError: the bundled model's file is not the expected one.
        ModelError: the folder is not a sentence-transformers model.
    """
    model = model or bundled_model.MODEL_NAME
    is_here = model in _bundled_revisions() or Path(model).expanduser().is_dir()
    with _loading:  # two threads that ask first would load it twice
        return _load_embedder(model, allow_download and not is_here)


_loading = threading.Lock()


@lru_cache(maxsize=2)
def _load_embedder(model: str, allow_download: bool) -> Embedder:
    with _long_lived():
        return _new_embedder(model, allow_download)


def _new_embedder(model: str, allow_download: bool) -> Embedder:
    if model in _bundled_revisions():
        return _new_bundled(model)
    folder = Path(model).expanduser()
    if folder.is_dir():
        name = str(folder.resolve())
        return Embedder(
            _load(name, bundled=False, local_only=True), name=name, revision=_fingerprint(folder)
        )
    loaded = _load(model, bundled=False, local_only=not allow_download)
    return Embedder(loaded, name=model, revision=_commit(loaded))


def _new_bundled(name: str) -> Embedder:
    from index.packed import packed_or_none
    from index.padded import PaddedBert
    from index.phrases import bundled_reader
    from index.quantized import bundled_ranges, is_worth_it
    from index.sentence_pooling import bundled_pooling

    ranges = bundled_ranges() if is_worth_it() else None
    loaded = _load(str(bundled_model.bundled_model_dir()), bundled=True, local_only=True)
    packed = packed_or_none(loaded, ranges)
    return Embedder(
        loaded,
        name=name,
        revision=_bundled_revisions()[name],
        engine=packed or PaddedBert(loaded[0].auto_model),
        pooling=bundled_pooling() if name == bundled_model.ONE_PASS_NAME else None,
        reader=None if packed is None else partial(bundled_reader, packed),
    )


def identify(model: str | None = None) -> tuple[str, str] | None:
    """Return a model's name and revision without loading it; None when only loading can tell."""
    bundled = _bundled_revisions()
    if (name := model or bundled_model.MODEL_NAME) in bundled:
        return name, bundled[name]
    folder = Path(model or "").expanduser()
    return (str(folder.resolve()), _fingerprint(folder)) if folder.is_dir() else None


def _bundled_revisions() -> dict[str, str]:
    """Return what identifies the weights, and where it is used the map to sentences, by name."""
    weights = bundled_model.REVISION
    mapped = f"{weights}-{bundled_model.POOLING_SHA256[:8]}"
    return {bundled_model.MODEL_NAME: weights, bundled_model.ONE_PASS_NAME: mapped}


@contextlib.contextmanager
def _long_lived() -> Iterator[None]:
    """Keep the garbage collector away from what is loaded here and stays until the end.

    Importing torch and transformers makes some million objects. Collections during the imports
    took 1.2 of 6.0 seconds, and walking everything once more at exit another 1.2.

    Only the first time: what was let go of since, such as a model no longer used, would stay.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        if not gc.get_freeze_count():
            gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def model_setting(model: str | None) -> str | None:
    """Return the model asked for: the argument, else ``YINZHENG_MODEL``, else None."""
    return model or os.environ.get("YINZHENG_MODEL", "").strip() or None


def _load(name: str, *, bundled: bool, local_only: bool) -> "SentenceTransformer":
    # By default idle threads of torch spin. With a second process on the same two cores a question
    # then took 730 ms and not 27. Read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    from sentence_transformers import SentenceTransformer

    dtype = torch.bfloat16 if bundled and _has_native_bf16() else torch.float32
    try:
        with _no_loading_bar():
            model = SentenceTransformer(
                name, local_files_only=local_only, model_kwargs={"dtype": dtype}
            )
    except OSError as error:
        raise ModelNotFoundError(
            f"The embedding model {name!r} is not on this machine. "
            "Give a sentence-transformers folder, or build the index with --model NAME "
            "on a machine that may fetch it."
        ) from error
    except (ValueError, KeyError, RuntimeError, AttributeError, ImportError) as error:
        raise ModelError(
            f"{name!r} is not a usable sentence-transformers model ({error}). "
            "Give another folder or name with --model."
        ) from error
    if dtype is torch.bfloat16:
        model[0].register_forward_hook(_pool_in_float32)
    return model


def _pool_in_float32(
    _module: object, _inputs: object, features: "dict[str, torch.Tensor]"
) -> "dict[str, torch.Tensor]":
    # The mean over hundreds of tokens loses bits in bfloat16: cosine to float32 was .9964 at worst
    # over 200 texts, and .9999 with the sum taken here in float32.
    features["token_embeddings"] = features["token_embeddings"].float()
    return features


def _has_native_bf16() -> bool:
    """Return whether this processor (or GPU) multiplies bfloat16 in hardware."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, check, bool)()) for check in checks)


@contextlib.contextmanager
def _no_loading_bar() -> Iterator[None]:
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _fingerprint(folder: Path) -> str:
    """Hash names, sizes and the first MiB of every file: cheap, and changes when weights do."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLED_BYTES))
            file.seek(max(0, path.stat().st_size - _SAMPLED_BYTES))
            digest.update(file.read(_SAMPLED_BYTES))
    return digest.hexdigest()[:16]


def _commit(model: "SentenceTransformer") -> str:
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    return str(getattr(config, "_commit_hash", None) or "unknown")
