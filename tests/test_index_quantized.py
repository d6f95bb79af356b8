"""Products in int8 are what integers give by hand, and near to what floats give."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load
from torch.nn import functional

from benchmarks.calibration import fit_ranges, write_ranges
from index import models, quantized
from index.errors import ModelDamagedError
from index.models import load_embedder
from index.quantized import (
    CodedProduct,
    QuantizedFeedForward,
    QuantizedLinear,
    Ranges,
    Steps,
    bundled_ranges,
    is_worth_it,
)

pytestmark = pytest.mark.skipif(not is_worth_it(), reason="no int8 in this processor")
FloatArray = npt.NDArray[np.float32]


def chance(*shape: int, seed: int = 1, spread: float = 1.0) -> torch.Tensor:
    drawn = np.random.default_rng(seed).normal(0, spread, shape)
    return torch.from_numpy(drawn.astype(np.float32))


def by_hand(codes: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, steps: Steps) -> Any:
    """Return the product of codes in whole numbers, by NumPy."""
    sizes = np.abs(weight.numpy()).max(axis=1) / 127
    whole = np.round(weight.numpy() / sizes[:, None]).astype(np.int64)
    sums = (codes.numpy().astype(np.int64) - steps.zero) @ whole.T
    return sums * sizes * steps.size + bias.numpy()


@given(
    rows=st.integers(1, 40),
    seed=st.integers(0, 1000),
    steps=st.builds(Steps, st.floats(1e-3, 1), st.integers(0, 255)),
)
@settings(max_examples=25, deadline=None)
def test_a_product_of_codes_is_that_of_whole_numbers(rows: int, seed: int, steps: Steps) -> None:
    weight, bias = chance(24, 32, seed=seed), chance(24, seed=seed + 1)
    drawn = np.random.default_rng(seed).integers(0, 256, (rows, 32))
    codes = torch.from_numpy(drawn.astype(np.uint8))
    product = CodedProduct(weight, bias, steps)
    expected = by_hand(codes, weight, bias, steps)
    least = 1e-3 * steps.size
    assert np.allclose(product(codes, torch.float32), expected, rtol=1e-4, atol=least)
    other = chance(rows, 24, seed=seed + 2)
    sums = product.plus(codes, other)
    assert np.allclose(sums, expected + other.numpy(), rtol=1e-4, atol=least)
    gelu = functional.gelu(torch.from_numpy(expected.astype(np.float32)))
    wanted = Steps(max(float(gelu.max()), 0.1) / 200, 40)
    found = (product.gelu(codes, wanted).float() - wanted.zero) * wanted.size
    assert np.allclose(found, gelu, atol=0.51 * wanted.size + 1e-3)


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.float() - expected).norm() / expected.norm())


def test_a_channel_a_hundred_times_as_large_leaves_steps_to_the_others() -> None:
    x, weight, bias = chance(200, 64), chance(32, 64, seed=2, spread=0.1), chance(32, seed=3)
    x[:, 7] *= 100
    weight[:, 7] /= 100
    expected = functional.linear(x, weight, bias)
    linear = QuantizedLinear(weight, bias, x.abs().amax(0))
    assert relative_error(linear(x), expected) < 0.02
    size = x.abs().max() / 127
    alike = functional.linear((x / size).round() * size, weight, bias)
    assert relative_error(alike, expected) > 0.1, "with one step size for all"


def test_what_exceeds_its_range_is_cut_and_not_turned_over() -> None:
    weight, bias = torch.eye(16), torch.zeros(16)
    linear = QuantizedLinear(weight, bias, torch.ones(16))
    found = linear(torch.tensor([[1.0, -1.0, 50.0, -50.0] * 4]))
    assert np.allclose(found.numpy(), [[1.0, -1.0, 1.0, -1.0] * 4], atol=0.02)


@pytest.mark.parametrize("largest", [3.0, 60.0])
def test_a_feed_forward_part_is_near_to_that_in_floats(largest: float) -> None:
    """However large a neuron is: the largest are exact, and leave the steps to the others."""
    x, other = chance(300, 32), chance(300, 32, seed=5)
    first, second = chance(64, 32, seed=2, spread=0.2), chance(32, 64, seed=3, spread=0.1)
    biases = chance(64, seed=4), chance(32, seed=6)
    biases[0][5] = largest
    between = functional.gelu(functional.linear(x, first, biases[0]))
    expected = functional.linear(between, second, biases[1]) + other
    most = between.abs().amax(0), x.abs().amax(0)
    part = QuantizedFeedForward((first, biases[0]), (second, biases[1]), most[1], most[0])
    assert relative_error(part.plus(x, other), expected) < 0.02


def test_a_row_has_the_same_product_in_any_company() -> None:
    x, weight, bias = chance(333, 384), chance(96, 384, seed=2), chance(96, seed=3)
    linear = QuantizedLinear(weight, bias, x.abs().amax(0), dtype=torch.bfloat16)
    together = linear(x)
    for at in (0, 100, 332):
        assert torch.equal(linear(x[at : at + 1])[0], together[at])


def test_the_bundled_ranges_fit_the_bundled_model() -> None:
    ranges = bundled_ranges()
    body: Any = load_embedder()._model[0]
    assert len(ranges) == body.auto_model.config.num_hidden_layers
    for of_layer in ranges:
        assert [len(column) for column in of_layer] == [384, 384, 384, 1536]
        assert all((column > 0).all() for column in of_layer)


def test_the_bundled_model_multiplies_in_int8_and_in_floats_where_int8_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "引證：水利設施的歷史，自古有之。" * 9
    in_int8 = load_embedder()
    monkeypatch.setattr(quantized, "is_worth_it", bool)
    in_floats = models._new_bundled(in_int8.name)
    engines: Any = (in_int8._engine, in_floats._engine)
    kinds = [type(one._layers[0].products.attended).__name__ for one in engines]
    assert kinds == ["QuantizedLinear", "Linear"]
    one, other = (each.encode_passages([text])[0] for each in (in_int8, in_floats))
    assert 0.998 < float(one @ other) < 0.9999999
    assert in_int8.revision == in_floats.revision, "either finds what the other indexed"


def test_ranges_are_the_largest_magnitudes_of_all_tokens(tmp_path: Any) -> None:
    texts = ["水利設施自古有之。這裏有兩句。", "第二篇也不長。"]
    held = load(fit_ranges(texts, ["The report holds many numbers."], lambda _: None))
    assert held.keys() == set(Ranges._fields)
    fewer = load(fit_ranges(texts[:1], ["The report holds many numbers."], lambda _: None))
    known = bundled_ranges()
    for name in Ranges._fields:
        assert (held[name] >= fewer[name]).all()
        assert (held[name] > fewer[name]).any()
        ratios = held[name].float() / torch.stack([getattr(one, name) for one in known])
        assert 0.1 < float(ratios.median()) <= 1.01, "of three short texts, against thousands"
    content = b"ranges"
    assert len(write_ranges(content, tmp_path / "written")) == 64
    assert (tmp_path / "written").read_bytes() == content


def test_damaged_ranges_are_an_error_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantized, "RANGES_SHA256", "0" * 64)
    with pytest.raises(ModelDamagedError, match="Install Yinzheng again"):
        bundled_ranges.__wrapped__()
