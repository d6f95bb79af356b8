"""The reader that is trained: what it ships, what it learns from, and that it can be stopped."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig, BertModel

from index import EvaluationError
from index.changes import MATRICES, packed, unpacked
from index.packed import PackedBert
from index.phrases import PhraseReader, best_phrase
from index.types import Shown, Span
from index.windows import NOWHERE, Framing, Window, run_around
from qa.evaluation.phrases import exact, f1
from training.batches import Material
from training.examples import Example
from training.loop import Plan, Training, read_trained, schedule
from training.measure import found_again, measure
from training.reader import Logits, Reader, loss_of
from training.size import Size

TEXT = "abcdefgh。ijklmnop。"
SIZE = Size(frozen=1)


class Letters:
    """A tokenizer that takes each character for a token."""

    def __call__(
        self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool
    ) -> dict[str, object]:
        assert return_offsets_mapping
        ids = [ord(one) % 60 + 3 for one in text]
        places = [(at, at + 1) for at in range(len(text))]
        return {"input_ids": [1, *ids, 2] if add_special_tokens else ids, "offset_mapping": places}


def body() -> Any:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(config, add_pooling_layer=False)


def examples() -> list[Example]:
    return [
        Example(str(n), f"what {letter}?", TEXT, ((n, n + 1),), "a", "s")
        for n, letter in enumerate("abcdefgh")
    ]


def material() -> Material:
    return Material(examples(), Framing(Letters(), 48), {})


def has_learnt(size: float) -> Reader:
    """Return a reader that has learnt something, which four bits hold."""
    reader = Reader(body(), SIZE).eval()
    with torch.no_grad():
        for one in reader.trained().values():
            one.add_(torch.randn(one.shape) * size)
        for (number, name), before in reader._before.items():
            one = reader._learning[number].get_submodule(MATRICES[name]).weight
            one.copy_(before + unpacked(*packed(one - before)))
    return reader


def test_what_has_learnt_nothing_changes_nothing() -> None:
    reader = Reader(body(), SIZE).eval()
    windows = material().windows(0, 1)[:2]
    ids, mask, _ = reader._padded(windows)
    with torch.no_grad():
        mine = reader.body(input_ids=ids, attention_mask=mask).last_hidden_state
        theirs = body().eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    assert torch.equal(mine, theirs)


def test_the_engine_of_the_product_computes_the_same() -> None:
    reader = has_learnt(0.1)
    windows = material().windows(0, 1)[:5]
    ids, mask, _ = reader._padded(windows)
    with torch.no_grad():
        theirs = reader.body(input_ids=ids, attention_mask=mask).last_hidden_state
        plain = body().eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    engine = PackedBert(body()).with_changes(reader.shipped(windows))
    found = engine.forward([one.ids for one in windows]).tokens
    for row, (window, mine) in enumerate(zip(windows, found, strict=True)):
        expected = theirs[row, : len(window.ids)].numpy()
        assert np.allclose(mine, expected, atol=2e-3)
        assert not np.allclose(mine, plain[row, : len(window.ids)].numpy(), atol=1e-2)


def test_the_product_reads_as_the_reader_that_was_trained() -> None:
    reader = has_learnt(0.3)
    first, last = Span(0, 9), Span(9, 18)
    texts = [Shown(TEXT, [first, last], 1, 2), Shown("", [], 0, 0), Shown(TEXT, [last], 0, 1)]
    framing = Framing(Letters(), 48)
    mine = PhraseReader(PackedBert(body()), Letters(), reader.shipped([]), most_tokens=48)
    found = mine.read("what e?", texts)
    assert found[1] == []
    for shown, phrases in ((texts[0], found[0]), (texts[2], found[2])):
        run = Span(shown.sentences[0].start, shown.sentences[-1].end)
        window = framing.window(framing.pieces("what e?"), framing.pieces(shown.text), run)
        with torch.no_grad():
            logits = reader([window])
        numbers = torch.stack([logits.starts[0], logits.ends[0]], -1).numpy()
        for place, phrase in zip(shown.sentences, phrases, strict=True):
            best = best_phrase(numbers, window, place)
            assert phrase is not None
            assert best is not None
            assert place.start <= phrase.start < phrase.end <= place.end
            assert (phrase.start, phrase.end) == (best.start, best.end)
            assert phrase.score == pytest.approx(best.score, abs=1e-2)


def test_what_does_not_fit_beside_the_question_is_not_read() -> None:
    reader = Reader(body(), SIZE)
    first, last = Span(0, 9), Span(9, 18)
    room = len("what e?") + 4 + 10
    mine = PhraseReader(PackedBert(body()), Letters(), reader.shipped([]), most_tokens=room)
    texts = [Shown(TEXT, [first, last], 0, 1), Shown(TEXT, [first, last], 1, 2)]
    (one, nothing), (nor_this, other) = mine.read("what e?", texts)
    assert one is not None
    assert other is not None
    assert nothing is None
    assert nor_this is None
    assert one.end <= 9 <= other.start


@pytest.mark.parametrize(
    ("first", "stop", "room", "expected"),
    [
        (2, 4, 7, (2, 4)),
        (2, 4, 10, (2, 5)),
        (2, 4, 15, (1, 5)),
        (2, 4, 18, (0, 5)),
        (2, 4, 3, (2, 4)),
        (0, 1, 99, (0, 5)),
        (4, 5, 11, (2, 5)),
    ],
)
def test_as_much_is_read_before_as_behind(
    first: int, stop: int, room: int, expected: tuple[int, int]
) -> None:
    assert run_around([3, 5, 4, 3, 3], first, stop, room) == expected


def test_the_lowest_layers_and_the_embeddings_are_not_trained() -> None:
    names = set(Reader(body(), SIZE).trained())
    assert {name for name in names if "encoder.layer.1." not in name} == {
        "head.weight",
        "head.bias",
    }
    # Six matrices and two norms, each with a bias.
    assert len(names) == 2 * (6 + 2) + 2


@given(st.integers(1, 5), st.integers(1, 70), st.floats(1e-5, 10), st.integers(0, 99))
def test_four_bits_are_within_half_a_step(rows: int, half: int, size: float, seed: int) -> None:
    torch.manual_seed(seed)
    matrix = torch.randn(rows, 2 * half) * size
    codes, steps = packed(matrix)
    assert (codes.dtype, codes.shape) == (torch.uint8, (rows, half))
    found = unpacked(codes, steps)
    wide = steps.float().repeat_interleave(2 * half // steps.shape[1], dim=1)
    # A step in float16 is off by a thousandth at most, of seven steps, or in its last digit.
    assert ((found - matrix).abs() <= 0.51 * wide + 1e-6).all()
    again = packed(found)
    assert torch.allclose(unpacked(*again), found, atol=float(wide.max()) * 0.01 + 1e-6)


def test_ranges_are_the_largest_of_what_goes_into_the_products() -> None:
    reader = Reader(body(), SIZE).eval()
    windows = material().windows(0, 1)[:3]
    held = reader.shipped(windows)
    states = []
    for window in windows:
        with torch.no_grad():
            ids = torch.tensor([window.ids])
            states.append(reader.body(ids, output_hidden_states=True).hidden_states[1][0])
    assert torch.allclose(held["1.ranges.projections"], torch.cat(states).abs().amax(0), atol=1e-5)
    assert held["1.ranges.outer"].shape == (32,)
    assert "0.ranges.outer" not in held


def test_loss_is_the_surprise_at_every_accepted_place() -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    window = Window((9, 9, 9, 9), 1, ((0, 1),) * 3, starts=(1, 3), ends=(2, 3))
    shares = torch.softmax(scores[0], 0)
    expected = -(torch.log(shares[1] + shares[3]) + torch.log(shares[2] + shares[3])) / 2
    assert float(loss_of(Logits(scores, scores), [window])) == pytest.approx(float(expected))


@pytest.mark.parametrize("seed", range(20))
def test_the_best_answer_is_that_of_all_pairs(seed: int) -> None:
    chance = np.random.default_rng(seed)
    starts, ends = (torch.tensor(chance.normal(size=(1, 9)), dtype=torch.float32) for _ in "ab")
    places = tuple((at * 2, at * 2 + 2) for at in range(5))
    window = Window(tuple(range(9)), 3, places)
    pairs = [(a, b) for a, b in product(range(5), range(5)) if 0 <= b - a < 3]
    a, b = max(pairs, key=lambda one: float(starts[0, 3 + one[0]] + ends[0, 3 + one[1]]))
    score = float(starts[0, 3 + a] + ends[0, 3 + b] - starts[0, 0] - ends[0, 0])
    numbers = torch.stack([starts[0], ends[0]], -1).numpy()
    found = best_phrase(numbers, window, longest=3)
    assert found is not None
    assert (found.start, found.end) == (places[a][0], places[b][1])
    assert found.score == pytest.approx(score, abs=1e-5)
    a, b = max(
        (one for one in pairs if one[0] >= 1 and one[1] <= 3),
        key=lambda one: float(starts[0, 3 + one[0]] + ends[0, 3 + one[1]]),
    )
    inside = best_phrase(numbers, window, Span(1, 9), longest=3)
    assert inside is not None
    assert (inside.start, inside.end) == (places[a][0], places[b][1])
    assert best_phrase(numbers, window, Span(10, 12)) is None


def train(folder: Path, plan: Plan, stop_after: int | None = None) -> Training:
    torch.manual_seed(5)
    training = Training(Reader(body(), SIZE), material(), plan, folder, lambda _: None)
    if stop_after is not None:
        learn = training._learn

        def learning(batch: list[Window], total: int) -> float:
            if training.step == stop_after:
                training.save()
                raise KeyboardInterrupt
            return learn(batch, total)

        training._learn = learning  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            training.run()
    else:
        training.run()
    return training


def test_what_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    plan = Plan(epochs=3, batch_tokens=200, rate=1e-2)
    whole = train(tmp_path / "whole", plan)
    train(tmp_path / "stopped", plan, stop_after=5)
    resumed = train(tmp_path / "stopped", plan)
    assert whole.step == resumed.step > 5
    for name, value in whole._parameters.items():
        assert torch.equal(value, resumed._parameters[name]), name


def test_what_was_trained_is_read_again(tmp_path: Path) -> None:
    training = train(tmp_path, Plan(epochs=1, batch_tokens=200))
    other = Reader(body(), SIZE)
    assert read_trained(other, tmp_path) == training.step
    for name, value in training._parameters.items():
        assert torch.equal(other.trained()[name], value)
    with pytest.raises(EvaluationError, match="no training"):
        read_trained(other, tmp_path / "none")


def test_of_several_trainings_the_mean_is_read(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    plans = [Plan(epochs=1, batch_tokens=200, rate=1e-2, seed=seed) for seed in range(3)]
    trainings = [train(*one) for one in zip(folders, plans, strict=True)]
    reader = Reader(body(), SIZE)
    assert read_trained(reader, *folders) == sum(one.step for one in trainings)
    for name, value in reader.trained().items():
        values = torch.stack([one._parameters[name].detach() for one in trainings])
        assert torch.allclose(value, values.mean(0), atol=1e-6), name
        assert not torch.equal(values[0], values[1]), name


def test_it_learns_what_it_is_shown(tmp_path: Path) -> None:
    before = measure(Reader(body(), SIZE), material())["s"]
    training = train(tmp_path, Plan(epochs=120, batch_tokens=800, rate=3e-2))
    after = measure(training._reader, material())["s"]
    assert after.questions == 8
    assert after.f1 > max(0.6, before.f1)
    again = found_again(training._reader, material())
    for one in examples():
        alone = measure(training._reader, Material([one], Framing(Letters(), 48), {}))["s"]
        assert (one in again) is (alone.f1 >= 0.5)
    assert again


def test_the_rate_goes_up_and_down() -> None:
    rates = [schedule(step, 100) for step in range(100)]
    assert rates[0] < rates[5] == max(rates) == 1.0
    assert rates[6:] == sorted(rates[6:], reverse=True)
    assert rates[-1] < 0.05


def test_phrases_are_compared_as_cmrc_does() -> None:
    assert exact("“踢爆”", "踢爆")
    assert not exact("踢", "踢爆")
    assert f1("踢爆了", "踢爆") == pytest.approx(0.8)
    assert f1("於2001年", "2001年") == pytest.approx(0.8)
    assert f1("甲乙", "丙") == 0.0
    assert NOWHERE == 0
