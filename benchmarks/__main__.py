"""``python -m benchmarks``: measure, on question sets named on the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import encodings, load_report, scale_report, timed_commands
from benchmarks.calibration import RANGES, fit_ranges, write_ranges
from benchmarks.distractors import read_distractors
from benchmarks.fitting import SHIPPED, fit_and_write
from benchmarks.fitting import to_table as to_fit_table
from benchmarks.load import Plan, measure_load
from benchmarks.markdown import table as to_markdown
from benchmarks.peers import PEERS, AskedSet, Row, measure, read_sets, to_json
from benchmarks.pooling import POOLING, fit_pooling, write_pooling
from benchmarks.prose import installed_prose
from benchmarks.quality import measure_quality
from benchmarks.quality_report import REPORT, write_figures, write_report
from benchmarks.samples import name_sets
from benchmarks.scale import measure_scale
from benchmarks.vectors import HEADER, measure_vectors, read_vectors, to_line
from index import REPORT as BUNDLED_REPORT
from index import YinzhengError, cache_dir, default_embedding_cache


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 0 measured, 1 failed, 2 bad use.

    A neighbour that cannot be installed or run is a line of the table, not a failure.
    """
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except YinzhengError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"benchmarks: {error}. Check the path, its permissions and the disk.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("benchmarks: stopped, nothing was written.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="fit the weights of all evidence to question sets")
    _add_sets(fit, required=True)
    fit.add_argument(
        "--out",
        type=_new_file,
        metavar="FILE",
        default=SHIPPED,
        help="write the weights here (default: qa/data/weights.json)",
    )
    fit.add_argument(
        "--phrases",
        action="store_true",
        help="fit the weights that count phrases read, and no others; give questions that the "
        "reader was not trained on (python -m training held-out)",
    )
    fit.set_defaults(run=_fit)
    _add_pooling(
        commands.add_parser("pooling", help="fit the map from a passage's pass to its sentences")
    )
    _add_calibration(
        commands.add_parser("calibration", help="find out what int8 has to hold in each layer")
    )
    _add_quality(commands.add_parser("quality", help="how good passages, quotes, confidence are"))
    _add_scale(commands.add_parser("scale", help="what stays as an index grows, and what does not"))
    _add_encodings(commands.add_parser("encodings", help="how often the encoding is found out"))
    _add_load(commands.add_parser("load", help="whether a server holds while many ask"))
    timed_commands.add_commands(commands, _tell)
    _add_vectors(commands.add_parser("vectors", help="ways to find the nearest, at every size"))
    return parser


def _add_pooling(parser: argparse.ArgumentParser) -> None:
    _add_learning(parser, POOLING)
    parser.set_defaults(run=_pooling)


def _add_learning(parser: argparse.ArgumentParser, written: Path) -> None:
    timed_commands.add_texts(parser, required=True)
    parser.add_argument(
        "--skip", type=int, metavar="N", default=0, help="leave the first N texts out (default: 0)"
    )
    parser.add_argument(
        "--out",
        type=_new_file,
        metavar="FILE",
        default=written,
        help=f"write the result here (default: index/data/{written.name})",
    )


def _learnt_from(parsed: argparse.Namespace) -> list[str]:
    texts: list[str] = timed_commands.read(parsed.texts, parsed.skip + parsed.limit)
    return texts[parsed.skip :]


def _pooling(parsed: argparse.Namespace) -> int:
    content, near = fit_pooling(_learnt_from(parsed), installed_prose(), _tell)
    print(
        f"{near.sentences:,} sentences of texts held out: cosine {near.cosine:.4f} in the mean, "
        f"{near.fifth:.4f} at the fifth percentile; {near.nearest:.3f} are nearest to themselves"
    )
    print(f"{parsed.out} written; its SHA-256 is {write_pooling(content, parsed.out)}")
    return 0


def _add_calibration(parser: argparse.ArgumentParser) -> None:
    _add_learning(parser, RANGES)
    parser.set_defaults(run=_calibration)


def _calibration(parsed: argparse.Namespace) -> int:
    content = fit_ranges(_learnt_from(parsed), installed_prose(), _tell)
    print(f"{parsed.out} written; its SHA-256 is {write_ranges(content, parsed.out)}")
    return 0


def _add_vectors(parser: argparse.ArgumentParser) -> None:
    for name, what in (("passages", "texts"), ("questions", "questions")):
        parser.add_argument(
            f"--{name}",
            type=Path,
            metavar="FILE",
            required=True,
            help=f"vectors of {what}: a .npy file, float32 (n, dimension), of unit length",
        )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        metavar="N,N,…",
        default=_sizes("1000,10000,100000,1000000"),
        help="vectors searched (default: 1000,10000,100000,1000000)",
    )
    parser.set_defaults(run=_vectors)


def _vectors(parsed: argparse.Namespace) -> int:
    passages, questions = read_vectors(parsed.passages), read_vectors(parsed.questions)
    rows = []
    for row in measure_vectors(passages, questions, parsed.sizes, _tell):
        rows.append(to_line(row))
        _tell(" ".join(rows[-1]))
    print(to_markdown(HEADER, rows))
    return 0


def _add_load(load: argparse.ArgumentParser) -> None:
    load.add_argument("--readers", type=_count, metavar="N", default=50, help="default: 50")
    load.add_argument("--seconds", type=_count, metavar="S", default=600, help="default: 600")
    load.add_argument(
        "--pause",
        type=_count,
        metavar="S",
        default=20,
        help="seconds between an answer and the reader's next question, in the mean (default: 20)",
    )
    load.add_argument(
        "--documents",
        type=Path,
        metavar="PATH",
        nargs="+",
        default=[BUNDLED_REPORT],
        help="what is indexed (default: the bundled report)",
    )
    load.add_argument("--out", type=_new_file, metavar="FILE", help="also write the figures here")
    load.set_defaults(run=_load)


def _load(parsed: argparse.Namespace) -> int:
    plan = Plan(parsed.readers, parsed.seconds, parsed.pause)
    measured = measure_load(plan, parsed.documents, _tell)
    Console().print(load_report.to_table(measured))
    for line in [*load_report.facts(measured), *measured.errors[:20]]:
        Console().print(line, highlight=False, markup=False)
    if parsed.out:
        command = f"python -m benchmarks load --readers {plan.readers} --seconds {plan.seconds:.0f}"
        load_report.write_report(measured, command, parsed.out)
    return 1 if measured.errors else 0


def _add_scale(scale: argparse.ArgumentParser) -> None:
    quality = scale.add_argument_group("finding and confidence (docs/scale.md)")
    _add_sets(quality, required=False)
    quality.add_argument(
        "--among",
        type=Path,
        metavar="TEXTS",
        help='what else is indexed: JSON Lines with a "text" on each line (.jsonl or .jsonl.xz), '
        "or a folder of text files",
    )
    quality.add_argument(
        "--sizes",
        type=_sizes,
        default=_sizes("20,240,1000,5000,20000"),
        metavar="N,N,…",
        help="documents in an index (default: 20,240,1000,5000,20000)",
    )
    quality.add_argument(
        "--embeddings",
        type=_new_file,
        metavar="FILE",
        help="keep embeddings in this file, not in that of the cache folder",
    )
    cost = scale.add_argument_group("time, disk, memory, latency (docs/performance.md)")
    cost.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help='real texts, whose sentences are composed: .jsonl or .jsonl.xz with a "text" each',
    )
    timed_commands.add_questions(cost)
    timed_commands.add_growth(cost)
    cost.add_argument("--rounds", type=_count, metavar="N", help="default: 5")
    cost.add_argument("--each", type=_count, metavar="N", help="questions a round (default: 20)")
    scale.add_argument(
        "--out",
        type=_new_file,
        metavar="FILE",
        help="write the report or the figures here "
        "(default: docs/scale.md, docs/performance/scale.json)",
    )
    scale.set_defaults(run=lambda parsed: _scale(parsed, scale))


def _add_encodings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        action="append",
        required=True,
        help='a .txt, or .jsonl or .jsonl.xz whose lines have a "text"; may be given several times',
    )
    parser.add_argument(
        "--limit", type=_count, metavar="N", default=200, help="texts of each file (default: 200)"
    )
    parser.set_defaults(run=_encodings)


def _encodings(parsed: argparse.Namespace) -> int:
    texts = [text for path in parsed.texts for text in encodings.read_texts(path, parsed.limit)]
    rows = encodings.measure(texts)
    table = Table(title=f"{len(texts)} texts: how many came back")
    table.add_column("")
    for cut in encodings.CUTS:
        table.add_column("whole" if cut is None else f"{cut:,} B", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *(str(row.right[cut]) for cut in encodings.CUTS))
    total, of = encodings.totals(rows), len(rows) * len(texts)
    table.add_row("all", *(f"{total[cut] / of:.2%}" for cut in encodings.CUTS), end_section=True)
    Console().print(table)
    return 0


def _add_quality(quality: argparse.ArgumentParser) -> None:
    shipped = quality.add_argument_group("the shipped defaults, and what each part adds")
    _add_sets(shipped, required=False)
    shipped.add_argument(
        "--noise-set", metavar="NAME", help="put noise into this set (default: the smallest)"
    )
    shipped.add_argument(
        "--out",
        type=_new_file,
        metavar="FILE",
        default=REPORT,
        help="write the report here, and its pictures into a folder of the same name "
        "(default: docs/quality.md)",
    )
    peers = quality.add_argument_group("neighbours")
    peers.add_argument(
        "--peers",
        action="store_true",
        help="measure neighbouring projects on the same weights beside ours; "
        "installs each into an environment of its own",
    )
    peers.add_argument(
        "--contexts",
        type=Path,
        metavar="FILE",
        help="question set in SQuAD layout whose contexts are indexed, one document each",
    )
    peers.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        action="append",
        help="set whose questions are asked, matched by id; may be given several times "
        "(default: those of --contexts)",
    )
    peers.add_argument(
        "--every", type=_count, metavar="N", help="ask each N-th question (default: 1)"
    )
    peers.add_argument(
        "--venvs",
        type=Path,
        metavar="DIR",
        help="folder of the neighbours' environments (default: peers, in the cache folder)",
    )
    quality.add_argument(
        "--json", type=_new_file, metavar="FILE", help="also write the figures here"
    )
    quality.set_defaults(run=lambda parsed: _quality(parsed, quality))


def _add_sets(parser: argparse._ActionsContainer, *, required: bool) -> None:
    parser.add_argument(
        "--set",
        dest="sets",
        nargs="+",
        action="append",
        metavar="FILE",
        required=required,
        default=None if required else [],
        help="question set in SQuAD layout, and the file of its contexts if that is another: "
        "QUESTIONS [CONTEXTS]; may be given several times",
    )
    parser.add_argument(
        "--limit", type=_count, metavar="N", help="ask N questions of each set, drawn by chance"
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="embed everything anew and keep nothing; otherwise up to 1 GiB of embeddings is kept "
        f"in {default_embedding_cache()}".replace("%", "%%"),
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of questions. Give 1 or more")
    return int(text)


def _sizes(text: str) -> list[int]:
    sizes = text.split(",")
    if not all(size.isdecimal() and int(size) > 1 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text} is no list of sizes. Give numbers of 2 or more")
    return [int(size) for size in sizes]


def _fit(parsed: argparse.Namespace) -> int:
    fitted = fit_and_write(
        name_sets(parsed.sets),
        limit=parsed.limit,
        embedding_cache=None if parsed.no_cache else default_embedding_cache(),
        out=parsed.out,
        phrases=parsed.phrases,
        told=_tell,
    )
    for one in fitted:
        Console().print(to_fit_table(one))
    return 0


def _tell(what: str) -> None:
    Console(stderr=True).print(what, highlight=False, markup=False)


def _new_file(text: str) -> Path:
    """Refuse a file that cannot be written before measuring for a quarter of an hour."""
    path = Path(text).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path} cannot be written. Name a file in a folder")
    return path


def _scale(parsed: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if bool(parsed.texts) == bool(parsed.sets):
        parser.error("give --set with --among, or --texts")
    if parsed.texts:
        return timed_commands.measure_scale_costs(parsed, _tell)
    if parsed.among is None:
        parser.error("--set needs --among")
    if parsed.embeddings and parsed.no_cache:
        parser.error("give --embeddings or --no-cache, not both")
    out = parsed.out or scale_report.REPORT
    measured = measure_scale(
        name_sets(parsed.sets),
        among=parsed.among.name,
        texts=read_distractors(parsed.among.expanduser()),
        sizes=parsed.sizes,
        limit=parsed.limit,
        embedding_cache=None if parsed.no_cache else parsed.embeddings or default_embedding_cache(),
        told=_tell,
    )
    scale_report.write_report(measured, out)
    print(f"{out} written")
    return 0


_WITH_PEERS = ("contexts", "questions", "every", "venvs")
_WITH_SETS = ("limit", "noise_set", "no_cache")


def _quality(parsed: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if parsed.peers == bool(parsed.sets):
        parser.error("give --set or --peers")
    other, own = (_WITH_SETS, "--set") if parsed.peers else (_WITH_PEERS, "--peers")
    if strange := next((name for name in other if getattr(parsed, name)), None):
        parser.error(f"--{strange.replace('_', '-')} goes with {own}")
    if not parsed.peers:
        return _defaults(parsed)
    if parsed.contexts is None:
        parser.error("--peers needs --contexts")
    return _peers(parsed)


def _defaults(parsed: argparse.Namespace) -> int:
    quality = measure_quality(
        name_sets(parsed.sets),
        limit=parsed.limit,
        noise_set=parsed.noise_set,
        embedding_cache=None if parsed.no_cache else default_embedding_cache(),
        told=_tell,
    )
    write_report(quality, parsed.out)
    if parsed.json:
        write_figures(quality, parsed.json)
    print(f"{parsed.out} written")
    return 0


def _peers(parsed: argparse.Namespace) -> int:
    files = parsed.questions or [parsed.contexts]
    contexts, sets = read_sets(parsed.contexts, files, every=parsed.every or 1)
    rows = measure(
        contexts,
        sets,
        peers=PEERS,
        venvs=(parsed.venvs or cache_dir() / "peers").expanduser().absolute(),
        told=_tell,
    )
    Console().print(_table(rows, sets, len(contexts)))
    if parsed.json:
        parsed.json.write_text(to_json(rows, sets, len(contexts)), encoding="utf-8")
    return 0


def _table(rows: Sequence[Row], sets: Sequence[AskedSet], contexts: int) -> Table:
    asked = ", ".join(f"{len(s.questions)} questions of {s.name}" for s in sets)
    table = Table(
        title=f"{asked}, on {contexts} contexts",
        caption="Seconds to build (with loading the model) and milliseconds a question (median) "
        "depend on what else the machine did: compare them only on an idle one.",
    )
    table.add_column("")
    for one in sets:
        for figure in ("R@1", "R@5"):
            table.add_column(f"{one.name}\n{figure}", justify="right")
    table.add_column("build s", justify="right")
    table.add_column("ms", justify="right")
    failed = any(row.failure for row in rows)
    if failed:
        table.add_column("not measured because", overflow="fold")
    for row in rows:
        table.add_row(row.name, *_cells(row, sets), *([row.failure or ""] if failed else []))
    return table


def _cells(row: Row, sets: Sequence[AskedSet]) -> list[str]:
    if row.build_seconds is None or row.median_ms is None:
        return ["–"] * (2 * len(sets) + 2)
    shares = [
        f"{share:.3f}"
        for one in sets
        for share in (row.figures[one.name].recall_at_1, row.figures[one.name].recall_at_5)
    ]
    return [*shares, f"{row.build_seconds:.1f}", f"{row.median_ms:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
