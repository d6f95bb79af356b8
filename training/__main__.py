"""``python -m training``: train the reader that marks the answer inside a quote.

    python -m training make --texts news_20k.jsonl.xz --limit 6000 --out made.json
    python -m training train --set drcd_dev.json --set made.json --state DIR
    python -m training export --state DIR --set drcd_dev.json --out reader.safetensors
    python -m training held-out --set drcd_dev.json --out held_out.json

Stopped at any moment, training goes on where it was with the same command. A fifth of the articles
is never trained on, and is measured at the end.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from index import EvaluationError, YinzhengError, replace_text
from training.examples import (
    Example,
    read_examples,
    split,
    write_examples,
    write_held_out,
)
from training.size import Size

Told = Callable[[str], None]
_SIZE = "size.json"
_WINDOW = 160  # tokens
_LOOKED_AT = 300  # windows


def main(arguments: Sequence[str] | None = None) -> int:
    """Make questions, or train; return the exit status."""
    parsed = _parser().parse_args(arguments)
    started = time.monotonic()

    def told(line: str) -> None:
        print(f"{time.monotonic() - started:8.0f} s  {line}", flush=True)

    try:
        parsed.run(parsed, told)
    except YinzhengError as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: stopped; the same command goes on.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("make", help="make questions of plain texts")
    make.add_argument("--texts", type=Path, required=True, metavar="FILE")
    make.add_argument("--limit", type=int, default=6000, metavar="N", help="texts that are used")
    make.add_argument("--out", type=Path, required=True, metavar="FILE")
    make.add_argument(
        "--retold",
        action="store_true",
        help="ask for what a text tells twice, show the other telling",
    )
    make.add_argument(
        "--reader", type=Path, metavar="DIR", help="keep what this training's reader finds again"
    )
    make.set_defaults(run=_make)
    train = commands.add_parser("train", help="train a reader")
    train.add_argument(
        "--set",
        action="append",
        required=True,
        metavar="FILE[:CONTEXTS]",
        help="questions in SQuAD layout; behind a colon, a file whose contexts and answers stand "
        "for theirs, matched by id; may be repeated",
    )
    train.add_argument("--state", type=Path, required=True, metavar="DIR", help="of the training")
    train.add_argument(
        "--after", type=Path, metavar="DIR", help="begin with what another training has come to"
    )
    train.add_argument("--epochs", type=int, default=3, metavar="N")
    train.add_argument("--rate", type=float, default=1.5e-4, metavar="R")
    train.add_argument("--window", type=int, default=_WINDOW, metavar="TOKENS")
    train.add_argument(
        "--frozen", type=int, default=Size.frozen, metavar="N", help="lowest layers not trained"
    )
    train.add_argument("--limit", type=int, metavar="N", help="train on N questions, by chance")
    train.add_argument(
        "--compile", action="store_true", help="a quarter faster; needs a C++ compiler"
    )
    train.set_defaults(run=_train)
    held_out = commands.add_parser(
        "held-out", help="write the questions that are never trained on, to measure with"
    )
    held_out.add_argument("--set", type=Path, required=True, metavar="FILE")
    held_out.add_argument("--out", type=Path, required=True, metavar="FILE")
    held_out.set_defaults(run=_hold_out)
    export = commands.add_parser("export", help="write what a training has given for the product")
    export.add_argument("--state", type=Path, required=True, metavar="DIR")
    export.add_argument(
        "--set", type=Path, required=True, metavar="FILE", help="read to see what int8 has to hold"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.set_defaults(run=_export)
    for one in (make, train):
        one.add_argument("--seed", type=int, default=1, metavar="N")
    return parser


def _make(parsed: argparse.Namespace, told: Told) -> None:
    from index.models import load_embedder
    from training.distractors import ranks

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
    from benchmarks.distractors import read_distractors, read_texts
    from training.made import make_examples
    from training.retold import retold_examples

    read, make = (
        (read_texts, retold_examples) if parsed.retold else (read_distractors, make_examples)
    )
    texts = islice(read(parsed.texts), parsed.limit)
    return list(make(texts, parsed.seed, source=parsed.out.stem))


def _found_again(examples: list[Example], state: Path) -> list[Example]:
    from index.windows import Framing
    from training.batches import Material
    from training.loop import read_trained
    from training.measure import found_again
    from training.model import load_reader

    reader, tokenizer = load_reader(0, _size_in(state, Size()))
    read_trained(reader, state)
    return found_again(reader, Material(examples, Framing(tokenizer, _WINDOW), {}))


def _train(parsed: argparse.Namespace, told: Told) -> None:
    from index.models import load_embedder
    from index.windows import Framing
    from training.batches import Material
    from training.distractors import find_distractors
    from training.loop import Plan, Training, read_trained
    from training.measure import measure
    from training.model import load_reader

    examples: list[Example] = []
    for named in parsed.set:
        questions, _, contexts = named.partition(":")
        examples += read_examples(Path(questions), contexts=Path(contexts) if contexts else None)
    distractors = _kept(
        parsed.state / "distractors.json",
        lambda: find_distractors(examples, load_embedder(), told),
    )
    trained, kept = split([one for one in examples if one.answers])
    if parsed.limit is not None:
        trained = random.Random(parsed.seed).sample(trained, parsed.limit)  # noqa: S311
    size = Size(parsed.frozen)
    for folder in filter(None, (parsed.state, parsed.after)):
        if size != _size_in(folder, size):
            raise EvaluationError(
                f"{folder} holds a training with another --frozen. Name another folder."
            )
    replace_text(parsed.state / _SIZE, json.dumps(asdict(size)) + "\n")
    reader, tokenizer = load_reader(parsed.seed, size)
    if parsed.after is not None:
        told(f"begins after {read_trained(reader, parsed.after):,} steps of {parsed.after}")
    if parsed.compile:
        reader.body.compile(dynamic=True)
    framing = Framing(tokenizer, parsed.window)
    told(f"{len(trained):,} questions to train on, {len(kept):,} to measure with")
    plan = Plan(epochs=parsed.epochs, rate=parsed.rate, seed=parsed.seed)
    unseen = {one.context for one in kept}
    seen = {id_: [c for c in found if c not in unseen] for id_, found in distractors.items()}
    Training(reader, Material(trained, framing, seen), plan, parsed.state, told).run()
    figures = measure(reader, Material(kept, framing, distractors))
    for source, one in figures.items():
        told(f"{source}: EM {one.exact:.3f}, F1 {one.f1:.3f}, AUROC {one.auroc:.3f}")
    written = {source: asdict(one) for source, one in figures.items()}
    replace_text(parsed.state / "figures.json", json.dumps(written, indent=1) + "\n")


def _size_in(state: Path, otherwise: Size) -> Size:
    path = state / _SIZE
    return Size(**json.loads(path.read_text("utf-8"))) if path.is_file() else otherwise


def _hold_out(parsed: argparse.Namespace, told: Told) -> None:
    kept, gone = write_held_out(parsed.set, parsed.out)
    told(f"{parsed.out}: {kept:,} questions, {gone:,} that are trained on left out")


def _export(parsed: argparse.Namespace, told: Told) -> None:
    from safetensors.torch import save_file

    from index.durable import sha256_of
    from index.windows import Framing
    from training.batches import Material
    from training.loop import read_trained
    from training.model import load_reader

    reader, tokenizer = load_reader(0, _size_in(parsed.state, Size()))
    steps = read_trained(reader, parsed.state)
    examples, _ = split(read_examples(parsed.set))
    windows = Material(examples, Framing(tokenizer, _WINDOW), {}).windows(0, 1)
    save_file(reader.shipped(windows[:_LOOKED_AT]), parsed.out)
    size = parsed.out.stat().st_size
    told(f"{parsed.out}: {size:,} bytes, {steps:,} steps, SHA-256 {sha256_of(parsed.out)}")


def _kept(path: Path, make: Callable[[], dict[str, list[str]]]) -> dict[str, list[str]]:
    """Return what an earlier run has made, or make it."""
    if path.is_file():
        found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
        return found
    made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(made, ensure_ascii=False))
    return made


if __name__ == "__main__":
    sys.exit(main())
