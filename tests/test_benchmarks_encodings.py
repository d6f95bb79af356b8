"""The measure of encodings counts what comes back, and tells when something does not."""

import json
import lzma
from pathlib import Path

import pytest

from benchmarks import encodings
from benchmarks.__main__ import main
from index import REPORT, EvaluationError


def test_the_report_comes_back_from_each_encoding_at_each_cut() -> None:
    rows = encodings.measure([REPORT.read_text(encoding="utf-8")])
    assert len(rows) == 13
    assert all(row.right == dict.fromkeys(encodings.CUTS, 1) for row in rows)
    assert encodings.totals(rows) == dict.fromkeys(encodings.CUTS, 13)


def test_what_cannot_be_told_is_counted_as_wrong() -> None:
    rows = encodings.measure(["\u0e01\u0e02\u0e03"])  # Thai: neither GBK nor Big5 holds it
    by_name = {row.name: row.right[None] for row in rows}
    assert by_name["Simplified utf-8"] == 1
    assert by_name["Simplified utf-16-le"] == 0


def test_texts_are_read_and_the_table_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.dumps({"text": f"第{n}份文件講的是網絡安全。"}) for n in range(3)]
    path = tmp_path / "texts.jsonl.xz"
    path.write_bytes(lzma.compress("\n".join(lines).encode()))
    assert encodings.read_texts(path, 2) == [
        "第0份文件講的是網絡安全。",
        "第1份文件講的是網絡安全。",
    ]
    assert main(["encodings", "--texts", str(path)]) == 0
    assert "3 texts" in capsys.readouterr().out
    path.write_bytes(b"no archive")
    with pytest.raises(EvaluationError, match="holds no texts"):
        encodings.read_texts(path, 2)
