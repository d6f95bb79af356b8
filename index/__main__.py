"""``python -m index``: build an index, change it, look at it, check it, go back to an older one."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields

from index import (
    TOKEN_VECTOR_KINDS,
    Limits,
    YinzhengError,
    exit_status,
    telling_fallbacks,
)
from index.commands import (
    FAILED,
    run_add,
    run_build,
    run_copy,
    run_info,
    run_list,
    run_prune,
    run_remove,
    run_rollback,
    run_update,
    run_verify,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0 done, 1 failed, 2 bad use, 3 done but for some files, which could not be read.
    """
    parsed = _parser().parse_args(arguments)
    try:
        with telling_fallbacks(lambda warning: print(f"index: {warning}", file=sys.stderr)):
            return int(parsed.run(parsed))
    except YinzhengError as error:
        print(f"index: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"index: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("index: stopped; the old index, if any, is unchanged.", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m index", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME "
        "(default: YINZHENG_INDEX, else a folder in your user data)",
    )
    waits = argparse.ArgumentParser(add_help=False)
    waits.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait while another process is writing (default: not at all)",
    )
    change = argparse.ArgumentParser(add_help=False)
    change.add_argument(
        "--report", metavar="FILE", help="write what became of every file as JSON here"
    )
    _add_build(
        commands.add_parser(
            "build", parents=[where, waits, change, _reading()], help="index these files"
        )
    )
    _add_changes(commands, [where, waits, change])
    listing = commands.add_parser("list", parents=[where], help="list the documents")
    listing.add_argument("wanted", nargs="*", metavar="DOCUMENT", help=_WANTED)
    listing.add_argument("--json", action="store_true", help="print everything as JSON")
    listing.set_defaults(run=run_list)
    _add_history(commands, where, waits)
    _add_copy(commands, waits)
    return parser


_PATHS = "a file, a folder, a ZIP archive, a glob, or - for standard input"
_WANTED = "an id, a path (of a file, a folder, an archive) or a glob"


def _reading() -> argparse.ArgumentParser:
    """Return the options that say how files are found and read."""
    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument(
        "--encoding",
        metavar="NAME",
        help="of text files, gb18030 say (default: found out, file by file)",
    )
    for limit in fields(Limits):
        reading.add_argument(
            f"--{limit.name.replace('_', '-')}",
            type=int,
            default=limit.default,
            metavar="N",
            help=f"{_LIMITS[limit.name]} (default: %(default)s)",
        )
    return reading


_LIMITS = {
    "max_file_size": "bytes of one file",
    "max_characters": "characters of one document",
    "max_pages": "pages of a PDF, slides, or sheets",
    "max_unpacked": "bytes that an archive has unpacked",
    "max_members": "files in an archive",
    "max_nesting": "archives inside archives",
    "max_xml": "bytes of one part of an office document",
    "max_depth": "HTML elements inside one another",
}


def _add_build(build: argparse.ArgumentParser) -> None:
    build.description = (
        "Index exactly the documents of these files and folders. Only what changed is read and "
        "embedded; when nothing did, the index stays as it is. A build that was stopped goes on "
        "where it was."
    )
    build.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder, a ZIP archive, a glob, or - for standard input",
    )
    build.add_argument(
        "--model",
        metavar="M",
        help="sentence-transformers folder or name (default: YINZHENG_MODEL, else the bundled one)",
    )
    build.add_argument(
        "--token-vectors",
        choices=TOKEN_VECTOR_KINDS,
        default="int8",
        help="how the vectors of every token are stored: int8, or pq, a quarter of that "
        "(default: %(default)s)",
    )
    build.add_argument(
        "--fresh", action="store_true", help="read and embed everything again, changed or not"
    )
    build.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that embed, each with a model of its own, and write to a server (default: "
        "%(default)s, which uses all cores as well)",
    )
    build.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="a Ray cluster (pip install 'yinzheng[ray]') whose machines do so, in N workers",
    )
    _add_follow_links(build)
    build.set_defaults(run=run_build)


def _add_follow_links(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="follow symbolic links that lead out of a folder that is named",
    )


def _add_changes(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    parents: list[argparse.ArgumentParser],
) -> None:
    add = commands.add_parser(
        "add", parents=[*parents, _reading()], help="index these files besides those that are there"
    )
    add.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder, a ZIP archive, a glob, or - for standard input",
    )
    _add_follow_links(add)
    add.set_defaults(run=run_add)
    update = commands.add_parser(
        "update",
        parents=[*parents, _reading()],
        help="read the index's files again and take what changed",
    )
    update.add_argument("wanted", nargs="*", metavar="DOCUMENT", help=f"{_WANTED} (default: all)")
    update.add_argument(
        "--prune-missing",
        action="store_true",
        help="remove the documents whose file is gone, which are kept otherwise",
    )
    update.set_defaults(run=run_update)
    remove = commands.add_parser("remove", parents=parents, help="take documents out of the index")
    remove.add_argument("wanted", nargs="+", metavar="DOCUMENT", help=_WANTED)
    remove.set_defaults(run=run_remove)


def _add_history(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    where: argparse.ArgumentParser,
    waits: argparse.ArgumentParser,
) -> None:
    """Add the commands that look at generations and choose among them."""
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("generation", nargs="?", metavar="GENERATION", help="its name, see info")
    info = commands.add_parser(
        "info", parents=[where], help="say what is indexed, and list the generations"
    )
    info.set_defaults(run=run_info)
    check = commands.add_parser(
        "verify",
        parents=[where, which],
        help="check every file, passage and vector of a generation (default: the one in use)",
    )
    check.set_defaults(run=run_verify)
    back = commands.add_parser(
        "rollback",
        parents=[where, which, waits],
        help="put another generation into use, once it is checked (default: the one before)",
    )
    back.set_defaults(run=run_rollback)
    old = commands.add_parser(
        "prune", parents=[where, waits], help="remove old generations that nobody reads"
    )
    old.add_argument(
        "--keep",
        type=int,
        default=2,
        metavar="N",
        help="generations to keep (default: %(default)s)",
    )
    old.set_defaults(run=run_prune)


def _add_copy(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", waits: argparse.ArgumentParser
) -> None:
    copy = commands.add_parser(
        "copy",
        parents=[waits],
        help="copy an index between a folder and a Milvus server, without embedding anything again",
    )
    copy.add_argument(
        "source", metavar="SOURCE", help="an index folder, or milvus://HOST:PORT/NAME"
    )
    copy.add_argument("target", metavar="TARGET", help="the other of both")
    copy.set_defaults(run=run_copy)


if __name__ == "__main__":
    sys.exit(exit_status(main))
