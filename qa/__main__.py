"""``python -m qa "QUESTION"``: ask; and the other commands, each by its name."""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import get_args

from index import QuestionError, YinzhengError, exit_status, telling_fallbacks
from qa.types import Answer, Citation, Strictness

_FOUND, _FAILED, _BAD_USE, _NOT_FOUND = 0, 1, 2, 3
_SHOWN_AS_CLOSEST = 3
# Imported only when it is asked for: an evaluation draws pictures, and the others
# bring libraries of their own.
_COMMANDS = {
    "eval": "qa.evaluation.command",
    "feedback": "qa.feedback_command",
    "mcp": "qa.mcp.command",
    "show": "qa.show",
    "users": "qa.server.users_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0 answered, 3 not found, 2 bad use, 1 failure.
    """
    with telling_fallbacks(lambda warning: print(f"qa: {warning}", file=sys.stderr)):
        return _run(sys.argv[1:] if arguments is None else arguments)


def _run(arguments: Sequence[str]) -> int:
    command = _COMMANDS.get(arguments[0]) if arguments else None
    if command is not None:
        return int(import_module(command).main(arguments[1:]))
    parsed = _parser().parse_args(arguments)
    from qa import ask  # with all that reads an index, which --help does without

    try:
        answer = ask(
            parsed.question,
            index=parsed.index,
            top_k=parsed.top_k,
            strictness=parsed.strictness,
            earlier=parsed.earlier,
            reader=not parsed.no_reader,
        )
    except QuestionError as error:
        print(f"qa: {error}", file=sys.stderr)
        return _BAD_USE
    except YinzhengError as error:
        print(f"qa: {error}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"qa: {error}. Check the path, its permissions and the disk.", file=sys.stderr)
        return _FAILED
    if parsed.json:
        from qa.wire import answer_as_json

        print(json.dumps(answer_as_json(answer), ensure_ascii=False, indent=2))
    else:
        _print_answer(answer)
    return _FOUND if answer.status == "answered" else _NOT_FOUND


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qa",
        description="Ask the index on the command line.",
        epilog="python -m qa eval --help: measure the answers to questions of your own. "
        "python -m qa show --help: follow the permanent reference of a quote. "
        "python -m qa users --help: who may sign in to the server. "
        "python -m qa feedback --help: what readers thought of answers. "
        "python -m qa mcp --help: serve programs that speak the Model Context Protocol. "
        "To ask the question 'eval': python -m qa -- eval",
    )
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="index folder, or milvus://HOST:PORT/NAME (default: YINZHENG_INDEX, else a folder in "
        "your user data; made from the bundled report on first use)",
    )
    parser.add_argument(
        "--top-k", type=int, default=5, metavar="N", help="closest passages to list (default 5)"
    )
    parser.add_argument(
        "--strictness",
        choices=get_args(Strictness),
        default="balanced",
        help="how sure an answer must be (default balanced)",
    )
    parser.add_argument(
        "--earlier",
        action="append",
        default=[],
        metavar="QUESTION",
        help="a question asked before, which a follow-up such as 那包頭呢？ is completed from; "
        "may be given again, the oldest first",
    )
    parser.add_argument(
        "--no-reader",
        action="store_true",
        help="choose quotes without reading for the phrase in them that answers",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


def _print_answer(answer: Answer) -> None:
    if answer.searched != answer.question:
        print(f"searched: {answer.searched}")
    for number, citation in enumerate(answer.citations, start=1):
        print(f"[{number}] {citation.quote}")
        if citation.answer is not None:
            print(f"    answer: {citation.answer}")
        print(f"    {_place(citation)}")
        print(f"    {citation.reference}")
        for place in citation.also_in:
            print(f"    also in {place.document.title}, characters {place.start}-{place.end}")
    if answer.citations:
        print(f"confidence {answer.confidence:.2f}")
        return
    print(answer.text)
    if answer.closest:
        print(f"The closest passages, which do not answer (confidence {answer.confidence:.2f}):")
    for hit in answer.closest[:_SHOWN_AS_CLOSEST]:
        passage = hit.passage
        print(f"  - {passage.text}")
        also = f", and in {hit.repeats:,} other places" if hit.repeats else ""
        print(f"    {hit.document.title}, characters {passage.start}-{passage.end}{also}")


def _place(citation: Citation) -> str:
    headings = [heading for heading in citation.headings if heading != citation.document.title]
    page = f", page {citation.page}" if citation.page is not None else ""
    place = " > ".join([citation.document.title, *headings])
    return f"{place}{page}, characters {citation.start}-{citation.end}"


if __name__ == "__main__":
    sys.exit(exit_status(main))
