"""Text → vectors with a sentence-transformers model. The only file that knows torch."""

import contextlib
import gc
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from index import bundled_model
from index.errors import ModelError, ModelNotFoundError
from index.part_vectors import PartVectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

FloatArray = npt.NDArray[np.float32]

_BATCH = 32
_PART = 4 * _BATCH
_SAMPLED_BYTES = 1 << 20
_NO_LIMIT = 1_000_000  # models without a limit say infinity, or a number like this
_DEFAULT_TOKENS = 512


@dataclass(frozen=True)
class Encoded:
    """A text's unit vector, float32 ``(dimension,)``, and the vectors of its tokens."""

    vector: FloatArray
    tokens: PartVectors


class Embedder:
    """A sentence-transformers model as retrieval sees it: texts in, unit vectors out.

    Attributes:
        name: the bundled model's name, a folder, or a name on a model hub.
        revision: identifies the weights; another revision gives other vectors.
        dimension: length of a vector.
        max_tokens: longest input in tokens, with prompt and special tokens.
    """

    def __init__(self, model: "SentenceTransformer", *, name: str, revision: str) -> None:
        self._model = model
        # A fast tokenizer refuses two threads at once ("Already borrowed").
        self._lock = threading.Lock()
        self.name = name
        self.revision = revision
        self.dimension: int = int(model.get_embedding_dimension() or 0)
        longest = model.max_seq_length
        self.max_tokens: int = int(longest) if longest and longest < _NO_LIMIT else _DEFAULT_TOKENS
        # A static model has no tokens in context, a slow tokenizer cannot tell where they stand.
        self._tells_tokens = getattr(model.tokenizer, "is_fast", False)
        prompts = model.prompts or {}
        candidates = (prompts.get(key) for key in ("document", "passage", "corpus"))
        self._passage_prompt = next((prompt for prompt in candidates if prompt), "")
        self._query_prompt = prompts.get("query") or ""

    def encode_queries(self, queries: Sequence[str]) -> FloatArray:
        """Return unit vectors for questions, float32 ``(n, dimension)``."""
        if not queries:
            return self._no_vectors()
        with self._lock:
            return _unit(self._model.encode_query(list(queries), **_ENCODE))

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors for passages, float32 ``(n, dimension)``, in the order given."""
        if not texts:
            return self._no_vectors()
        with self._lock:
            return _unit(self._model.encode_document(list(texts), **_ENCODE))

    def _no_vectors(self) -> FloatArray:
        # sentence-transformers gives no texts an array without a second axis.
        return np.empty((0, self.dimension), np.float32)

    def encode_query_tokens(self, query: str) -> Encoded:
        """Return a question's vector and its token vectors, from one forward pass."""
        with self._lock:
            features: Any = self._model.encode_query([query], output_value=None, **_ENCODE)
            return self._encoded(features, [query], self._query_prompt)[0]

    def encode_passage_tokens(self, texts: Sequence[str]) -> Iterator[tuple[int, Encoded]]:
        """Yield (position, vector and token vectors) of every text, longest texts first.

        Texts of like length go together, so that little of a batch is padding; only a few batches
        are in memory at a time.
        """
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        for at in range(0, len(order), _PART):
            positions = order[at : at + _PART]
            part = [texts[i] for i in positions]
            with self._lock:
                features: Any = self._model.encode_document(part, output_value=None, **_ENCODE)
                encoded = self._encoded(features, part, self._passage_prompt)
            yield from zip(positions, encoded, strict=True)

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many token vectors each text will have."""
        with self._lock:
            content = self._content_tokens(texts, self._passage_prompt)
        return [len(kept) for kept, _ in content]

    def _encoded(
        self, features: "list[dict[str, torch.Tensor]]", texts: Sequence[str], prompt: str
    ) -> list[Encoded]:
        encoded: list[Encoded] = []
        content = self._content_tokens(texts, prompt)
        for feature, (kept, spans) in zip(features, content, strict=True):
            tokens = np.empty((0, self.dimension), np.float32)
            if self._tells_tokens:
                present = feature["attention_mask"].bool()
                tokens = feature["token_embeddings"][present].float().cpu().numpy()[kept]
            vector = feature["sentence_embedding"].float().cpu().numpy()
            encoded.append(Encoded(_unit(vector[None])[0], PartVectors(_unit(tokens), spans)))
        return encoded

    def _content_tokens(
        self, texts: Sequence[str], prompt: str
    ) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Return which tokens of each text are its own, and where they stand in it.

        Left out are the prompt, special tokens and tokens of white space only.
        """
        if not texts or not self._tells_tokens:
            return [(np.empty(0, np.int64), np.empty((0, 2), np.int64))] * len(texts)
        offsets = self._model.tokenizer(
            [prompt + text for text in texts],
            return_offsets_mapping=True,
            truncation=True,
            max_length=self.max_tokens,
            verbose=False,
        )["offset_mapping"]
        return [
            _own_tokens(of_one, prompt, text) for of_one, text in zip(offsets, texts, strict=True)
        ]

    def count_passage_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text costs as a passage, with prompt and special tokens."""
        if not texts:
            return []
        prompted = [self._passage_prompt + text for text in texts]
        with self._lock:
            if not callable(self._model.tokenizer):  # a static model has a bare tokenizer
                return [len(one.ids) for one in self._model.tokenizer.encode_batch(prompted)]
            encoded = self._model.tokenizer(prompted, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def _own_tokens(
    offsets: Sequence[tuple[int, int]], prompt: str, text: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    spans = np.asarray(offsets, np.int64).reshape(-1, 2) - len(prompt)
    spans[:, 0] = np.maximum(spans[:, 0], 0)
    kept = [i for i, (start, end) in enumerate(spans.tolist()) if text[start : max(end, 0)].strip()]
    return np.asarray(kept, np.int64), spans[kept]


def _unit(vectors: FloatArray) -> FloatArray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


_ENCODE: dict[str, Any] = {"batch_size": _BATCH, "show_progress_bar": False}


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
    with _loading:  # two threads that ask first would load it twice
        return _load_embedder(model or bundled_model.MODEL_NAME, allow_download)


_loading = threading.Lock()


@lru_cache(maxsize=2)
def _load_embedder(model: str, allow_download: bool) -> Embedder:
    with _long_lived():
        return _new_embedder(model, allow_download)


def _new_embedder(model: str, allow_download: bool) -> Embedder:
    if model == bundled_model.MODEL_NAME:
        loaded = _load(str(bundled_model.bundled_model_dir()), bundled=True, local_only=True)
        return Embedder(loaded, name=bundled_model.MODEL_NAME, revision=bundled_model.REVISION)
    folder = Path(model).expanduser()
    if folder.is_dir():
        name = str(folder.resolve())
        return Embedder(
            _load(name, bundled=False, local_only=True), name=name, revision=_fingerprint(folder)
        )
    loaded = _load(model, bundled=False, local_only=not allow_download)
    return Embedder(loaded, name=model, revision=_commit(loaded))


def identify(model: str | None = None) -> tuple[str, str] | None:
    """Return a model's name and revision without loading it; None when only loading can tell."""
    if model in (None, bundled_model.MODEL_NAME):
        return bundled_model.MODEL_NAME, bundled_model.REVISION
    folder = Path(model or "").expanduser()
    return (str(folder.resolve()), _fingerprint(folder)) if folder.is_dir() else None


@contextlib.contextmanager
def _long_lived() -> Iterator[None]:
    """Keep the garbage collector away from what is loaded here and stays until the end.

    Importing torch and transformers makes some million objects. Collections during the imports
    took 1.2 of 6.0 seconds, and walking everything once more at exit another 1.2.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
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
