"""What the recurring job runs, and what it refuses to run."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ova_rules import agent
from ova_rules.events.reconcile import run_admin_command


class Log:
    """What the job writes to the server log."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def writeLine(self, where: str, text: str) -> None:
        assert where == "serverLog"
        self.lines.append(json.loads(text))


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(agent, "settings_directory", str(tmp_path))
    return tmp_path


def command(etc: Path, script: str, mode: int = 0o755) -> None:
    file = etc / "ova-admin"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(mode)
    (etc / "ova_rules.json").write_text(json.dumps({"admin_command": str(file)}))


def test_its_last_line_is_logged(etc: Path) -> None:
    command(etc, 'echo one; echo "$HOME $*"')
    log = Log()
    run_admin_command(log)
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert log.lines == [{"ova": "reconcile", "said": f"{home} reconcile"}]


def test_components_that_stay_failed_are_no_fault(etc: Path) -> None:
    command(etc, "echo 1 ready, 1 not; exit 1")
    log = Log()
    run_admin_command(log)
    assert log.lines == [{"ova": "reconcile", "said": "1 ready, 1 not"}]


def test_a_command_that_breaks_is_a_fault(etc: Path) -> None:
    command(etc, "echo no such thing >&2; exit 3")
    with pytest.raises(RuntimeError, match="no such thing"):
        run_admin_command(Log())


def test_a_silent_command_is_said_to_be(etc: Path) -> None:
    command(etc, "exit 0")
    log = Log()
    run_admin_command(log)
    assert log.lines[-1]["said"] == "it ended with 0, without a word"


def test_without_the_setting_nothing_is_run(etc: Path) -> None:
    with pytest.raises(RuntimeError, match="admin_command is missing"):
        run_admin_command(Log())


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_what_others_may_write_is_not_run(etc: Path, mode: int) -> None:
    command(etc, f"touch {etc / 'ran'}", mode)
    with pytest.raises(RuntimeError, match="others may write it"):
        run_admin_command(Log())
    assert not (etc / "ran").exists()


def test_it_gets_nothing_of_the_agents_environment(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_AGENT", "x")
    command(etc, "env | cut -d= -f1 | sort | tr '\\n' ' '")
    log = Log()
    run_admin_command(log)
    assert "SECRET_OF_THE_AGENT" not in log.lines[-1]["said"]
    assert "HOME" in log.lines[-1]["said"]
