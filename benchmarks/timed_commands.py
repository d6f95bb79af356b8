"""The commands that measure time and memory, and the one that writes their report."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import performance_report
from benchmarks.cold import measure_cold
from benchmarks.encodings import read_texts
from benchmarks.growing import measure_growth
from benchmarks.indexing import measure_index
from benchmarks.peers import PEERS, Peer
from benchmarks.performance_report import command_line
from benchmarks.querying import AT_ONCE, measure_query
from benchmarks.questions import Questions
from benchmarks.runs import RESULTS, Figures, Told, set_up, write_result
from index import TOKEN_VECTOR_KINDS, EvaluationError, cache_dir

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_PASSAGES = (1_000, 10_000, 100_000)


def add_commands(commands: "Commands", told: Told) -> None:
    """Add ``index``, ``query``, ``cold`` and ``performance``; ``scale`` has its own parser."""
    index = commands.add_parser("index", help="how fast files become an index")
    add_texts(index, required=True)
    _add_peers(index)
    _add_rounds(index, 3)
    _add_out(index, "index")
    index.set_defaults(run=lambda parsed: _index(parsed, told))
    query = commands.add_parser("query", help="how long a question takes")
    add_texts(query, required=True)
    add_questions(query)
    _add_peers(query)
    _add_rounds(query, 5)
    query.add_argument(
        "--at-once", type=_number, metavar="N", default=AT_ONCE, help=f"default: {AT_ONCE}"
    )
    query.add_argument("--no-page", action="store_true", help="leave the page over HTTP out")
    _add_out(query, "query")
    query.set_defaults(run=lambda parsed: _query(parsed, told))
    cold = commands.add_parser("cold", help="how long a fresh process takes")
    _add_rounds(cold, 7)
    _add_out(cold, "cold")
    cold.set_defaults(run=lambda parsed: _cold(parsed, told))
    _add_performance(commands, told)


def _add_performance(commands: "Commands", told: Told) -> None:
    all_ = commands.add_parser(
        "performance",
        help="write docs/performance.md from the results; with --texts, measure everything first",
    )
    add_texts(all_, required=False)
    add_questions(all_)
    _add_peers(all_)
    add_growth(all_)
    all_.add_argument(
        "--results", type=Path, metavar="DIR", default=RESULTS, help="default: docs/performance"
    )
    all_.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        default=performance_report.REPORT,
        help="default: docs/performance.md",
    )
    all_.set_defaults(
        run=lambda parsed: _performance(parsed, told), no_page=False, each=20, at_once=AT_ONCE
    )


def add_growth(parser: argparse._ActionsContainer) -> None:
    """Add what says how an index grows, all but the texts."""
    parser.add_argument(
        "--passages",
        type=_numbers,
        metavar="N,N,…",
        default=list(_PASSAGES),
        help="passages in an index (default: 1000,10000,100000)",
    )
    parser.add_argument(
        "--characters",
        type=_number,
        metavar="N",
        default=120,
        help="a composed passage has at least (default: 120)",
    )
    parser.add_argument(
        "--token-vectors", choices=TOKEN_VECTOR_KINDS, default="int8", help="default: int8"
    )
    parser.add_argument(
        "--real",
        type=_number,
        metavar="N",
        default=1000,
        help="texts whose sentences are encoded and composed (default: 1000)",
    )


def measure_scale_costs(parsed: argparse.Namespace, told: Told) -> int:
    """Run ``scale --texts``."""
    out = parsed.out or RESULTS / "scale.json"
    rounds, each = getattr(parsed, "rounds", None) or 5, getattr(parsed, "each", None) or 20
    texts = read(parsed.texts, parsed.real)
    setup = set_up(_data(parsed.texts, texts, parsed.questions))
    options = {
        "texts": parsed.texts,
        "questions": parsed.questions,
        "passages": ",".join(map(str, parsed.passages)),
        "characters": parsed.characters,
        "token-vectors": parsed.token_vectors,
        "real": parsed.real,
        "rounds": rounds,
        "each": each,
    }
    measure_growth(
        texts,
        sets=parsed.questions,
        sizes=parsed.passages,
        characters=parsed.characters,
        token_vectors=parsed.token_vectors,
        rounds=rounds,
        a_round=each,
        told=told,
        keep=lambda figures: _write(out, command_line("scale", options), setup, figures),
    )
    return 0


def _index(parsed: argparse.Namespace, told: Told) -> int:
    texts = read(parsed.texts, parsed.limit)
    setup = set_up(_data(parsed.texts, texts, None))
    figures = measure_index(
        texts,
        rounds=parsed.rounds,
        peers=_peers(parsed),
        venvs=_venvs(parsed),
        told=told,
    )
    options = {
        "texts": parsed.texts,
        "limit": parsed.limit,
        "rounds": parsed.rounds,
        "peers": parsed.peers,
        "peer": parsed.peer,
    }
    _write(parsed.out, command_line("index", options), setup, figures)
    return 0


def _query(parsed: argparse.Namespace, told: Told) -> int:
    texts = read(parsed.texts, parsed.limit)
    setup = set_up(_data(parsed.texts, texts, parsed.questions))
    figures = measure_query(
        texts,
        Questions(texts, parsed.questions),
        rounds=parsed.rounds,
        a_round=parsed.each,
        at_once=parsed.at_once,
        page=not parsed.no_page,
        peers=_peers(parsed),
        venvs=_venvs(parsed),
        told=told,
    )
    options = {
        "texts": parsed.texts,
        "limit": parsed.limit,
        "questions": parsed.questions,
        "rounds": parsed.rounds,
        "each": parsed.each,
        "at-once": parsed.at_once,
        "peers": parsed.peers,
        "peer": parsed.peer,
        "no-page": parsed.no_page,
    }
    _write(parsed.out, command_line("query", options), setup, figures)
    return 0


def _cold(parsed: argparse.Namespace, told: Told) -> int:
    setup = set_up("The bundled report, one question of it")
    figures = measure_cold(rounds=parsed.rounds, told=told)
    _write(parsed.out, command_line("cold", {"rounds": parsed.rounds}), setup, figures)
    return 0


def _performance(parsed: argparse.Namespace, told: Told) -> int:
    if parsed.texts:
        report = parsed.out
        runs: dict[str, tuple[Callable[[argparse.Namespace, Told], int], int]] = {
            "index": (_index, 3),
            "query": (_query, 5),
            "cold": (_cold, 7),
            "scale": (measure_scale_costs, 5),
        }
        for name, (run, rounds) in runs.items():
            told(name)
            parsed.rounds, parsed.out = rounds, parsed.results / f"{name}.json"
            run(parsed, told)
        parsed.out = report
    performance_report.write_report(parsed.results, parsed.out)
    print(f"{parsed.out} written")
    return 0


def add_texts(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that name texts."""
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        required=required,
        help='the documents: .jsonl or .jsonl.xz whose lines have a "text"',
    )
    parser.add_argument(
        "--limit", type=_number, metavar="N", default=2000, help="of the texts (default: 2000)"
    )


def add_questions(parser: argparse._ActionsContainer) -> None:
    """Add the option that names question sets."""
    parser.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="question set to ask; may be given several times (default: clauses of the texts)",
    )


def _add_peers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--peers",
        action="store_true",
        help="measure neighbouring projects on the same weights beside ours; "
        "installs each into an environment of its own",
    )
    parser.add_argument(
        "--peer",
        action="append",
        choices=[peer.name for peer in PEERS],
        metavar="NAME",
        default=[],
        help="measure this one only; may be given several times: "
        + "; ".join(peer.name for peer in PEERS),
    )
    parser.add_argument(
        "--venvs",
        type=Path,
        metavar="DIR",
        help="folder of the neighbours' environments (default: peers, in the cache folder)",
    )


def _peers(parsed: argparse.Namespace) -> list[Peer]:
    return [peer for peer in PEERS if parsed.peers or peer.name in parsed.peer]


def _add_rounds(parser: argparse.ArgumentParser, rounds: int) -> None:
    parser.add_argument(
        "--rounds", type=_number, metavar="N", default=rounds, help=f"default: {rounds}"
    )
    parser.add_argument(
        "--each",
        type=_number,
        metavar="N",
        default=20,
        help="questions of each kind in a round (default: 20)",
    )


def _add_out(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        default=RESULTS / f"{name}.json",
        help=f"write the figures here (default: docs/performance/{name}.json)",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number. Give 1 or more")
    return int(text)


def _numbers(text: str) -> list[int]:
    return [_number(one) for one in text.split(",")]


def _venvs(parsed: argparse.Namespace) -> Path:
    return Path(parsed.venvs or cache_dir() / "peers").expanduser().absolute()


def read(path: Path, limit: int) -> list[str]:
    """Return the first texts of a file.

    Raises:
        EvaluationError: it holds none.
    """
    try:
        texts = read_texts(path.expanduser(), limit)
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path} cannot be read as texts ({type(error).__name__}: {error}). Give JSON Lines "
            'with a "text" on each line (.jsonl or .jsonl.xz).'
        ) from error
    if not texts:
        raise EvaluationError(f"{path} holds no text. Name another file.")
    return texts


def _data(path: Path, texts: Sequence[str], questions: Sequence[Path] | None) -> str:
    if questions is None:
        return f"{path.name}: the first {len(texts):,} texts"
    asked = ", ".join(one.name for one in questions) or "clauses of the texts"
    return f"{path.name}: the first {len(texts):,} texts; questions: {asked}"


def _write(out: Path, command: str, setup: Figures, figures: Figures) -> None:
    write_result(out, command, setup, figures)
    print(f"{out} written; the report of it: python -m benchmarks performance")
