"""The engine of the tasks, over several boots with changed discs, in each shell that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ova_tools.seed.tasks import Task, files_of, in_memory, shell_values, variables

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


class Guest:
    """A machine that boots with a disc; its scripts write to `trace`."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.folder, self.shell, self.trace = folder, [shell, "sh"] if shell == "busybox" else [shell], folder / "trace"
        self.state = folder / "state"

    def boot(self, tasks: dict[str, str], values: dict[str, str] | None = None, *arguments: str) -> int:
        """Boots with these tasks (`install/10.sh`: text) and returns how the engine ended."""
        disc = self.folder / "disc"
        shutil.rmtree(disc, ignore_errors=True)
        made = []
        for name, text in tasks.items():
            group, _, rest = name.partition("/")
            made.append(Task(group, 0, rest, len(text), in_memory("", text.encode()).open))
        for file in files_of(made, values or {}):
            path = disc / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.open().read())
            path.chmod(0o444)  # as on a disc
        environment = {
            **os.environ, "OVA_TASKS_STATE": str(self.state), "OVA_TASKS_LOG": f"{self.folder}/log",
            "OVA_TASKS_UNIT": f"{self.folder}/unit", "TRACE": str(self.trace),
        }  # fmt: skip
        return subprocess.run([*self.shell, str(disc / "tasks/run"), *arguments], env=environment).returncode

    def ran(self) -> list[str]:
        """What the scripts wrote since this was asked last."""
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        self.trace.unlink(missing_ok=True)
        return lines

    def results(self) -> dict[str, str]:
        """The last result of each group."""
        return {line.split()[0]: line.split()[1] for line in (self.state / "result").read_text().splitlines()}


@pytest.fixture(params=SHELLS)
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Guest:
    return Guest(tmp_path, request.param)


def script(text: str) -> str:
    return f'#!/bin/sh\n{text} >>"$TRACE"\n'


def test_install_runs_once_for_each_content(guest: Guest) -> None:
    tasks = {"install/10.sh": script("echo ten"), "install/20.sh": script("echo twenty")}
    assert guest.boot(tasks) == 0
    assert guest.ran() == ["ten", "twenty"]
    assert guest.boot(tasks) == 0
    assert guest.ran() == []
    guest.boot({**tasks, "install/20.sh": script("echo other")})
    assert guest.ran() == ["other"]


def test_config_runs_when_a_value_or_a_file_changed(guest: Guest) -> None:
    tasks = {"config/10.sh": script('echo "$OVA_hostname"; cat beside'), "config/beside": "one\n"}
    guest.boot(tasks, {"hostname": "sg12"})
    assert guest.ran() == ["sg12"] or guest.ran() == []
    guest.ran()
    guest.boot(tasks, {"hostname": "sg12"})
    assert guest.ran() == []
    guest.boot(tasks, {"hostname": "sg13"})
    assert "one" in guest.ran()
    guest.boot({**tasks, "config/beside": "two\n"}, {"hostname": "sg13"})
    assert "two" in guest.ran()


def test_install_comes_before_config_and_names_say_the_order(guest: Guest) -> None:
    guest.boot({"config/a": script("echo config"), "install/b": script("echo b"), "install/10 a'b": script("echo a")})
    assert guest.ran() == ["a", "b", "config"]


def test_a_failing_script_stops_its_group_and_is_tried_at_the_next_boot(guest: Guest) -> None:
    tasks = {
        "install/10.sh": script("echo first"),
        "install/20.sh": script('[ -e "$TRACE.fixed" ] || exit 3; echo second'),
        "install/30.sh": script("echo third"),
        "config/10.sh": script("echo config"),
    }
    assert guest.boot(tasks) == 1
    assert guest.ran() == ["first", "config"]
    assert guest.results() == {"install": "failed", "config": "ok"}
    Path(f"{guest.trace}.fixed").touch()
    assert guest.boot(tasks) == 0
    assert guest.ran() == ["second", "third"]
    assert guest.results() == {"install": "ok", "config": "ok"}


def test_reset_runs_by_command_and_the_next_boot_configures_anew(guest: Guest) -> None:
    tasks = {"config/10.sh": script("echo config"), "reset/10.sh": script("echo reset")}
    guest.boot(tasks)
    assert guest.ran() == ["config"]
    assert guest.boot(tasks, None, "reset") == 0
    assert guest.ran() == ["reset"]
    guest.boot(tasks)
    assert guest.ran() == ["config"]


def test_values_arrive_whatever_is_in_them(guest: Guest) -> None:
    value = 'it\'s "$(touch /tmp/never)" `x` \\ é\nsecond line'
    guest.boot({"config/10.sh": script('printf "%s" "$OVA_net_motd_0"')}, {"net.motd.0": value})
    assert "\n".join(guest.ran()) == value


def test_scripts_of_other_languages_and_files_that_are_none(guest: Guest) -> None:
    python = '#!/usr/bin/env python3\nimport os\nopen(os.environ["TRACE"], "a").write("python\\n")\n'
    guest.boot({"config/10.py": python, "config/20-data": "exit 1\n"})
    assert guest.ran() == ["python"]


def test_by_systemd_where_there_is_no_cloud_init(guest: Guest) -> None:
    assert guest.boot({"config/10.sh": script("echo x")}, None, "install-service") == 0
    assert "ExecStart=/bin/sh -c" in (guest.folder / "unit").read_text()


def test_a_word_that_is_none_is_wrong_usage(guest: Guest) -> None:
    assert guest.boot({"config/10.sh": script("echo x")}, None, "resett") == 2


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed here")
def test_shellcheck_finds_nothing() -> None:
    from tests.support import REPOSITORY

    subprocess.run(["shellcheck", "-s", "sh", str(REPOSITORY / "ova_tools/seed/engine/run")], check=True)


def test_a_name_has_one_variable_and_a_later_one_does_not_take_it() -> None:
    assert variables(["a.b", "a_b", "é"]) == {"a.b": "OVA_a_b", "é": "OVA__"}
    assert "OVA_a_b='1'" in shell_values({"a.b": "1", "a_b": "2"})
