"""What is in ``deploy/`` fits the program."""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from serving import Server
from signing_in import READER_TOKEN, request, write_people

import app
from index.milvus.address import MilvusAddress, credentials

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
UNIT = (DEPLOY / "yinzheng.service").read_text(encoding="utf-8")
GUIDE = (DEPLOY / "README.md").read_text(encoding="utf-8")
ON_SERVER = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and what stands behind each."""
    without_comments = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
    lines = without_comments.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def given(kind: str) -> list[str]:
    return [rest for name, rest in instructions() if name == kind]


def entry() -> list[str]:
    """Return the command that a container of the image runs, before what is given to it."""
    (command,) = map(json.loads, given("ENTRYPOINT"))
    return [str(one) for one in command]


def unit(key: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", UNIT)
    return re.findall(rf"^{key}=(.*)$", joined, re.MULTILINE)


def unit_environment() -> list[tuple[str, str]]:
    return [(name, place) for name, _, place in (one.partition("=") for one in unit("Environment"))]


def parse(arguments: list[str]) -> argparse.Namespace:
    return app._parser().parse_args(arguments)


def test_the_images_have_plain_names_and_a_pinned_python() -> None:
    assert "ARG PYTHON=3.11" in DOCKERFILE
    assert given("FROM") == ["python:${PYTHON}-slim AS build", "python:${PYTHON}-slim"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (lowest,) = re.findall(r'requires-python = ">=3\.(\d+)"', project)
    assert int(lowest) <= 11


def test_what_is_copied_exists_and_is_all_that_is_installed() -> None:
    sources = [
        name
        for rest in given("COPY")
        if not rest.startswith("--from")
        for name in rest.split()[:-1]
    ]
    assert all((ROOT / name).exists() for name in sources)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (packages,) = re.findall(r"^packages = \[(.*?)\]", project, re.MULTILINE | re.DOTALL)
    for package in re.findall(r'"([a-z_.]+)"', packages):
        assert package.split(".")[0] in sources
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert {f"!{name}" for name in sources} <= set(ignored.splitlines())


def test_the_container_runs_as_nobody_of_importance_and_refuses_to_be_open(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert given("USER") == ["10001:10001"]
    command = entry()
    assert command[0] == "yinzheng"
    assert 'yinzheng = "app:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert parse(command[1:]).port == 7860
    assert given("EXPOSE") == ["7860"]
    assert app.main(command[1:]) == 2
    assert "--auth" in capsys.readouterr().err
    written = {"YINZHENG_INDEX", "YINZHENG_DATA"}
    places = dict(pair.split("=", 1) for pair in shlex.split(given("ENV")[-1]))
    assert all(places[name].startswith("/data/") for name in written)
    assert given("VOLUME") == ['["/data"]']


def test_the_health_check_tells_a_living_server_from_a_dead_one(login_server: Server) -> None:
    (check,) = given("HEALTHCHECK")
    command = json.loads(check[check.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]

    def run(port: int) -> int:
        code = command[2].replace("7860", str(port))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, timeout=30, check=False
        )
        return done.returncode

    assert run(login_server.port) == 0
    assert run(1) != 0


def test_the_unit_starts_the_program_with_options_that_it_has() -> None:
    (start,) = unit("ExecStart")
    command = shlex.split(start)
    assert command[0] == "/opt/yinzheng/bin/yinzheng"
    options = parse(command[1:])
    assert options.host == "127.0.0.1"
    assert options.auth
    assert options.behind_proxy == ["127.0.0.1/32"]
    (writable,) = unit("ReadWritePaths")
    places = [place for _, place in unit_environment() if place.startswith("/var")]
    assert places
    assert all(place.startswith(tuple(writable.split())) for place in places)


def test_the_unit_starts_where_nothing_is_yet(tmp_path: Path) -> None:
    (start,) = unit("ExecStart")
    arguments = shlex.split(start.replace("/etc/yinzheng", str(tmp_path)))[1:]
    port = arguments.index("--port")
    del arguments[port : port + 2]
    write_people(tmp_path)
    # The cache alone is this machine's own: unpacking the model again takes long.
    places = {
        name: place.replace("/var/lib/yinzheng", str(tmp_path / "state"))
        for name, place in unit_environment()
        if name.startswith("YINZHENG_")
    }
    running = Server(*arguments, index=tmp_path / "elsewhere", environment=places)
    try:
        token = {"Authorization": f"Bearer {READER_TOKEN}"}
        assert request(running.port, "/readyz", headers=token).status == 200
    finally:
        assert running.stop() == 0
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"index", "server"}
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_understands_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    copy = tmp_path / "yinzheng.service"
    copy.write_text(UNIT.replace("/opt/yinzheng/bin/yinzheng", sys.executable), encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-500:]


def test_every_option_that_the_guides_name_exists() -> None:
    known = set(re.findall(r"--[a-z-]+", app._parser().format_help()))
    from index.__main__ import _parser as index_parser
    from qa.server.users_command import _parser as users_parser

    text = index_parser().format_help() + users_parser().format_help()
    known |= set(re.findall(r"--[a-z-]+", text)) | {"--administrator", "--index"}
    elsewhere = {
        *("--rm", "--entrypoint", "--name", "--read-only", "--tmpfs", "--cap-drop"),
        *("--security-opt", "--memory", "--pids-limit", "--stop-timeout", "--build-arg"),
        *("--system", "--user-group", "--no-create-home", "--shell", "--now"),
    }
    for guide in (GUIDE, ON_SERVER):
        unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", guide)) - known - elsewhere
        assert not unknown


def test_the_guide_to_the_server_names_every_option_and_real_tests() -> None:
    for option in re.findall(r"--[a-z-]+", app._parser().format_help()):
        assert option == "--help" or f"`{option}" in ON_SERVER, option
    named = set(re.findall(r"`(test_\w+)`", ON_SERVER))
    assert len(named) > 20
    tests = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py"))
    missing = {name for name in named if f"def {name}(" not in tests}
    assert not missing


def described(name: str) -> list[Any]:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return [one for one in yaml.safe_load_all(text) if one]


def test_the_replicas_of_the_compose_file_have_options_that_exist() -> None:
    (held,) = described("compose.yaml")
    app_service = held["services"]["app"]
    command = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", one) for one in app_service["command"]]
    parse([*entry()[1:], *command])
    assert app_service["read_only"] is True
    check_settings(app_service["environment"])
    assert set(app_service["depends_on"]) < set(held["services"])
    used = {
        volume.split(":")[0] for s in held["services"].values() for volume in s.get("volumes", [])
    }
    assert used == set(held["volumes"])
    configs = {one["source"] for s in held["services"].values() for one in s.get("configs", [])}
    assert configs == set(held["configs"])
    published = [port for s in held["services"].values() for port in s.get("ports", [])]
    assert published == ["127.0.0.1:7860:80"]


def test_the_replicas_of_the_cluster_have_options_and_settings_that_exist() -> None:
    settings, replicas, service = described("kubernetes.yaml")
    pod = replicas["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    parse([*entry()[1:], *container["args"]])
    named = [one["name"] for one in container["env"]]
    check_settings({**settings["data"], **dict.fromkeys(named, "x")})
    assert pod["spec"]["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    labels = pod["metadata"]["labels"]
    assert service["spec"]["selector"] == replicas["spec"]["selector"]["matchLabels"] == labels
    volumes = {one["name"] for one in pod["spec"]["volumes"]}
    volumes |= {one["metadata"]["name"] for one in replicas["spec"]["volumeClaimTemplates"]}
    assert {one["name"] for one in container["volumeMounts"]} == volumes


def check_settings(environment: dict[str, str]) -> None:
    """Check that an environment names an index on a server, and settings that are read."""
    MilvusAddress.parse(environment["YINZHENG_INDEX"])
    own = {name: "1" for name in environment if name.startswith("YINZHENG_MILVUS_")}
    found = asdict(credentials(own))
    assert {name for name, value in found.items() if value} == {
        name.removeprefix("YINZHENG_MILVUS_").lower() for name in own
    }
