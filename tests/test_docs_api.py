"""docs/api.md: its examples run, its tables name what there is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from api_serving import ApiServer

from qa.server.answering import LONGEST_QUESTION, MOST_EARLIER, MOST_HITS
from qa.server.bodies import JsonRoute, LongJsonRoute
from qa.server.gate import _PATIENCE
from qa.server.metrics import Outcome
from qa.server.settings import ServerSettings

TEXT = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:7860"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_python_examples_print_what_is_shown(api: ApiServer, tmp_path: Path) -> None:
    script = tmp_path / "examples.py"
    source = "\n".join(blocks("python")).replace(ADDRESS, api.url)
    script.write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "".join(blocks("text"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("example", blocks("bash"))
def test_the_curl_examples_run(api: ApiServer, example: str) -> None:
    assert ADDRESS in example
    done = subprocess.run(
        ["bash", "-euc", example.replace(ADDRESS, api.url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_every_figure_is_described_and_every_one_described_exists(api: ApiServer) -> None:
    api.post("/api/v1/ask", {"question": "三端五防线"})
    text = api.get("/metrics").text
    told = {
        name.removesuffix("_created") if f"# TYPE {name} gauge" in text else name
        for name in re.findall(r"^# TYPE (yinzheng_\w+) ", text, re.MULTILINE)
    }
    assert told == set(re.findall(r"^\| `(yinzheng_\w+)`", TEXT, re.MULTILINE))
    for outcome in get_args(Outcome):
        assert f"`{outcome}`" in TEXT
    for stage in set(re.findall(r'yinzheng_stage_seconds_count\{stage="(\w+)"\}', text)):
        assert f"`{stage}`" in TEXT
    assert "process_resident_memory_bytes" in text


def test_the_limits_are_the_real_ones() -> None:
    settings = ServerSettings()
    told = f"At most {settings.max_running} questions are answered at once and"
    assert f"{told} {settings.max_waiting} more may wait, {_PATIENCE:.0f} seconds" in TEXT
    assert f"at most {LONGEST_QUESTION:,} characters" in TEXT
    assert f"1 to {MOST_HITS}" in TEXT
    assert f"the last {MOST_EARLIER} of them" in TEXT
    assert f"larger than {JsonRoute.most_bytes >> 10} KB" in TEXT
    assert f"{LongJsonRoute.most_bytes >> 20} MB for chat completions" in TEXT


def test_every_address_and_kind_of_problem_is_described(api: ApiServer) -> None:
    for path in api.get("/api/openapi.json").json()["paths"]:
        assert path.split("{")[0].rstrip("/") in TEXT
    source = (Path(__file__).parent.parent / "qa" / "server" / "problems.py").read_text("utf-8")
    kinds = re.findall(r'Problem\(\s*\d+, "(\w+)"', source)
    assert len(kinds) >= 5
    for kind in kinds:
        assert f"`urn:yinzheng:problem:{kind}`" in TEXT
