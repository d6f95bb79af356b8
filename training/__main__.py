"""``python -m training``: train the reader that marks the answer inside a quote.

    python -m training --set drcd_dev.json --set xquad_en_dev.json:xquad_zh_dev.json --state DIR

Stopped at any moment, the same command goes on where it was. A fifth of the articles is never
trained on, and is measured at the end.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from index import YinzhengError, replace_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        return _train(parsed)
    except YinzhengError as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: stopped; the same command goes on.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "--set",
        action="append",
        required=True,
        metavar="FILE[:CONTEXTS]",
        help="questions in SQuAD layout; behind a colon, a file whose contexts and answers stand "
        "for theirs, matched by id; may be repeated",
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="of the training")
    parser.add_argument("--epochs", type=int, default=3, metavar="N")
    parser.add_argument("--rate", type=float, default=6e-4, metavar="R")
    parser.add_argument("--window", type=int, default=160, metavar="TOKENS")
    parser.add_argument("--limit", type=int, metavar="N", help="train on N questions, by chance")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    return parser


def _train(parsed: argparse.Namespace) -> int:
    import random

    from index.models import load_embedder
    from training.batches import Material
    from training.distractors import find_distractors
    from training.examples import read_examples, split
    from training.loop import Plan, Training
    from training.measure import measure
    from training.model import load_reader
    from training.windows import Framing

    started = time.monotonic()

    def told(line: str) -> None:
        print(f"{time.monotonic() - started:8.0f} s  {line}", flush=True)

    examples = []
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
    reader, tokenizer = load_reader(parsed.seed)
    framing = Framing(tokenizer, parsed.window)
    told(f"{len(trained):,} questions to train on, {len(kept):,} to measure with")
    plan = Plan(epochs=parsed.epochs, rate=parsed.rate, seed=parsed.seed)
    Training(reader, Material(trained, framing, distractors), plan, parsed.state, told).run()
    figures = measure(reader, Material(kept, framing, distractors))
    for source, one in figures.items():
        told(f"{source}: EM {one.exact:.3f}, F1 {one.f1:.3f}, AUROC {one.auroc:.3f}")
    written = {source: asdict(one) for source, one in figures.items()}
    replace_text(parsed.state / "figures.json", json.dumps(written, indent=1) + "\n")
    return 0


def _kept(path: Path, make) -> dict[str, list[str]]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Return what an earlier run has made, or make it."""
    if path.is_file():
        found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
        return found
    made: dict[str, list[str]] = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(made, ensure_ascii=False))
    return made


if __name__ == "__main__":
    sys.exit(main())
