"""Vectors for composed texts without a forward pass: those the model gave the same words elsewhere.

Real passages are encoded once. A composed text is made of their sentences, and each of its tokens
takes the vector that the model gave to the same token between the same two neighbours in a real
passage; at the joints between sentences, behind the same token before it, or anywhere. So the
vectors are the model's own, only the company of a sentence is that of another passage. All else in
the building of an index is what it always is. Questions are encoded by the model itself.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers.base.modules.input_module import InputModule
from transformers import AutoTokenizer

from benchmarks.forward import LONGEST, ForwardPass, batches
from benchmarks.runs import Told
from index.bundled_model import bundled_model_dir
from index.embedder import Embedder
from index.models import load_embedder
from index.packed import NO_PARTS, Forward, PackedBert, Parts, means_of, stacked

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

_MODULE = "sentence_transformers.yinzheng_seen_tokens"
_BASE = 1 << 18  # above every token's id
_EDGE = _BASE - 1  # stands beside the first and the last token
_BATCH_TOKENS = 4096
_VECTORS, _KEYS = "vectors.npy", "keys.npz"


class SeenTokens(InputModule):
    """A sentence-transformers module whose token vectors are looked up.

    Args:
        folder: that ``write_model`` wrote.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._vectors = np.load(folder / _VECTORS, mmap_mode="r")
        with np.load(folder / _KEYS) as keys:
            self._tables = [(keys[f"keys{n}"], keys[f"rows{n}"]) for n in (1, 2, 3)]
        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        self.max_seq_length = LONGEST

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **_kwargs: object
    ) -> dict[str, Any]:
        """Tokenise texts."""
        texts = [(prompt or "") + str(text) for text in inputs]
        encoded = self.tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        return dict(encoded)

    def forward(self, features: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
        """Look the vectors of all tokens up."""
        found = self._vectors[self._rows(features["input_ids"].numpy())]
        features["token_embeddings"] = torch.from_numpy(found)
        return features

    def _rows(self, ids: IntArray) -> IntArray:
        """Return the row of each token, as exactly as its neighbours were seen."""
        shape, keys = ids.shape, [one.reshape(-1) for one in _keys(ids)]
        rows = np.zeros(keys[0].shape, np.int64)
        left = np.arange(len(rows))
        for (known, of_key), of_all in zip(self._tables[::-1], keys[::-1], strict=True):
            asked = of_all[left]
            at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
            is_known = known[at] == asked
            rows[left[is_known]] = of_key[at[is_known]]
            left = left[~is_known]
        return rows.reshape(shape)

    def look_up(self, texts: Sequence[Sequence[int]], parts: Parts = NO_PARTS) -> Forward:
        """Return the vectors of texts given as ids of tokens, and their means, without padding."""
        lengths = np.array([len(one) for one in texts])
        starts = np.cumsum(lengths) - lengths
        # Between two texts stands an edge, as at their ends.
        apart = np.full(int(lengths.sum()) + len(texts), _EDGE, np.int64)
        own = np.ones(len(apart), bool)
        own[starts + np.arange(len(texts)) + lengths] = False
        apart[own] = np.concatenate([np.asarray(one, np.int64) for one in texts])
        found = self._vectors[self._rows(apart)[own]]
        means = np.add.reduceat(found, starts, axis=0) / lengths[:, None]
        of_parts = stacked([means_of(torch.from_numpy(found), parts)])
        return Forward(means.astype(np.float32), np.split(found, starts[1:]), of_parts)

    def get_embedding_dimension(self) -> int:
        """Return the length of a vector."""
        return int(self._vectors.shape[1])

    def save(self, output_path: str, *_args: object, **_kwargs: object) -> None:
        """Do nothing: it is never saved."""

    @classmethod
    def load(cls, model_name_or_path: str, *_args: object, **_kwargs: object) -> "SeenTokens":
        """Open a folder."""
        return cls(Path(model_name_or_path))


def _keys(ids: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return each token alone, behind the one before it, and between its neighbours, as numbers."""
    edge = np.full((*ids.shape[:-1], 1), _EDGE, np.int64)
    before = np.concatenate([edge, ids[..., :-1]], axis=-1)
    after = np.concatenate([ids[..., 1:], edge], axis=-1)
    pair = before * _BASE + ids
    return ids.astype(np.int64), pair, pair * _BASE + after


def write_model(folder: Path, texts: Sequence[str], precision: str, told: Told) -> None:
    """Encode real texts, and write a sentence-transformers folder that looks their tokens up.

    Args:
        folder: where it is written; must not be there.
        texts: folded, as they are embedded.
        precision: of the weights while encoding.
        told: called with what is being done.
    """
    leave_out = shutil.ignore_patterns("*.safetensors", "checksums.json")
    shutil.copytree(bundled_model_dir(), folder, ignore=leave_out)
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = f"{_MODULE}.SeenTokens"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    bare = ForwardPass(precision)
    tokens = bare.tokens(texts, "passage: ")
    parts: list[npt.NDArray[np.float32]] = []
    keys: list[list[IntArray]] = [[], [], []]
    for number, batch in enumerate(batches(tokens, _BATCH_TOKENS)):
        if number % 20 == 0:
            told(f"encoding {len(texts):,} real passages, {len(parts):,} done")
        vectors = bare.run([tokens[at] for at in batch])
        for row, at in enumerate(batch):
            ids = np.array(tokens[at], np.int64)
            parts.append(vectors[row, : len(ids)].float().numpy())
            for table, of_one in zip(keys, _keys(ids), strict=True):
                table.append(of_one)
    np.save(folder / _VECTORS, np.concatenate(parts))
    tables: dict[str, IntArray] = {}
    for number, table in enumerate(keys, start=1):
        known, first = np.unique(np.concatenate(table), return_index=True)
        tables |= {f"keys{number}": known, f"rows{number}": first.astype(np.int64)}
    np.savez(folder / _KEYS, allow_pickle=False, **tables)


def make_loadable() -> None:
    """Let sentence-transformers find the module in this process.

    It runs no class of another package unless it is told to trust the folder, which an index never
    says; so the class goes by a name of its package, here and nowhere else.
    """
    sys.modules[_MODULE] = sys.modules[__name__]


class _Engine:
    """What an embedder computes with, in the place of the bundled model's engine."""

    most_tokens = PackedBert.most_tokens

    def __init__(self, seen: SeenTokens) -> None:
        self.forward = seen.look_up


def _mean_of_tokens(
    means: FloatArray, _counts: npt.NDArray[np.int64], _text: FloatArray
) -> FloatArray:
    """Return the vectors of sentences: the means of what was looked up for their tokens."""
    found = means[:, -1]
    unit: FloatArray = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return unit


def load_seen(folder: str) -> Embedder:
    """Load what ``write_model`` wrote, for this process; whoever asks for the folder gets it.

    Texts go the way that the bundled model's go, and so cost what those cost but for the pass.
    """
    make_loadable()
    embedder = load_embedder(folder)
    own = vars(embedder)
    own |= {"_engine": _Engine(own["_model"][0]), "_pooling": _mean_of_tokens}
    return embedder
