"""schemathesis: whatever fits the OpenAPI document is taken, whatever does not is refused."""

import re
import subprocess
import sys
from pathlib import Path

from api_serving import ApiServer

# All checks are on. That the last user message holds a question cannot be said in a schema, and
# the shape is OpenAI's: a conversation without one fits it and is refused.
CONFIG = """
[checks]
enabled = true

[[operations]]
include-name = "POST /v1/chat/completions"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400"]
"""


def test_the_api_does_what_its_document_says(api: ApiServer, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    command += [f"{api.url}/api/openapi.json", "--seed", "20240601", "--max-examples", "20"]
    command += ["--generation-database", "none", "--no-color", "--suppress-health-check", "all"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-6000:]
    operations = re.search(r"(\d+) selected / (\d+) total", told)
    assert operations is not None
    assert operations[1] == operations[2] != "0", "an operation was left out"
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in told, told[-3000:]
