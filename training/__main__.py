"""``python -m training``: train the reader that marks the answer inside a quote.

    python -m training make --texts news_20k.jsonl.xz --limit 6000 --out made.json
    python -m training train --set drcd_dev.json --set made.json --state DIR
    python -m training measure --state DIR --set drcd_dev.json
    python -m training export --state DIR --set drcd_dev.json --out reader.safetensors
    python -m training held-out --set drcd_dev.json --out held_out.json

Stopped at any moment, training goes on where it was with the same command. A fifth of the articles
is never trained on, and is measured at the end.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from index import YinzhengError
from training.size import WINDOW, Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Make questions, or train; return the exit status."""
    parsed = _parser().parse_args(arguments)
    from training import commands  # slow to import: after --help

    run = {
        "make": commands.make,
        "train": commands.train,
        "measure": commands.measure,
        "held-out": commands.hold_out,
        "export": commands.export,
    }[parsed.command]
    started = time.monotonic()

    def told(line: str) -> None:
        print(f"{time.monotonic() - started:8.0f} s  {line}", flush=True)

    try:
        run(parsed, told)
    except YinzhengError as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: stopped; the same command goes on.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
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
    train = commands.add_parser("train", help="train a reader")
    measure = commands.add_parser("measure", help="measure trainings on what is never trained on")
    _add_states(measure)
    for one in (train, measure):
        one.add_argument(
            "--set",
            action="append",
            required=True,
            metavar="FILE[:CONTEXTS]",
            help="questions in SQuAD layout; behind a colon, a file whose contexts and answers "
            "stand for theirs, matched by id; may be repeated",
        )
        one.add_argument("--window", type=int, default=WINDOW, metavar="TOKENS")
    train.add_argument("--state", type=Path, required=True, metavar="DIR", help="of the training")
    train.add_argument(
        "--after", type=Path, metavar="DIR", help="begin with what another training has come to"
    )
    train.add_argument("--epochs", type=int, default=3, metavar="N")
    train.add_argument("--rate", type=float, default=1.5e-4, metavar="R")
    train.add_argument(
        "--frozen", type=int, default=Size.frozen, metavar="N", help="lowest layers not trained"
    )
    train.add_argument("--limit", type=int, metavar="N", help="train on N questions, by chance")
    train.add_argument(
        "--compile", action="store_true", help="a quarter faster; needs a C++ compiler"
    )
    held_out = commands.add_parser(
        "held-out", help="write the questions that are never trained on, to measure with"
    )
    held_out.add_argument("--set", type=Path, required=True, metavar="FILE")
    held_out.add_argument("--out", type=Path, required=True, metavar="FILE")
    export = commands.add_parser("export", help="write what a training has given for the product")
    _add_states(export)
    export.add_argument(
        "--set", type=Path, required=True, metavar="FILE", help="read to see what int8 has to hold"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    for one in (make, train):
        one.add_argument("--seed", type=int, default=1, metavar="N")
    return parser


def _add_states(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        action="append",
        metavar="DIR",
        help="of a training; the mean of what several have come to where it is repeated",
    )


if __name__ == "__main__":
    sys.exit(main())
