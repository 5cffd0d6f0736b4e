"""The files that the containers' scripts write, and that these are complete. The same scripts run without Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ova_admin.install import server_config

DOCKER = Path(__file__).resolve().parents[2] / "docker"
TEMPLATE = {
    "schema_name": "server_config",
    "advanced_settings": {"delay_server_sleep_time_in_seconds": 30, "delay_rule_executors": []},
    "plugin_configuration": {
        "rule_engines": [
            {"instance_name": "rl", "plugin_name": server_config.RULE_LANGUAGE, "plugin_specific_configuration": {}}
        ]
    },
}


def run(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    command = [sys.executable, str(DOCKER / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "server_config.json.template"
    file.write_text(json.dumps(TEMPLATE))
    return file


def test_the_answers_hold_the_template_and_the_choices(template: Path) -> None:
    done = run("provider/unattended.py", str(template), IRODS_PASSWORD="p", DB_PASSWORD="d", IRODS_HOST="h")
    answers = json.loads(done.stdout)
    config = answers["server_config"]
    assert answers["admin_password"] == "p"
    assert config["schema_name"] == "server_config"
    assert config["advanced_settings"] == {"delay_server_sleep_time_in_seconds": 1, "delay_rule_executors": []}
    assert (config["host"], config["catalog_provider_hosts"]) == ("h", ["h"])
    assert config["plugin_configuration"]["database"]["password"] == "d"
    assert config["plugin_configuration"]["rule_engines"] == TEMPLATE["plugin_configuration"]["rule_engines"]  # type: ignore[index]
    assert len(config["negotiation_key"]) == 32  # a server refuses any other
    assert answers["service_account_environment"]["irods_host"] == "h"


def test_what_is_set_up_can_be_configured(template: Path) -> None:
    done = run("provider/unattended.py", str(template), IRODS_PASSWORD="p", DB_PASSWORD="d")
    text = json.dumps(json.loads(done.stdout)["server_config"], indent=4)
    assert server_config.state(server_config.configured(text)).is_first


def test_a_missing_password_is_said(template: Path) -> None:
    done = run("provider/unattended.py", str(template), IRODS_PASSWORD="p")
    assert (done.returncode, done.stderr) == (2, "unattended.py: the variable DB_PASSWORD is missing\n")


def test_the_client_environment(tmp_path: Path) -> None:
    assert run("client/environment.py", HOME=str(tmp_path), IRODS_HOST="h").returncode == 0
    made = json.loads((tmp_path / ".irods" / "irods_environment.json").read_text())
    assert (made["irods_host"], made["irods_port"], made["irods_home"]) == ("h", 1247, "/tempZone/home/rods")


@pytest.mark.parametrize("script", ["irods-packages.sh", "provider/start.sh", "client/start.sh"])
def test_the_shell_scripts_can_be_read(script: str) -> None:
    assert os.access(DOCKER / script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(DOCKER / script)]).returncode == 0


def test_the_provider_sets_up_once_installs_and_starts(tmp_path: Path) -> None:
    """start.sh as a whole, with programs that note how they were called in the place of the server's own."""
    calls = tmp_path / "calls"
    programs = tmp_path / "bin"
    folder = tmp_path / "source" / ".venv" / "bin"
    for path in (programs, folder):
        path.mkdir(parents=True)
    for program in (programs / "runuser", folder / "ova-admin", programs / "python3"):
        program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> {calls}\n')
        program.chmod(0o755)
    script = (DOCKER / "provider" / "start.sh").read_text()
    script = script.replace("/var/lib/irods", str(tmp_path))
    copy = tmp_path / "start.sh"
    copy.write_text(script)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        variables = {
            "PATH": f"{programs}:{os.environ['PATH']}", "DB_HOST": "127.0.0.1",
            "DB_PORT": str(listening.getsockname()[1]), "SOURCE": str(tmp_path / "source"),
        }  # fmt: skip
        assert subprocess.run(["bash", str(copy)], env=variables, timeout=60).returncode == 0
        seen = [line.split()[0:2] for line in calls.read_text().splitlines()]
        assert [name for name, _ in seen] == ["python3", "python3", "ova-admin", "runuser"]
        calls.unlink()
        assert subprocess.run(["bash", str(copy)], env=variables, timeout=60).returncode == 0
    lines = calls.read_text().splitlines()
    assert lines[0] == "ova-admin install --configure-server --yes --no-reload"
    assert lines[1].endswith("irodsServer --stdout")


def test_every_file_that_an_image_copies_is_there() -> None:
    root = DOCKER.parent
    for dockerfile in DOCKER.glob("*/Dockerfile"):
        for line in dockerfile.read_text().replace("\\\n", " ").splitlines():
            if line.startswith("COPY "):
                for source in line.split()[1:-1]:
                    assert (root / source).exists(), f"{dockerfile}: {source}"


def test_everything_is_pinned() -> None:
    for line in (DOCKER / "requirements.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_-]+==[0-9.]+", line), line
    for image in re.findall(r"(?:FROM|image:) (\S+)", "".join(p.read_text() for p in DOCKER.rglob("*") if p.is_file())):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+", image), image


def _has_compose() -> bool:
    program = shutil.which("docker")
    return program is not None and subprocess.run([program, "compose", "version"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _has_compose(), reason="no docker compose here")
def test_compose_can_be_read() -> None:
    done = subprocess.run(["docker", "compose", "-f", str(DOCKER / "compose.yml"), "config", "--quiet"])
    assert done.returncode == 0
