"""The commands that the recurring job runs, and those that it refuses to run."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from ova_rules import agent, hooks
from ova_rules.events.reconcile import run_admin_command


class Log:
    """What the job writes to the server log, and to the stdout of rule text."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.stdout: list[str] = []

    def writeLine(self, where: str, text: str) -> None:
        if where == "stdout":
            self.stdout.append(text)
        else:
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


def test_a_command_that_cannot_begin_is_a_fault(etc: Path) -> None:
    """ova-admin answers 1 as well where it may not sign in."""
    command(etc, "echo 'ova-admin: h:1247: rods#tempZone cannot sign in' >&2; exit 1")
    with pytest.raises(RuntimeError, match="cannot sign in"):
        run_admin_command(Log())


def test_a_silent_command_is_said_to_be(etc: Path) -> None:
    command(etc, "exit 0")
    log = Log()
    run_admin_command(log)
    assert log.lines[-1]["said"] == "it ended with 0, without a word"


def test_without_the_setting_nothing_is_run(etc: Path) -> None:
    with pytest.raises(RuntimeError, match="admin_command is missing"):
        run_admin_command(Log())


def test_unusable_settings_are_not_taken_for_missing_ones(etc: Path) -> None:
    (etc / "ova_rules.json").write_text("{")
    with pytest.raises(RuntimeError, match="cannot be used"):
        run_admin_command(Log())


@pytest.mark.parametrize("what", ["folder", "not to be run", "nothing"])
def test_what_is_no_program_is_not_run(etc: Path, what: str) -> None:
    command(etc, "touch ran", 0o644)
    if what != "not to be run":
        (etc / "ova-admin").unlink()
    if what == "folder":
        (etc / "ova-admin").mkdir(mode=0o755)
    with pytest.raises((RuntimeError, OSError), match=r"no program|No such file"):
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


# ---- what goes wrong in a job is one line of the log ---------------------------------------------------------------


def test_the_obstacle_is_what_the_job_would_raise(etc: Path) -> None:
    log = Log()
    hooks.ova_reconcile_obstacle(log)
    assert log.stdout == ["the setting admin_command is missing; it is the path of ova-admin on this server"]


def test_a_right_command_has_no_obstacle(etc: Path) -> None:
    command(etc, "exit 0")
    log = Log()
    hooks.ova_reconcile_obstacle(log)
    assert (log.stdout, log.lines) == ([], [])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ova_job", ("build", "no hexadecimal digits")),
        ("ova_job", ("build", b"/tempZone/a".hex())),
        ("ova_job", ("no such kind", b"/tempZone/a".hex())),
        ("ova_reconcile", ()),
        ("ova_reconcile_job", ()),
    ],
)
def test_a_job_that_breaks_anywhere_says_so_once(etc: Path, name: str, arguments: tuple[str, ...]) -> None:
    """Beside what its work says: a path that cannot be read, a state folder of somebody else, an agent without user."""
    (etc / "state").mkdir(mode=0o755)
    (etc / "ova_rules.json").write_text(json.dumps({"state_directory": str(etc / "state")}))
    log = Log()
    job: Any = hooks.JOBS[name]
    with pytest.raises(Exception) as raised:
        job(*arguments, *((log,) if name == "ova_reconcile_job" else (log, None)))
    (line,) = log.lines
    assert (line["ova"], type(raised.value).__name__ in line["error"]) == ("fault", True)
    assert line["in"]
