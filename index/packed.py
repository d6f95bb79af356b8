"""The bundled encoder without padding: the tokens of many texts in one matrix.

The weights are those sentence-transformers loaded. The linear layers multiply in int8 where the
processor does and it is known what goes into them (``quantized.py``), otherwise as
sentence-transformers would, and so does attention: in bfloat16 where the processor multiplies it.
What else is saved is around it. Texts of unlike length share the large multiplications and only
attention goes text by text; the weights lie as oneDNN wants them; addition and GELU are done while
a product is still in the cache; and each processor core has a batch of its own, so that none waits
for another.
"""

import contextlib
import copy
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from index.ahead import in_order
from index.changes import changed, is_changed
from index.linear import Products, plain_products
from index.quantized import Ranges, quantized_products, ranges_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

FloatArray = npt.NDArray[np.float32]
_Job = TypeVar("_Job")
_Result = TypeVar("_Result")

_ROWS = 16
_MANY_ROWS = 256
_ROWS_READ = 64
_BATCH_TOKENS = 1024
_GROUP_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_STEP, _SHORT = 8, 64
# oneDNN compiles kernels for every new size of the two products in attention, in 1.3 ms, and keeps
# them, 1.3 MB: so the sizes are few.
_LEAST_COSINE = 0.998
_PROBES = ("引證：水利設施的歷史，自古有之。", "What is quoted, 2024?")


class Forward(NamedTuple):
    """What one pass gives.

    Attributes:
        vectors: mean of each text's token vectors, float32 ``(texts, dimension)``.
        tokens: of each text, float32 ``(tokens, dimension)``, special tokens included.
        parts: mean of each part's tokens in each layer asked for, float32
            ``(parts, layers, dimension)``; 0 for a part without tokens.
    """

    vectors: FloatArray
    tokens: list[FloatArray]
    parts: FloatArray


class Parts(NamedTuple):
    """Parts of the texts of a batch, and the layers in which they are wanted.

    Attributes:
        rows: of the tokens of all parts, one part after the other, among those of all texts.
        counts: how many tokens each part has.
        layers: 0 is what goes into the first layer, 1 what that gives, and so on; ascending.
    """

    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    layers: Sequence[int]


NO_PARTS = Parts(np.empty(0, np.int64), np.empty(0, np.int64), ())


class _Group(NamedTuple):
    """Neighbouring texts of one length: rows ``start`` to ``start + texts * length``."""

    start: int
    texts: int
    length: int


class _Norm:
    def __init__(self, module: Any, dtype: torch.dtype) -> None:  # noqa: ANN401
        self._weight = module.weight.detach().to(dtype)
        self._bias = module.bias.detach().to(dtype)
        self._epsilon: float = module.eps

    def __call__(self, x: "Tensor") -> "Tensor":
        return functional.layer_norm(x, x.shape[-1:], self._weight, self._bias, self._epsilon)


@dataclass(frozen=True)
class _Layer:
    products: Products
    after_attention: _Norm
    after_feed_forward: _Norm


_Attend = Callable[["Tensor", "Tensor", "Tensor", int], "Tensor"]


class PackedBert:
    """A BERT encoder with mean pooling, as an inference engine of its own. Thread-safe.

    Attributes:
        most_tokens: what goes into a pass of one core.

    Args:
        body: a transformers ``BertModel`` on the CPU, of which weights are shared.
        ranges: of what goes into its layers, which then multiply in int8; None = as they are.
    """

    most_tokens = _BATCH_TOKENS

    def __init__(self, body: Any, ranges: Sequence[Ranges] | None = None) -> None:  # noqa: ANN401
        config = body.config
        self._heads: int = config.num_attention_heads
        self._dimension: int = config.hidden_size
        embeddings = body.embeddings
        self._words: Tensor = embeddings.word_embeddings.weight.detach()
        places, kind = (
            embeddings.position_embeddings.weight.detach().float(),
            embeddings.token_type_embeddings.weight.detach()[0].float(),
        )
        # Beside products in int8, sums in float32 cost nothing.
        self._dtype: torch.dtype = torch.float32 if ranges else self._words.dtype
        self._places: Tensor = (places + kind).to(self._dtype)
        self._norm = _Norm(embeddings.LayerNorm, self._dtype)
        self._rows, self._exact_rows = _ROWS, _MANY_ROWS
        self._own = body.encoder.layer
        self._ranges = ranges
        self._layers = [
            self._layer(layer, ranges[number] if ranges else None)
            for number, layer in enumerate(self._own)
        ]

    def _layer(self, layer: Any, ranges: Ranges | None) -> _Layer:  # noqa: ANN401
        projections = self._projections(layer.attention.self)
        dtype = self._words.dtype
        return _Layer(
            quantized_products(layer, projections, dtype, ranges)
            if ranges
            else plain_products(layer, projections, dtype),
            after_attention=_Norm(layer.attention.output.LayerNorm, self._dtype),
            after_feed_forward=_Norm(layer.output.LayerNorm, self._dtype),
        )

    def _projections(self, attention: Any) -> "tuple[Tensor, Tensor]":  # noqa: ANN401
        """Return weight and bias of queries, keys and values in one matrix, queries scaled."""
        scale = (self._dimension // self._heads) ** -0.5
        parts = ((attention.query, scale), (attention.key, 1.0), (attention.value, 1.0))
        weight = torch.cat([part.weight.float() * factor for part, factor in parts])
        bias = torch.cat([part.bias.float() * factor for part, factor in parts])
        return weight, bias

    def with_changes(self, held: "Mapping[str, Tensor]") -> "PackedBert":
        """Return the same model with what some layers have learnt; the others are shared.

        Args:
            held: what they have learnt, by name (``changes.changed``), and, for products in int8,
                what goes into those (``quantized.ranges_of``).
        """
        same = copy.copy(self)
        # What is read together has few sizes, so that few kernels are made and kept for it.
        same._rows, same._exact_rows = _ROWS_READ, 0
        same._layers = [
            self._layer(
                changed(self._own[number], held, number),
                ranges_of(held, number) if self._ranges else None,
            )
            if is_changed(held, number)
            else layer
            for number, layer in enumerate(self._layers)
        ]
        return same

    @torch.inference_mode()
    def forward(
        self,
        ids: Sequence[Sequence[int]],
        parts: Parts = NO_PARTS,
    ) -> Forward:
        """Return the vectors of texts given by their token ids, in one pass.

        Neighbours of one length are fastest.

        Args:
            ids: of each text.
            parts: of the texts whose means are wanted.
        """
        lengths = [len(one) for one in ids]
        try:
            last, means = self._last_layer(ids, lengths, _attend, parts)
        except OverflowError:
            last, means = self._last_layer(ids, lengths, _attend_warily, parts)
        tokens = list(torch.split_with_sizes(last, lengths))
        vectors = torch.stack([of_one.mean(0) for of_one in tokens])
        return Forward(vectors.numpy(), [of_one.numpy() for of_one in tokens], stacked(means))

    def _last_layer(
        self,
        ids: Sequence[Sequence[int]],
        lengths: Sequence[int],
        attend: _Attend,
        parts: Parts,
    ) -> "tuple[Tensor, list[Tensor]]":
        """Return the last layer, ``(rows, dimension)``, and the means of parts by layer.

        Raises:
            OverflowError: attention gave something that is not finite.
        """
        flat = list(itertools.chain.from_iterable(ids))
        total = len(flat)
        # For each number of rows oneDNN compiles kernels anew: few numbers, few compilations.
        more = -total % self._rows if total > self._exact_rows else 0
        places = [self._places[:length] for length in lengths]
        x = functional.embedding(torch.tensor(flat + [0] * more), self._words)
        x = self._norm(x + torch.cat([*places, self._places[:1].expand(more, -1)]))
        groups = _groups(lengths)
        means = [means_of(x, parts)] if 0 in parts.layers else []
        sums = []
        for number, layer in enumerate(self._layers, start=1):
            products = layer.products
            mixed = self._mix(products.projections(x), groups, attend)
            sums.append(mixed.sum())  # finite if all are; products in int8 would hide it
            x = layer.after_attention(products.attended.plus(mixed, x))
            x = layer.after_feed_forward(products.feed_forward.plus(x, x))
            if number in parts.layers:
                means.append(means_of(x, parts))
        # Without the largest score taken off first, exp() may overflow (never in 2,200 news texts).
        if not torch.isfinite(torch.stack(sums)).all():
            raise OverflowError
        return x[:total].float(), means

    def _mix(self, projected: "Tensor", groups: Sequence[_Group], attend: _Attend) -> "Tensor":
        """Return each token's mixture of the values of its own text, ``(rows, dimension)``."""
        mixed = projected.new_zeros(len(projected), self._dimension, dtype=self._dtype)
        for start, texts, length in groups:
            rows = slice(start, start + texts * length)
            parts = projected[rows].view(texts, length, 3, self._heads, -1)
            heads = parts.new_zeros(3, texts, self._heads, _rounded(length), parts.shape[-1])
            heads[:, :, :, :length].copy_(parts.permute(2, 0, 3, 1, 4))
            query, key, value = heads.flatten(1, 2)
            of_group = attend(query, key, value, length).view(texts, self._heads, length, -1)
            mixed[rows].view(texts, length, self._heads, -1).copy_(of_group.transpose(1, 2))
        return mixed


def means_of(states: "Tensor", parts: Parts) -> "Tensor":
    """Return the mean of each part's rows, float32 ``(parts, dimension)``."""
    counts = torch.from_numpy(parts.counts)
    owners = torch.repeat_interleave(torch.arange(len(counts)), counts)
    taken = states[torch.from_numpy(parts.rows)].float()
    sums = torch.zeros(len(counts), states.shape[-1]).index_add_(0, owners, taken)
    return sums / counts.clamp(min=1)[:, None]


def stacked(means: "Sequence[Tensor]") -> FloatArray:
    """Return the means of several layers, ``(parts, layers, dimension)``."""
    if not means:
        return np.empty((0, 0, 0), np.float32)
    found: FloatArray = torch.stack(list(means), dim=1).numpy()
    return found


def _attend(query: "Tensor", key: "Tensor", value: "Tensor", length: int) -> "Tensor":
    # Two products and a plain exp() are 2.7 times as fast as scaled_dot_product_attention.
    weights = torch.bmm(query, key.transpose(1, 2)).exp_()
    weights[:, :, length:] = 0.0
    mixed = torch.bmm(weights, value)[:, :length]
    return mixed / weights[:, :length].sum(-1, keepdim=True)


def _attend_warily(query: "Tensor", key: "Tensor", value: "Tensor", length: int) -> "Tensor":
    query, key, value = (one[None, :, :length] for one in (query, key, value))
    return functional.scaled_dot_product_attention(query, key, value, scale=1.0)[0]


def _groups(lengths: Sequence[int]) -> list[_Group]:
    groups: list[_Group] = []
    start = 0
    for length, same in itertools.groupby(lengths):
        left = sum(1 for _ in same)
        while left:
            texts = max(size for size in _GROUP_SIZES if size <= left)
            groups.append(_Group(start, texts, length))
            start += texts * length
            left -= texts
    return groups


def _rounded(length: int) -> int:
    """Return the rows that a text has in attention: for a few more, far fewer kinds of products."""
    step = _STEP if length <= _SHORT else 2 * _STEP
    return -(-length // step) * step


def packed_or_none(
    model: "SentenceTransformer", ranges: Sequence[Ranges] | None = None
) -> PackedBert | None:
    """Return an engine that gives a model's own vectors; None where there is none for it.

    Args:
        model: loaded; its prompts play no part.
        ranges: of what goes into its layers, which then multiply in int8 unless that is too far
            from the model's own vectors.
    """
    if not _is_known(model):
        return None
    theirs: Any = model.encode(list(_PROBES), show_progress_bar=False, prompt="")
    ids = cast("Any", model.tokenizer)(list(_PROBES))["input_ids"]
    for tried in (ranges, None) if ranges else (None,):
        # Raised by a version of torch or transformers in which something has moved.
        with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, TypeError):
            packed = PackedBert(model[0].auto_model, tried)
            mine = packed.forward(ids).vectors
            if _least_cosine(mine, np.asarray(theirs, np.float32)) > _LEAST_COSINE:
                return packed
    return None


def _is_known(model: "SentenceTransformer") -> bool:
    """Return whether the model is a plain BERT on the CPU, with nothing but the mean behind it."""
    names = [type(module).__name__ for module in model]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    body: Any = getattr(model[0], "auto_model", None)
    if type(body).__name__ != "BertModel" or body.device.type != "cpu":
        return False
    pooler: Any = model[1]
    config, pooling = body.config, pooler.get_config_dict()
    return bool(
        config.hidden_act == "gelu"
        and not config.is_decoder
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and pooling.get("pooling_mode") == "mean"
        and pooling.get("include_prompt", True)
        and getattr(model.tokenizer, "is_fast", False)
    )


def _least_cosine(one: FloatArray, other: FloatArray) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.min((one * other).sum(axis=1) / np.maximum(lengths, 1e-12)))


_setting = threading.Lock()


def _compute_alone(others: int) -> None:
    """Give this thread one core; threads that torch has not seen yet get what they had."""
    with _setting:
        torch.get_num_threads()  # whose first call in a thread would undo what was set before
        torch.set_num_threads(1)
        helper = threading.Thread(target=torch.set_num_threads, args=(others,))
        helper.start()
        helper.join()


class Workers:
    """A thread a core, each of which computes alone: nobody waits at the end of every product.

    Args:
        count: how many; None = as many as torch would use.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count: int = count or torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self.count, "encoder", _compute_alone, (self.count,))

    def run(self, work: Callable[[_Job], _Result], jobs: Iterable[_Job]) -> Iterator[_Result]:
        """Yield the results of jobs in their order; a few jobs are begun ahead."""
        return in_order(self._pool, self.count, work, jobs)
