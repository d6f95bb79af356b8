"""What the commands of ``python -m training`` do; ``told`` is called with a line now and then."""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from benchmarks.distractors import read_distractors, read_texts
from index import EvaluationError, replace_text
from index.durable import sha256_of
from index.models import load_embedder
from index.windows import Framing
from training.batches import Material
from training.distractors import find_distractors, ranks
from training.examples import Example, read_examples, split, write_examples, write_held_out
from training.loop import Plan, Training, read_trained
from training.made import make_examples
from training.measure import Figures, found_again
from training.measure import measure as figures_of
from training.model import load_reader
from training.reader import Reader
from training.retold import retold_examples
from training.size import WINDOW, Size

Told = Callable[[str], None]
_SIZE = "size.json"
_LOOKED_AT = 300  # windows


def make(parsed: argparse.Namespace, told: Told) -> None:
    """Make questions of texts, and write those that pass."""
    made = _made(parsed)
    told(f"{len(made):,} questions made")
    if parsed.reader is not None:
        made = _found_again(made, parsed.reader)
        told(f"of {len(made):,} of them the phrase is found again")
    found = ranks(made, load_embedder())
    kept = [one for one, rank in zip(made, found, strict=True) if rank == 1]
    told(f"{len(kept):,} of these find their own passage first")
    write_examples(parsed.out, kept)


def _made(parsed: argparse.Namespace) -> list[Example]:
    source = parsed.out.stem
    if parsed.retold:
        texts = read_texts(parsed.texts)[: parsed.limit]
        return list(retold_examples(texts, parsed.seed, source=source))
    texts = read_distractors(parsed.texts)[: parsed.limit]
    return list(make_examples(texts, parsed.seed, source=source))


def _found_again(examples: list[Example], state: Path) -> list[Example]:
    reader, tokenizer, _ = _trained([state])
    return found_again(reader, Material(examples, Framing(tokenizer, WINDOW), {}))


def train(parsed: argparse.Namespace, told: Told) -> None:
    """Train a reader on some sets, and measure it on what was kept of them."""
    examples = _read(parsed.set)
    near = _kept(
        parsed.state / "distractors.json",
        lambda: find_distractors(examples, load_embedder(), told),
    )
    trained, unseen = split([one for one in examples if one.answers])
    if parsed.limit is not None:
        trained = random.Random(parsed.seed).sample(trained, parsed.limit)  # noqa: S311
    reader, tokenizer = _beginning(parsed, told)
    framing = Framing(tokenizer, parsed.window)
    told(f"{len(trained):,} questions to train on, {len(unseen):,} to measure with")
    plan = Plan(epochs=parsed.epochs, rate=parsed.rate, seed=parsed.seed)
    material = Material(trained, framing, _without(near, {one.context for one in unseen}))
    Training(reader, material, plan, parsed.state, told).run()
    figures = figures_of(reader, Material(unseen, framing, near))
    _tell(figures, told)
    written = {source: asdict(one) for source, one in figures.items()}
    replace_text(parsed.state / "figures.json", json.dumps(written, indent=1) + "\n")


def _beginning(parsed: argparse.Namespace, told: Told) -> tuple[Reader, Any]:
    """Return what training begins with: a reader that has learnt nothing, or what another has."""
    size = Size(parsed.frozen)
    _of_one_size(filter(None, (parsed.state, parsed.after)), size)
    replace_text(parsed.state / _SIZE, json.dumps(asdict(size)) + "\n")
    reader, tokenizer = load_reader(parsed.seed, size)
    if parsed.after is not None:
        told(f"begins after {read_trained(reader, parsed.after):,} steps of {parsed.after}")
    if parsed.compile:
        reader.body.compile(dynamic=True)
    return reader, tokenizer


def _without(near: Mapping[str, list[str]], unseen: Set[str]) -> dict[str, list[str]]:
    return {id_: [one for one in found if one not in unseen] for id_, found in near.items()}


def _tell(figures: Mapping[str, Figures], told: Told) -> None:
    for source, one in figures.items():
        told(f"{source}: EM {one.exact:.3f}, F1 {one.f1:.3f}, AUROC {one.auroc:.3f}")


def _read(sets: Iterable[str]) -> list[Example]:
    """Return the examples of sets, each named as ``--set`` names it."""
    found: list[Example] = []
    for named in sets:
        questions, _, contexts = named.partition(":")
        found += read_examples(Path(questions), contexts=Path(contexts) if contexts else None)
    return found


def _of_one_size(folders: Iterable[Path], size: Size) -> None:
    for folder in folders:
        if size != _size_in(folder, size):
            raise EvaluationError(
                f"{folder} holds a training with another --frozen. Name another folder."
            )


def measure(parsed: argparse.Namespace, told: Told) -> None:
    """Measure a reader on what is never trained on."""
    reader, tokenizer, steps = _trained(parsed.state)
    told(f"{steps:,} steps")
    examples = _read(parsed.set)
    near = find_distractors(examples, load_embedder(), told)
    _, unseen = split([one for one in examples if one.answers])
    _tell(figures_of(reader, Material(unseen, Framing(tokenizer, parsed.window), near)), told)


def _trained(folders: Sequence[Path]) -> tuple[Reader, Any, int]:
    """Return a reader as trainings have made it, its tokenizer, and the steps it took."""
    size = _size_in(folders[0], Size())
    _of_one_size(folders, size)
    reader, tokenizer = load_reader(0, size)
    return reader, tokenizer, read_trained(reader, *folders)


def _size_in(state: Path, otherwise: Size) -> Size:
    path = state / _SIZE
    return Size(**json.loads(path.read_text("utf-8"))) if path.is_file() else otherwise


def hold_out(parsed: argparse.Namespace, told: Told) -> None:
    """Write a set without what is trained on."""
    kept, gone = write_held_out(parsed.set, parsed.out)
    told(f"{parsed.out}: {kept:,} questions, {gone:,} that are trained on left out")


def export(parsed: argparse.Namespace, told: Told) -> None:
    """Write what the product reads."""
    reader, tokenizer, steps = _trained(parsed.state)
    examples, _ = split(read_examples(parsed.set))
    windows = Material(examples, Framing(tokenizer, WINDOW), {}).windows(0, 1)
    save_file(reader.shipped(windows[:_LOOKED_AT]), parsed.out)
    size = parsed.out.stat().st_size
    told(f"{parsed.out}: {size:,} bytes, {steps:,} steps, SHA-256 {sha256_of(parsed.out)}")


def _kept(path: Path, find: Callable[[], dict[str, list[str]]]) -> dict[str, list[str]]:
    """Return what an earlier run has found, or find it."""
    if path.is_file():
        known: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
        return known
    found = find()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(found, ensure_ascii=False))
    return found
