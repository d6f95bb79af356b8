"""What somebody else's typed program sees of ``index`` and ``qa``; mypy reads it, nobody runs it.

``assert_type`` fails where a type is missing or is not the one documented.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

from index import (
    BuildReport,
    Document,
    DocumentInfo,
    FailedFile,
    FileReport,
    GenerationInfo,
    Index,
    IndexInfo,
    Limits,
    Passage,
    Problem,
    PruneReport,
    Span,
    TokenVectorKind,
    Version,
    YinzhengError,
    add_documents,
    build_index,
    list_documents,
    list_generations,
    open_index,
    prune,
    remove_documents,
    report_totals,
    rollback,
    update_documents,
    verify,
    write_report,
)
from qa import Answer, Citation, Hit, Place, ReferenceStatus, Resolved, ask, resolve, retrieve
from qa.evaluation import Evaluation, Figures, Interval, Outcome, evaluate
from qa.types import Language, Status


def change(folder: Path) -> None:
    """Make and change an index."""
    report = build_index(["a", folder], index_dir=folder, token_vectors="pq", limits=Limits())
    assert_type(report, BuildReport)
    assert_type(report.files, Sequence[FileReport])
    assert_type(report.failed, Sequence[FailedFile])
    assert_type(report.token_vectors, TokenVectorKind)
    assert_type(report_totals(report), dict[str, Any])
    write_report(report, folder / "report.json")
    assert_type(add_documents("a"), BuildReport)
    assert_type(update_documents(prune_missing=True), BuildReport)
    assert_type(remove_documents(["a"]), BuildReport)


def look(folder: str) -> None:
    """Look at an index."""
    assert_type(list_documents(folder), list[DocumentInfo])
    assert_type(list_generations(folder), list[GenerationInfo])
    assert_type(verify(folder), list[Problem])
    assert_type(rollback(folder), str)
    assert_type(prune(folder, keep=1), PruneReport)
    with open_index(folder) as index:
        assert_type(index, Index)
        assert_type(index.info, IndexInfo)
        assert_type(index.info.created, datetime)
        assert_type(index.document("a"), Document)
        assert_type(index.passages_of("a"), list[Passage])


def put(question: str, index: Index | str | Path | None) -> None:
    """Ask."""
    answer = ask(question, index=index, strictness="strict", earlier=["before"])
    assert_type(answer, Answer)
    assert_type(answer.status, Status)
    assert_type(answer.language, Language)
    assert_type(answer.confidence, float)
    assert_type(answer.citations, Sequence[Citation])
    assert_type(answer.closest, Sequence[Hit])
    citation = answer.citations[0]
    assert_type(citation.marks, Sequence[Span])
    assert_type(citation.also_in, Sequence[Place])
    assert_type(citation.page, int | None)
    assert_type(citation.headings, tuple[str, ...])
    assert_type(citation.reference, str)
    assert_type(retrieve(question, index=index), list[Hit])
    found = resolve(citation.reference, index=index)
    assert_type(found, Resolved)
    assert_type(found.status, ReferenceStatus)
    assert_type(found.version, Version | None)


def measure(file: Path) -> None:
    """Measure."""
    try:
        evaluation = evaluate(file, index="index")
    except YinzhengError as error:
        assert_type(error, YinzhengError)
        return
    assert_type(evaluation, Evaluation)
    assert_type(evaluation.figures, Figures)
    assert_type(evaluation.figures.recall_1, Interval)
    assert_type(evaluation.outcomes, tuple[Outcome, ...])
